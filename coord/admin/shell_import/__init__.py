"""Import the files of the shell scripts that coord replaces. The scripts themselves are not here."""
