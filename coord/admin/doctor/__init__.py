"""The checks of `coord doctor`, one function for each thing that can be wrong. None changes anything."""
