"""Remotes: places outside this machine that carry copies of journals between machines."""
