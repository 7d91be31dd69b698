"""Follow the log while a page is open, and send what changes. Nothing here writes to the log."""
