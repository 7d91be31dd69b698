"""A stretch of the past, as `--since` and `--until` name it: what `coord report` and `coord timeline` are about."""

from msgspec import Struct

from coord.errors import wrong
from coord.past import Past
from coord.progress import chunks
from coord.run import Run
from coord.text import clock, line
from coord.views import board_of
from projections.board import Board
from projections.past import Cut
from projections.spans import Account, account


class Stretch(Struct, frozen=True):
    """The account of the history up to the end of the stretch, where it begins, and the board at its end."""

    past: Past
    account: Account
    since: Cut
    board: Board

    @property
    def damage(self) -> list[str]:
        """What is missing of the log."""
        return [finding.text for finding in self.past.present.findings()]


def stretch(run: Run, since: str | None, until: str | None) -> Stretch:
    """The stretch between two moments; without `since` from the first event on. Raises CoordError (2)."""
    past = run.look_back()
    first, last = past.since(since, "--since"), past.cut(until, "--until")
    if last.at < first.at:
        begin, end = (clock(at, "", seconds=True) for at in (first.at, last.at))
        raise wrong(f"--until {line(until or '', 40)} is {end}, before --since {line(since or '', 40)}, {begin}.")
    told = account(past.until(last), last.at, lambda events: chunks("replaying", events))
    past.present.state = told.state
    if until:
        past.present.at = last.at
    return Stretch(past, told, first, board_of(run.world, run.config, past.present, last.at))
