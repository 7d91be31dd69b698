"""`coord archive`: put the journals of sessions that are long over aside."""

from collections.abc import Mapping

import msgspec

from coord.admin.archive import ArchiveResult
from coord.admin.archive import archive as put_away
from coord.cli.parser import command, option
from coord.engine.run import Run
from coord.engine.times import is_event_name, parse_instant
from coord.render.format import ago, line, plural, session_label, size, time_text
from eventlog.events import Instant
from projections.views.board import names_of

_SHOWN = 20


@command("archive", acts=False)
@option("--before", metavar="TIME", default="7d", show_default=True, help="Of sessions that were over by then.")
@option("--dry-run", is_flag=True, help="Only say what would be moved.")
def archive(run: Run, before: str, dry_run: bool) -> None:
    """Move the journals of sessions that are long over to log/ended/, whole.

    Nothing is lost by it: every command still answers about them, and `coord verify` still checks them. What it saves
    is the time to look at them. A session that comes back goes on in a new journal.

    \b
    Examples:
      coord archive
      coord archive --before 30d --dry-run
      coord archive --before "2026-11-01 00:00"
    """
    snapshot = run.read_state()
    now, names = snapshot.now, names_of(snapshot.state)
    done = put_away(run.system, run.workspace, run.config, _parse_before(run, before, now), dry_run=dry_run)
    run.note_problems(snapshot)
    run.say(_render_text(done, now, names, dry_run), {"dry_run": dry_run, **msgspec.to_builtins(done)})


def _parse_before(run: Run, text: str, now: Instant) -> Instant:
    """Raises CoordError (2) for what is no time."""
    if is_event_name(text):
        return run.full_history().since(text, "--before").at
    return parse_instant(text, "--before", now)


def _render_text(done: ArchiveResult, now: Instant, names: Mapping[str, str], dry_run: bool) -> str:
    if done.moved:
        total = size(sum(row.bytes for row in done.moved))
        what = f"{plural(len(done.moved), 'journal')} ({total}) {'would go' if dry_run else 'moved'} to log/ended/"
        parts = [f"🔎 {what}:" if dry_run else f"📦 {what}:"]
        rows = sorted(done.moved, key=lambda row: row.over_at, reverse=True)
        parts += [
            f"  {session_label(row.session, names)} · {size(row.bytes)} · over {ago(row.over_at, now)}"
            for row in rows[:_SHOWN]
        ]
        parts += _more(len(rows))
    else:
        parts = [
            f"Nothing to move: no {'other ' if done.ended else ''}session was over by {time_text(done.before, now)}."
        ]
        if done.stayed:
            parts = ["Nothing was moved."]
    if done.stayed:
        parts.append(f"⚠️  {plural(len(done.stayed), 'journal')} of sessions that are long over stayed in log/:")
        parts += [f"  {line(row.session)}: {line(row.reason, 200)}" for row in done.stayed[:_SHOWN]]
        parts += _more(len(done.stayed))
    rest = [f"{done.young} in log/, of sessions that are here or were until lately"] if done.young else []
    rest += [f"{done.ended} archived before"] if done.ended else []
    return "\n".join([*parts, f"Others: {', '.join(rest)}." if rest else ""])


def _more(count: int) -> list[str]:
    return [f"  … and {count - _SHOWN} more: --json shows all"] if count > _SHOWN else []
