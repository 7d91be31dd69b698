"""The page of a period in one file, for `coord web --export`: its parts, and the data. The command is in coord.cli."""
