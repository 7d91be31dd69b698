"""The tests: a folder for each package, and `property/` for the laws that hold for every history."""
