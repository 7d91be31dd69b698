"""`coord archive`: move the journals of sessions that ended long ago to log/ended/."""

from collections.abc import Mapping

import msgspec

from coord.admin.archive import ArchiveResult
from coord.admin.archive import archive as move_journals
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.times.points_in_time import is_event_name, parse_instant
from coord.render.format import ago, line, plural, session_label, size, time_text
from eventlog.events import Instant
from projections.views.board import names_of

_SHOWN = 20


@command("archive", acts=False)
@option(
    "--before",
    metavar="TIME",
    default="7d",
    show_default=True,
    help="Archive only sessions that ended before TIME.",
)
@option("--dry-run", is_flag=True, help="Show what would be moved, and move nothing.")
@limit_option(f"journals; the default is {_SHOWN}, and all with --json")
def archive(run: Run, before: str, dry_run: bool, limit: int | None) -> None:
    """Move the journals of sessions that ended or died long ago to log/ended/.

    You rarely need this: each start of a session archives journals of sessions that ended at least a day ago.
    This command reads every journal from beginning to end before it moves it, moves any number, also imported ones, and
    shows why others stay. Nothing is lost: the commands that show the past still read archived journals, and `coord
    verify` still checks them. A session that comes back gets a new journal.

    \b
    Examples:
      coord archive
      coord archive --before 30d --dry-run
      coord archive --before "2026-11-01 00:00"
    """
    snapshot = run.read_state()
    now, names = snapshot.now, names_of(snapshot.state)
    result = move_journals(run.system, run.workspace, run.config, _parse_before(run, before, now), dry_run=dry_run)
    run.note_problems(snapshot)
    run.say(
        _render_text(run, result, now, names, dry_run, limit or _SHOWN),
        {"dry_run": dry_run, **msgspec.to_builtins(result)},
    )


def _parse_before(run: Run, text: str, now: Instant) -> Instant:
    """Return the time that --before names. Raises CoordError (2)."""
    if is_event_name(text):
        return run.full_history().since(text, "--before").at
    return parse_instant(text, "--before", now)


def _render_text(
    run: Run, result: ArchiveResult, now: Instant, names: Mapping[str, str], dry_run: bool, shown: int
) -> str:
    if result.moved:
        total = size(sum(row.bytes for row in result.moved))
        verb = "would be moved" if dry_run else "moved"
        parts = [f"{'🔎' if dry_run else '📦'} {plural(len(result.moved), 'journal')} ({total}) {verb} to log/ended/:"]
        rows = sorted(result.moved, key=lambda row: row.over_at, reverse=True)
        parts += [
            f"  {session_label(row.session, names, full=True)} · {size(row.bytes)} · ended {ago(row.over_at, now)}"
            for row in rows[:shown]
        ]
        parts += [f"  {row}" for row in rest_hint(run, "archive", len(rows), shown)] if dry_run else []
    elif result.stayed:
        parts = ["Nothing was moved."]
    else:
        other = "other " if result.ended else ""
        parts = [f"Nothing to move: no {other}session had ended by {time_text(result.before, now)}."]
    if result.stayed:
        parts.append(f"⚠️  {plural(len(result.stayed), 'journal')} of sessions that ended long ago stayed in log/:")
        parts += [f"  {line(row.session)}: {line(row.reason, 200)}" for row in result.stayed[:shown]]
        parts += [f"  {row}" for row in rest_hint(run, "archive", len(result.stayed), shown)]
    others = [f"{result.young} in log/, of sessions that are live or ended recently"] if result.young else []
    others += [f"{result.ended} archived before"] if result.ended else []
    return "\n".join([*parts, f"Other journals: {', '.join(others)}." if others else ""])
