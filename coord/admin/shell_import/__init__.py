"""Importing the files of the shell scripts that coord replaces."""
