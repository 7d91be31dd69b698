"""The page of a span in one file, for `coord web --export`: its parts, and the data. The command is in coord.cli."""
