"""One module for each command, in the groups of `coord --help`. A module that begins with `_` is no command."""
