"""The command: identity, every verb with real processes, and the scripts."""
