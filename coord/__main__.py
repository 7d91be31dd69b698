"""`python -m coord` is the command."""

from coord.cli import main

main()
