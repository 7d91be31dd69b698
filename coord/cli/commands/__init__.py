"""One module for each command, in the groups of `coord --help`. Modules whose names begin with `_` are not commands."""
