"""The file formats that `coord install` edits, as pure functions from text to text. Nothing here opens a file."""
