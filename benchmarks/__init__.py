"""How fast diffbio is, and against what: `python -m benchmarks`."""
