"""All mutants."""

from tests.mutants import of_commands, of_eventlog, of_projections
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = of_eventlog.MUTANTS + of_projections.MUTANTS + of_commands.MUTANTS
