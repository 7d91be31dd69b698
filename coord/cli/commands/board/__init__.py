"""Commands that show the present."""
