"""Commands for one's own session."""
