"""The command line: parsing, help, and one module for each command."""
