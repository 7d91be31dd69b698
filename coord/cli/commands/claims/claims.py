"""`coord claims`: list the active claims."""

import msgspec

from coord.cli.paging import before_option, limit_option, newest_page, sort_key
from coord.cli.parser import argument, at_option, command
from coord.cli.resources import possible_resources
from coord.engine.board import find_deaths
from coord.engine.run import Run
from coord.render.board.text import claim_lines
from coord.render.format import line
from projections.rules.fold import as_of
from projections.rules.resources import overlap
from projections.views.board import claim_row, names_of

_SHOWN = 20


@command("claims")
@argument("path", required=False)
@limit_option(f"claims, the newest; the default is {_SHOWN}")
@before_option
@at_option
def claims(run: Run, path: str | None, at: str | None, limit: int | None, before: str | None) -> None:
    """List who holds what, or only the claims that overlap PATH.

    PATH is a path in the repository, or TYPE/NAME.

    \b
    Examples:
      coord claims
      coord claims src/app.py
      coord claims deploy/production --at 18:00
    """
    snapshot = run.read_state(at)
    now = snapshot.now
    deaths = find_deaths(run.system, snapshot)
    state = as_of(snapshot.state, now)
    rows = [claim_row(claim, deaths.get(claim.session, "")) for claim in state.claims.values()]
    rows.sort(key=lambda row: (row.resource, row.granted_at))
    if path is not None:
        resources = possible_resources(run.system, run.workspace, path)
        rows = [row for row in rows if any(overlap(row.resource, resource) for resource in resources)]
    most = limit or (None if run.json else _SHOWN)
    page = newest_page(run, "claims", rows, lambda row: sort_key(row.granted_at, row.id), most, before)
    run.note_problems(snapshot)
    me = run.own_session_id(snapshot)
    lines = claim_lines(page.rows, now, me, names=names_of(state), most=len(page.rows))
    nothing = "No older claims." if rows else "No claims." if path is None else f"Nobody holds {line(path)}."
    run.say(
        "\n".join(filter(None, [*lines, page.hint("claim")])) or nothing,
        {"now": now, "path": path or "", "claims": msgspec.to_builtins(page.rows), **page.data},
    )
