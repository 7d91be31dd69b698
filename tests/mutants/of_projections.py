"""Mutants of the fold and the rules of claims."""

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
