"""The command line: parsing, help, and one module for each command. What the commands call is in the other packages."""
