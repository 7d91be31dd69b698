"""Commands that show the past. They read the whole history, and write nothing to the log."""
