"""`coord import`: bring in the past of the shell scripts."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from coord.admin.shell_import.recovery import FileKind
from coord.admin.shell_import.run import ImportResult, UsableFile, import_folder
from coord.cli.parser import argument, command
from coord.engine.run import Run
from coord.render.format import line, plural, time_text

_SHOWN = 20
_NOUNS: dict[FileKind, str] = {"session": "session", "heartbeat": "heartbeat", "claim": "claim", "message": "message"}


@command("import", acts=False)
@argument("folder")
def import_(run: Run, folder: str) -> None:
    """Bring in the past of the shell scripts that this command replaces: FOLDER, or the COORDINATION/ in it.

    Each session, heartbeat, claim and message becomes an event at its original time, of its original session. Files
    that are no valid JSON are recovered. Imported sessions are never live, and their claims stand in nobody's way. The
    folder is not changed; importing it again adds only what is new.

    \b
    Examples:
      coord import COORDINATION
      coord import ../old-repository
    """
    done = import_folder(run.system, run.workspace, run.config, folder)
    for note in done.notes:
        run.note(note)
    run.say(_render_text(done, run.system.wall()), _data(done))


def _render_text(done: ImportResult, now: str) -> str:
    parts = [f"📥 {plural(len(done.found), 'file')} read in {line(done.folder)}: {_counted(done.found)}"]
    recovered = sum(file.event.recovered for file in done.found)
    if recovered:
        parts.append(f"🔧 {recovered} of them {_were(recovered)} no valid JSON and {_were(recovered)} recovered")
    if done.unusable:
        stayed = "it was" if len(done.unusable) == 1 else "they were"
        parts.append(f"⚠️  {plural(len(done.unusable), 'file')} could not be used, and stayed as {stayed}:")
        parts += [f"  {line(file.path)}: {line(file.reason, 200)}" for file in done.unusable[:_SHOWN]]
        if len(done.unusable) > _SHOWN:
            parts.append(f"  … and {len(done.unusable) - _SHOWN} more: --json shows all")
    if not done.new:
        rest = "all of them were brought in before" if done.found else "no file says anything"
        return "\n".join([*parts, f"Nothing new: {rest}."])
    before = len(done.found) - len(done.new)
    new = f"✅ {plural(len(done.new), 'new event')}" + (f" ({before} were brought in before)" if before else "")
    span = f"{time_text(done.first, now)} to {time_text(done.last, now)}"
    last = f"{done.journal}/{len(done.new)}"
    parts += [
        f"{new}, from {span}, in the journal {done.journal}",
        "",
        "Next:",
        f"  coord log --until {last}",
        f"  coord status --at {last}",
        f"  coord timeline --since {done.journal}/1 --svg past.svg",
    ]
    return "\n".join(parts)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _counted(files: Iterable[UsableFile]) -> str:
    count = Counter(file.kind for file in files)
    return ", ".join(plural(count[kind], noun) for kind, noun in _NOUNS.items() if count[kind]) or "nothing"


def _data(done: ImportResult) -> dict[str, object]:
    def by_kind(files: Iterable[UsableFile]) -> dict[str, int]:
        count = Counter(file.kind for file in files)
        return {kind: count[kind] for kind in _NOUNS}

    return {
        "folder": done.folder,
        "journal": done.journal,
        "first": done.first,
        "last": done.last,
        "read": by_kind(done.found),
        "new": by_kind(done.new),
        "recovered": [file.path for file in done.found if file.event.recovered],
        "unusable": msgspec.to_builtins(done.unusable),
    }
