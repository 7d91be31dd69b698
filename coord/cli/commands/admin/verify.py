"""`coord verify`: check that the log is what was written."""

import os
from collections.abc import Iterator

import msgspec

from coord.admin.verify import JournalResult, VerifyResult
from coord.admin.verify import verify as check
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import NO_LOG, CoordError
from coord.platform.git.repository import FOLDER
from coord.render.format import line, plural, size, time_text
from eventlog.local.files import ARCHIVE_FOLDER

_SHOWN = 20  # journals
_MOST_DAMAGE = 5  # damaged lines of one journal


@command("verify", acts=False)
@limit_option(f"journals of each kind; the default is {_SHOWN}, and all with --json")
def verify(run: Run, limit: int | None) -> None:
    """Check every hash of every journal, and compare the journals with the checkpoint.

    The exit code is 4 if anything is wrong. It changes nothing and takes no lock, so it can run while sessions work.

    \b
    Examples:
      coord verify
      coord verify --json | jq -r '.journals[] | select(.damage != []) | .file'
    """
    result = check(run.system, run.workspace)
    run.say("\n".join(_render_lines(run, result, limit or _SHOWN)), _data(run, result))
    if not result.whole:
        raise CoordError(NO_LOG, "")


def _data(run: Run, result: VerifyResult) -> dict[str, object]:
    rows = [{**msgspec.to_builtins(journal), "whole": journal.whole} for journal in result.journals]
    return {
        "folder": run.workspace.folder,
        "whole": result.whole,
        "checkpoint": result.checkpoint,
        "twice": result.duplicates,
        "journals": rows,
    }


def _render_lines(run: Run, result: VerifyResult, shown: int) -> Iterator[str]:
    bad = [journal for journal in result.journals if not journal.whole]
    good = [journal for journal in result.journals if journal.whole]
    if bad:
        yield f"❌ Damaged or unusable: {len(bad)} of {plural(len(result.journals), 'journal')}"
        for journal in bad[:shown]:
            yield from _problem_lines(journal)
        yield from rest_hint(run, "verify", len(bad), shown)
    if good or not bad:
        yield f"✅ {_counts(good)}"
    yield from _note_lines(run, result, shown)
    yield from _checkpoint_lines(run, result)
    if bad:
        yield "Nothing was changed. What to do: coord doctor"


def _counts(journals: list[JournalResult]) -> str:
    if not journals:
        return "The log has no events yet: nothing to check."
    ended = sum(journal.file.startswith(f"log/{ARCHIVE_FOLDER}/") for journal in journals)
    archived = f" ({ended} of them archived)" if ended else ""
    events, total = sum(journal.events for journal in journals), sum(journal.bytes for journal in journals)
    return f"{plural(len(journals), 'journal')}{archived}, {_events(events)}, {size(total)}: every hash is correct."


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


def _problem_lines(journal: JournalResult) -> Iterator[str]:
    yield f"{FOLDER}/{line(journal.file)}"
    if journal.problem:
        yield f"  cannot be used: {journal.problem}"
    if journal.rewound:
        yield f"  was rewound: {journal.rewound}"
    for damage in journal.damage[:_MOST_DAMAGE]:
        yield f"  line {damage.line}, byte {damage.byte}: {line(damage.reason, 200)}"
    if len(journal.damage) > _MOST_DAMAGE:
        yield f"  … and {len(journal.damage) - _MOST_DAMAGE} more places: coord verify --json"
    if journal.damage:
        yield f"  its other {_events(journal.events)} are correct and used"


def _note_lines(run: Run, result: VerifyResult, shown: int) -> Iterator[str]:
    """Yield the notes on journals that are not damaged."""
    torn = [journal for journal in result.journals if journal.tear]
    for journal in torn[:shown]:
        unfinished = plural(journal.tear, "byte")
        yield f"💡 {line(journal.file)} ends with {unfinished} of an unfinished line: no acknowledged event is lost"
    yield from rest_hint(run, "verify", len(torn), shown)
    ahead = [journal for journal in result.journals if journal.held_back]
    for journal in ahead[:shown]:
        at = time_text(journal.held_back, run.system.wall())
        yield f"⏳ {line(journal.file)} is from a machine whose clock is ahead; its events from {at} on are held back"
    yield from rest_hint(run, "verify", len(ahead), shown)
    if result.duplicates:
        names = ", ".join(result.duplicates[:5]) + (
            f" and {len(result.duplicates) - 5} more" if len(result.duplicates) > 5 else ""
        )
        yield f"⚠️  Both in log/ and in log/{ARCHIVE_FOLDER}/ (the one in log/ is used): {names}"


def _checkpoint_lines(run: Run, result: VerifyResult) -> Iterator[str]:
    path = os.path.join(run.workspace.cache, "checkpoint")
    delete = f"It is a cache; delete it: rm {path}"
    texts = {
        "same": "The checkpoint agrees with them: no journal was rewound, and the state is the same.",
        "other code": "No journal was rewound. The checkpoint's state is from another version of coord, and not used.",
        "not compared": "The checkpoint was not compared: a journal was removed meanwhile. Try again.",
        "damaged": f"⚠️  The checkpoint is damaged, and not used. {delete}",
        "different": f"❌ The checkpoint differs from the journals, so answers may be wrong. {delete}",
    }
    is_explained = result.checkpoint == "not compared" and not result.whole  # by the damage of a journal
    if result.checkpoint in texts and not is_explained:
        yield texts[result.checkpoint]
