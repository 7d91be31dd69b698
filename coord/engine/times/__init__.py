"""Times and lengths of time, as people write them."""
