"""Commands that show the past."""
