"""What happened: lines, journals, the merged history, the lock."""
