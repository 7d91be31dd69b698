"""Mutants of the fold and the rules of claims."""

from tests.mutants import of_account, of_claims, of_handing_over, of_messages, of_requests, of_sessions
from tests.mutants.mutant import Mutant

_OF_RULES = of_claims.MUTANTS + of_handing_over.MUTANTS + of_requests.MUTANTS
MUTANTS: tuple[Mutant, ...] = _OF_RULES + of_sessions.MUTANTS + of_messages.MUTANTS + of_account.MUTANTS
