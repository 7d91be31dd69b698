"""Mutants of the transaction, the checkpoint and the commands."""

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
