"""A stretch of the past, as `--since` and `--until` name it: what `coord report` is about."""

from msgspec import Struct

from coord.engine.board import board_of
from coord.engine.history import Past
from coord.engine.run import Run
from coord.errors import wrong
from coord.render.console.progress import chunks
from coord.render.format import clock, line
from eventlog.events import HOUR_S, later
from projections.views.board import Board
from projections.views.intervals import Account, account
from projections.views.point_in_time import Cut, just_before

USUAL_S = 8 * HOUR_S  # how far back one looks who does not say


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
    """The stretch between two moments; without `since` the last hours of it. Raises CoordError (2)."""
    past = run.look_back()
    last = past.cut(until, "--until")
    first = past.since(since, "--since") if since is not None else just_before(later(last.at, -USUAL_S))
    if last.at < first.at:
        begin, end = (clock(at, "", seconds=True) for at in (first.at, last.at))
        raise wrong(f"--until {line(until or '', 40)} is {end}, before --since {line(since or '', 40)}, {begin}.")
    told = account(past.until(last), last.at, lambda events: chunks("replaying", events))
    past.present.state = told.state
    if until is not None:
        past.present.at = last.at
    return Stretch(past, told, first, board_of(run.world, run.config, past.present, last.at))
