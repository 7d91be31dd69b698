"""One file a command: its declaration over a plain function of a `Run`. `coord.table` finds them."""
