"""A state as facts, and the difference of two."""
