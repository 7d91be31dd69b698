"""The laws: what holds for every history, checked on generated ones."""
