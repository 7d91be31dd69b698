"""The terminal itself: a full-screen view and a progress bar."""
