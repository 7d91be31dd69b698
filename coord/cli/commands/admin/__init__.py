"""Commands that check and maintain the log. The work is done in `coord.admin`."""
