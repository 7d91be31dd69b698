"""Commands that check and maintain the log."""
