"""Read the history of a folder, or a part of it, and compute the state at any time. Nothing here writes to the log."""
