"""Benchmarks: what commands and log operations cost. What they must do is in `tests`. `python -m benchmarks --help`."""
