"""Who got a message, and read it when."""
