"""The files of the shell scripts."""
