"""Mutants of how a line is written and read, and of the vocabulary."""

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
