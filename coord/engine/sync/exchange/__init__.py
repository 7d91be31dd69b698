"""Exchange journals with a remote: what comes in, what goes out, and what is known of the remote."""
