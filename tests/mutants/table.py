"""All mutants."""

from tests.mutants import of_commands, of_history, of_journal, of_lines, of_lock, of_projections, of_writer
from tests.mutants.mutant import Mutant

_OF_EVENTLOG = of_lock.MUTANTS + of_lines.MUTANTS + of_journal.MUTANTS + of_writer.MUTANTS + of_history.MUTANTS
MUTANTS: tuple[Mutant, ...] = _OF_EVENTLOG + of_projections.MUTANTS + of_commands.MUTANTS
