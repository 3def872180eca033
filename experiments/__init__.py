"""One folder per paper or question: how to run it, and what was measured."""
