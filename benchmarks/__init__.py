"""The bench: what everything costs, as ratios that were measured in one run. `python -m benchmarks --help`."""
