"""`coord claims`: list the active claims."""

import msgspec

from coord.cli.paging import before_option, limit_option, newest_page
from coord.cli.parser import argument, at_option, command, option
from coord.cli.resources.words import ResourceFilter, resource_filters
from coord.engine.board import find_deaths
from coord.engine.run import Run
from coord.errors import no_session
from coord.render.board.text import NO_CLAIMS, claims_section
from coord.render.format import line
from projections.rules.fold import as_of
from projections.views.board import ClaimRow, claim_rows, names_of
from projections.views.point_in_time import sort_key

_SHOWN = 20


@command("claims")
@argument("words", metavar="[RESOURCE]...", nargs=-1)
@option("--mine", is_flag=True, help="Only the claims of this session and its subagents.")
@limit_option(f"claims, the newest; the default is {_SHOWN}")
@before_option
@at_option
def claims(run: Run, words: tuple[str, ...], mine: bool, at: str | None, limit: int | None, before: str | None) -> None:
    """List all claims, or only those that RESOURCE covers or overlaps.

    RESOURCE is a type, a path in the repository, TYPE NAME or TYPE/NAME. `*`, `?` and `**` are wildcards. If no
    claim matches, the claims whose names begin with RESOURCE are listed.

    \b
    Examples:
      coord claims
      coord claims --mine
      coord claims src/app.py
      coord claims droplet
      coord claims 'file/src/*.py'
      coord claims deploy/production --at 18:00
    """
    snapshot = run.read_state(at)
    now = snapshot.now
    deaths = find_deaths(run.system, snapshot)
    state = as_of(snapshot.state, now)
    rows = claim_rows(state, deaths, run.system.here.machine)
    filters = resource_filters(run, "claims", words)
    if words:
        rows = _matching(rows, filters)
    run.note_problems(snapshot)
    me = run.own_session_id(snapshot)
    if mine:
        if not me:
            raise no_session("this shell has no session yet, so it holds nothing. Begin with: coord start")
        rows = [row for row in rows if row.session == me]
    wanted = ", ".join(f"any {line(each.kind)}" if each.kind else line(each.text) for each in filters)
    most = limit or (None if run.json else _SHOWN)
    page = newest_page(run, "claims", rows, lambda row: sort_key(row.granted_at, row.id), most, before)
    nothing = "No older claims." if rows else _nothing(wanted, mine)
    note = page.hint("claim") if page.rows else nothing
    run.show(
        [claims_section(page.rows, now, me, names_of(state), note)],
        {
            "now": now,
            "path": " ".join(words),
            "mine": mine,
            "claims": msgspec.to_builtins(page.rows),
            **page.data,
        },
    )


def _matching(rows: list[ClaimRow], filters: list[ResourceFilter]) -> list[ClaimRow]:
    """Return the rows that any filter matches. A filter that matches none is taken for the beginning of a resource."""
    shown: set[str] = set()
    for each in filters:
        exact = {row.id for row in rows if each.matches(row.resource)}
        shown |= exact or {row.id for row in rows if each.begins(row.resource)}
    return [row for row in rows if row.id in shown]


def _nothing(wanted: str, mine: bool) -> str:
    if mine:
        return f"You do not hold {wanted}." if wanted else "You hold no claims."
    return f"Nobody holds {wanted}." if wanted else NO_CLAIMS
