"""The command line: parsing, help, and one module for each command. The commands call the other packages."""
