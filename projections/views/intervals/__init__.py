"""Claims, waits and sessions as intervals of time, computed from a history. Nothing here displays them."""
