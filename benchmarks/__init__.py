"""How fast and how accurate diffbio is, and against what: `python -m benchmarks`."""
