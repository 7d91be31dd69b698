"""Installing coord, checking it, archiving its journals, and importing older data."""
