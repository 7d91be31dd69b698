"""`coord claims`."""

import click
import msgspec

from coord.naming import checked, file_name
from coord.options import command
from coord.run import Run
from coord.screen import claim_lines
from coord.views import deaths
from projections.board import ClaimRow, claim_row, names_of
from projections.fold import as_of
from projections.resources import overlap


@command("claims")
@click.argument("path", required=False)
def claims(run: Run, path: str | None) -> None:
    """List who holds what, or who holds one PATH (a path of the repository, or TYPE/NAME).

    \b
    Examples:
      coord claims
      coord claims src/app.py
      coord claims deploy/production
    """
    present = run.look()
    now = present.now
    gone = deaths(run.world, present)
    state = as_of(present.state, now)
    rows = [claim_row(claim, gone.get(claim.session, "")) for claim in state.claims.values()]
    rows.sort(key=lambda row: (row.resource, row.granted_at))
    if path is not None:
        wanted = _wanted(run, path, rows)
        rows = [row for row in rows if overlap(row.resource, wanted)]
        nobody = f"Nobody holds {wanted}."
    else:
        wanted, nobody = "", "No claims."
    run.note_troubles(present)
    me = run.perhaps_me(present)
    run.say(
        "\n".join(claim_lines(rows, now, me, names=names_of(state), everything=run.json)) or nobody,
        {"now": now, "path": wanted, "claims": msgspec.to_builtins(rows)},
    )


def _wanted(run: Run, path: str, rows: list[ClaimRow]) -> str:
    if path.startswith("file/") or ("/" in path and path.split("/")[0] in {r.resource.split("/")[0] for r in rows}):
        kind, name = path.split("/", 1)
        return checked(f"{kind}/{file_name(run.world, run.place, name) if kind == 'file' else name}")
    return checked(f"file/{file_name(run.world, run.place, path)}")
