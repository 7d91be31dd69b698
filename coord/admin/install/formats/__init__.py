"""The file formats that `coord install` edits. Pure functions from text to text."""
