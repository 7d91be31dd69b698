"""Commands that send, read and confirm messages."""
