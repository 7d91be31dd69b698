"""Describe problems of the journals, and of this machine's clock, as lines of text for people."""

from msgspec import Struct

from coord.render.format import duration_text
from eventlog.history import LogReader
from eventlog.local.files import ARCHIVE_FOLDER


class JournalProblem(Struct, frozen=True):
    """A problem of one journal."""

    journal: str
    text: str


def journal_problems(reader: LogReader) -> list[JournalProblem]:
    """Return the problems of all journals that were read, grouped by kind and sorted by journal."""
    problems = []
    for name, position in sorted(reader.positions.items()):
        for spot in position.damage:
            where = f"line {spot.line}, byte {spot.byte}"
            problems.append(JournalProblem(name, f"{name}.jsonl is damaged at {where}: {spot.reason}"))
        if position.rewound:
            problems.append(JournalProblem(name, f"{name}.jsonl was rewound: {position.rewound}"))
    for name, reason in sorted(reader.problems.items()):
        problems.append(JournalProblem(name, f"{name}.jsonl cannot be used: {reason}"))
    for name in sorted(reader.duplicates):
        text = f"{name}.jsonl is in log/ and in log/{ARCHIVE_FOLDER}/; the one in log/ counts"
        problems.append(JournalProblem(name, text))
    for name, at in sorted(reader.held_back.items()):
        text = f"{name}.jsonl comes from a machine whose clock is ahead; its events from {at} on are held back"
        problems.append(JournalProblem(name, text))
    return problems


def clock_note(behind_s: float) -> str:
    """Return a note that this machine's clock is `behind_s` seconds behind the log, and what follows from it."""
    return (
        f"this machine's clock is {duration_text(behind_s)} behind the log; times do not advance until it catches up, "
        "so claims expire later than shown"
    )
