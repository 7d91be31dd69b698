"""Sessions as lanes, claims as bars."""
