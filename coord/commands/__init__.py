"""One file a command: a thin click function over `Run`. The table that finds them is in `coord.cli`."""
