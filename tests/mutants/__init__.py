"""The code made wrong, at one place at a time. `python -m tests.mutants [PART OF A NAME]` tries them on the screen."""
