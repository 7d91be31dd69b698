"""Mutants: deliberate errors in a copy of the code. `python -m tests.mutants [PART OF A NAME]` tries them."""
