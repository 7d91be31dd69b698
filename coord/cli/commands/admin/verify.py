"""`coord verify`: whether the log is what was written."""

import os
from collections.abc import Iterator

import msgspec

from coord.admin.verify import JournalResult, VerifyResult
from coord.admin.verify import verify as check
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import NO_LOG, CoordError
from coord.platform.git.repository import FOLDER
from coord.render.format import line, plural, size, time_text
from eventlog.local.files import ARCHIVE_FOLDER

_SHOWN = 20  # journals
_PLACES = 5  # of one journal


@command("verify", acts=False)
def verify(run: Run) -> None:
    """Check every hash of every journal, and each journal against the checkpoint; exit 4 if something is wrong.

    It changes nothing, takes no lock, and may run while others work.

    \b
    Examples:
      coord verify
      coord verify --json | jq -r '.journals[] | select(.damage != []) | .file'
    """
    found = check(run.system, run.workspace)
    run.say("\n".join(_render_lines(run, found)), _data(run, found))
    if not found.whole:
        raise CoordError(NO_LOG, "")


def _data(run: Run, found: VerifyResult) -> dict[str, object]:
    rows = [{**msgspec.to_builtins(journal), "whole": journal.whole} for journal in found.journals]
    return {
        "folder": run.workspace.folder,
        "whole": found.whole,
        "checkpoint": found.checkpoint,
        "twice": found.duplicates,
        "journals": rows,
    }


def _render_lines(run: Run, found: VerifyResult) -> Iterator[str]:
    bad = [journal for journal in found.journals if not journal.whole]
    good = [journal for journal in found.journals if journal.whole]
    if bad:
        yield f"❌ Not as written: {len(bad)} of {plural(len(found.journals), 'journal')}"
        for journal in bad[:_SHOWN]:
            yield from _problem_lines(journal)
        yield from _more(len(bad))
    if good or not bad:
        yield f"✅ {_counts(good)}"
    yield from _note_lines(run, found)
    yield from _about_checkpoint(run, found)
    if bad:
        yield "Nothing was changed. What to do: coord doctor"


def _counts(journals: list[JournalResult]) -> str:
    if not journals:
        return "The log has no events yet: nothing to check."
    ended = sum(journal.file.startswith(f"log/{ARCHIVE_FOLDER}/") for journal in journals)
    aside = f" ({ended} of them archived)" if ended else ""
    events, total = sum(journal.events for journal in journals), sum(journal.bytes for journal in journals)
    return f"{plural(len(journals), 'journal')}{aside}, {_events(events)}, {size(total)}: every hash right."


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


def _problem_lines(journal: JournalResult) -> Iterator[str]:
    yield f"{FOLDER}/{line(journal.file)}"
    if journal.problem:
        yield f"  cannot be used: {journal.problem}"
    if journal.rewound:
        yield f"  was rewound: {journal.rewound}"
    for spot in journal.damage[:_PLACES]:
        yield f"  line {spot.line}, byte {spot.byte}: {line(spot.reason, 200)}"
    if len(journal.damage) > _PLACES:
        yield f"  … and {len(journal.damage) - _PLACES} more places: --json shows all"
    if journal.damage:
        yield f"  {_events(journal.events)} of it verified, and count"


def _note_lines(run: Run, found: VerifyResult) -> Iterator[str]:
    """What is no damage and good to know."""
    torn = [journal for journal in found.journals if journal.tear]
    for journal in torn[:_SHOWN]:
        yield (
            f"💡 {line(journal.file)} ends in {plural(journal.tear, 'byte')} of a line that was never acknowledged; "
            "no damage"
        )
    yield from _more(len(torn))
    ahead = [journal for journal in found.journals if journal.held_back]
    for journal in ahead[:_SHOWN]:
        at = time_text(journal.held_back, run.system.wall())
        yield f"⏳ {line(journal.file)} is of a machine whose clock is ahead; its events from {at} on are held back"
    yield from _more(len(ahead))
    if found.duplicates:
        names = ", ".join(found.duplicates[:5]) + (
            f" and {len(found.duplicates) - 5} more" if len(found.duplicates) > 5 else ""
        )
        yield f"⚠️  In log/ and in log/{ARCHIVE_FOLDER}/ too (the one in log/ counts): {names}"


def _about_checkpoint(run: Run, found: VerifyResult) -> Iterator[str]:
    path = os.path.join(run.workspace.cache, "checkpoint")
    delete = f"It is a cache; delete it: rm {path}"
    words = {
        "same": "The checkpoint agrees: no journal was rewound, and its fold is what the journals give.",
        "other code": "No journal was rewound. The checkpoint's fold is of another version, and not used.",
        "not compared": "The checkpoint was not compared: a journal went meanwhile. Try again." if found.whole else "",
        "damaged": f"⚠️  The checkpoint is damaged, and not used. {delete}",
        "different": f"❌ The checkpoint's fold is not what the journals give, so answers may be wrong. {delete}",
    }
    if words.get(found.checkpoint):
        yield words[found.checkpoint]


def _more(count: int) -> list[str]:
    return [f"… and {count - _SHOWN} more: --json shows all"] if count > _SHOWN else []
