"""The checks of `coord doctor`: one function for each kind of fault. They only look; no check repairs anything."""
