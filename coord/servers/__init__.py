"""Processes that keep running and answer requests. The commands that they run are in `coord.cli`."""
