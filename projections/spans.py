"""Claims and waits as spans of time."""
