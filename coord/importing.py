"""Adding an imported journal."""
