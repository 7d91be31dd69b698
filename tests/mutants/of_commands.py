"""Mutants of the transaction, the checkpoint and the commands."""

from tests.mutants import of_acting, of_catching_up, of_guard, of_identity, of_looking, of_transaction
from tests.mutants.mutant import Mutant

_OF_ACTING = of_transaction.MUTANTS + of_catching_up.MUTANTS + of_identity.MUTANTS + of_acting.MUTANTS
MUTANTS: tuple[Mutant, ...] = _OF_ACTING + of_looking.MUTANTS + of_guard.MUTANTS
