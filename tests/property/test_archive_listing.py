"""A reader that lists the archive only if its names have changed finds the same as one that always lists it: whatever
is archived, moved back, copied, removed, added, cut or rewritten, and wherever the positions are saved.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog import listing
from eventlog.events import SessionStarted
from eventlog.history import Batch, LogReader
from eventlog.listing import UNKNOWN, Archive
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.scanning import Position
from tests.support.journals import at, event, lines_of

NAMES = ("amber", "brown", "coral", "Not-A-Session")
STEPS = ("write", "archive", "move back", "copy back", "copy over", "remove", "make unreadable", "empty")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A log folder. Each change of the names in its archive gives it another time, which is never too recent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "is_settled", lambda _: True)
        yield tmp_path_factory.mktemp("root") / "log"


class Case:
    """A log folder, a reader whose positions are saved and loaded, and one that knows nothing of the archive's time."""

    def __init__(self, log: Path, data: st.DataObject) -> None:
        self.log, self.ended, self.data = log, log / ARCHIVE_FOLDER, data
        shutil.rmtree(log, ignore_errors=True)
        self.ended.mkdir(parents=True)
        self.changes, self.damaged = 0, data.draw(st.integers(0, 3)) == 0
        machines = [data.draw(st.sampled_from(["north", "south"])) for _ in NAMES]
        self.lines = {
            name: journal(name, machine, number)
            for number, (name, machine) in enumerate(zip(NAMES, machines, strict=True))
        }
        self.reader, self.other = LogReader(str(log), "north"), LogReader(str(log), "north")
        self.names = self.names_in_archive()

    def names_in_archive(self) -> list[str]:
        return sorted(os.listdir(self.ended))

    def step(self, what: str) -> None:
        """Change the files of one journal, if that is possible."""
        name = self.data.draw(st.sampled_from(NAMES))
        active, kept = self.log / f"{name}.jsonl", self.ended / f"{name}.jsonl"
        source = self.data.draw(st.sampled_from([active, kept]))
        is_file = source.is_file() and not source.is_symlink()
        match what:
            case "write" if not active.is_symlink():
                lines = self.lines.get(name, self.lines[NAMES[0]])
                content = b"".join(lines[: self.data.draw(st.integers(0, len(lines)))])
                active.write_bytes(content.replace(b"step 3", b"step x") if self.damaged else content)
            case "archive" if active.exists() and not kept.exists():
                active.rename(kept)
            case "move back" if kept.exists() and not active.exists():
                kept.rename(active)
            case "copy back" if kept.is_file() and not active.exists():
                shutil.copy(kept, active)
            case "copy over" if active.is_file() and not kept.exists():
                shutil.copy(active, kept)
            case "remove" if is_file:
                source.unlink()
            case "make unreadable" if not source.exists() and not source.is_symlink():
                source.symlink_to("nowhere")
            case "empty" if not source.exists() and not source.is_symlink():
                source.touch()
        if self.names_in_archive() != self.names:
            self.names = self.names_in_archive()
            self.changes += 1
            os.utime(self.ended, ns=(self.changes, self.changes * 1_000_000_007))

    def read(self) -> None:
        """Read with both readers, and compare what they find."""
        if self.data.draw(st.booleans()):
            saved = Archive(self.reader.archive.summary, dict(self.reader.archive.items()))
            self.reader = LogReader(str(self.log), "north", dict(self.reader.positions), archive=saved)
        wall = at(self.data.draw(st.integers(0, 30)))
        self.other.archive.summary.listed_ns = UNKNOWN
        batch, expected = self.reader.catch_up(wall), self.other.catch_up(wall)
        assert found(self.reader, batch) == found(self.other, expected)
        if batch.rewound:  # everything is read again, as in `Snapshot`
            for reader in (self.reader, self.other):
                reader.positions = {
                    name: Position(rewound=p.rewound) for name, p in reader.positions.items() if p.rewound
                }
                reader.archive = Archive()
            self.read()


def journal(name: str, machine: str, number: int) -> list[bytes]:
    """The lines of a journal. Those of different journals alternate, and the last one is far ahead of the others."""
    events = [event(1, name, number / 8, SessionStarted(machine=machine))]
    events += [event(n, name, n + number / 8 + (200 if n == 6 else 0)) for n in range(2, 7)]
    return lines_of(events)


def found(reader: LogReader, batch: Batch) -> tuple[object, ...]:
    """All that a reader has found."""
    summary = reader.archive.summary
    return (
        batch, reader.positions, dict(reader.archive.items()), reader.problems, reader.duplicates, reader.held_back,
        reader.latest, reader.size(), reader.known_sizes(), reader.names(), summary.others, summary.latest,
        summary.journals,
    )  # fmt: skip


@given(data=st.data())
def test_listing_only_a_changed_archive_finds_the_same(log: Path, data: st.DataObject) -> None:
    case = Case(log, data)
    for _ in range(data.draw(st.integers(1, 12))):
        for what in data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4)):
            case.step(what)
        case.read()
