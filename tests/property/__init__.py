"""Properties that hold for every history, checked on generated histories."""
