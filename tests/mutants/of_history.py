"""Mutants of reading journals, and of their order."""

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
