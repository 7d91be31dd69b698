"""`coord import`: import the files of the shell scripts that came before coord."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from coord.admin.shell_import.recovery import FileKind
from coord.admin.shell_import.run import ImportResult, UsableFile, import_folder
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.render.format import line, plural, time_text

_SHOWN = 20
_NOUNS: dict[FileKind, str] = {"session": "session", "heartbeat": "heartbeat", "claim": "claim", "message": "message"}


@command("import", acts=False)
@argument("folder")
@limit_option(f"files that could not be imported; the default is {_SHOWN}, and all with --json")
def import_(run: Run, folder: str, limit: int | None) -> None:
    """Import the files of the old shell scripts from FOLDER, or from the COORDINATION/ in it.

    Each session, heartbeat, claim and message becomes an event with its original time and session. Files that are not
    valid JSON are recovered as far as possible. Imported sessions are never live, and their claims block nobody. FOLDER
    is not changed, and importing it again adds only what is new.

    \b
    Examples:
      coord import COORDINATION
      coord import ../old-repository
    """
    result = import_folder(run.system, run.workspace, run.config, folder)
    for note in result.notes:
        run.note(note)
    run.say(_render_text(run, result, limit or _SHOWN), _data(result))


def _render_text(run: Run, result: ImportResult, shown: int) -> str:
    parts = [f"📥 {plural(len(result.found), 'file')} read in {line(result.folder)}: {_counts(result.found)}"]
    recovered = sum(file.event.recovered for file in result.found)
    if recovered:
        parts.append(f"🔧 {recovered} of them {'was' if recovered == 1 else 'were'} recovered from invalid JSON")
    if result.unusable:
        parts.append(f"⚠️  {plural(len(result.unusable), 'file')} could not be imported:")
        parts += [f"  {line(file.path)}: {line(file.reason, 200)}" for file in result.unusable[:shown]]
        parts += [f"  {row}" for row in rest_hint(run, "import", len(result.unusable), shown)]
    if not result.new:
        reason = "everything was imported before" if result.found else "there is nothing to import"
        return "\n".join([*parts, f"Nothing new: {reason}."])
    before = len(result.found) - len(result.new)
    new = f"✅ {plural(len(result.new), 'new event')}" + (f" ({before} were imported before)" if before else "")
    now = run.system.wall()
    period = f"{time_text(result.first, now)} to {time_text(result.last, now)}"
    last = f"{result.journal}/{len(result.new)}"
    parts += [
        f"{new}, from {period}, in the journal {result.journal}",
        "",
        "Next:",
        f"  coord log --until {last}",
        f"  coord status --at {last}",
        f"  coord timeline --since {result.journal}/1 --svg past.svg",
    ]
    return "\n".join(parts)


def _counts(files: Iterable[UsableFile]) -> str:
    count = Counter(file.kind for file in files)
    return ", ".join(plural(count[kind], noun) for kind, noun in _NOUNS.items() if count[kind]) or "nothing"


def _data(result: ImportResult) -> dict[str, object]:
    def by_kind(files: Iterable[UsableFile]) -> dict[str, int]:
        count = Counter(file.kind for file in files)
        return {kind: count[kind] for kind in _NOUNS}

    return {
        "folder": result.folder,
        "journal": result.journal,
        "first": result.first,
        "last": result.last,
        "read": by_kind(result.found),
        "new": by_kind(result.new),
        "recovered": [file.path for file in result.found if file.event.recovered],
        "unusable": msgspec.to_builtins(result.unusable),
    }
