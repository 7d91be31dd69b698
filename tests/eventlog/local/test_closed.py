"""Closed journals: a damaged, rewound or missing journal takes no more events, a file that is not regular is not a
journal, and nothing is created or deleted.
"""

import os
from pathlib import Path

import pytest

from eventlog.errors import JournalClosed, LogError
from eventlog.local.journal import closed_reason, read_from
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position
from tests.support.journals import LINES, SESSION, WHOLE, event, lines_of, plain, position_of, writer


def test_a_damaged_journal_is_closed_and_nothing_is_deleted(path: Path) -> None:
    damaged = WHOLE.replace(b"step 2", b"step 9")
    path.write_bytes(damaged)
    with pytest.raises(JournalClosed, match=rf"line 2 \(byte {len(LINES[0])}\) is damaged"):
        writer(path.parent)
    assert path.read_bytes() == damaged


def test_a_rewound_journal_is_closed(path: Path) -> None:
    with pytest.raises(JournalClosed, match="it was cut back"):
        JournalWriter(str(path.parent), SESSION, Position(rewound="it was cut back"))
    assert "cut back" in closed_reason(str(path.parent), SESSION, Position(rewound="it was cut back"))


@pytest.mark.parametrize("left", [None, b"", LINES[0], LINES[0] + LINES[1][:20]])
def test_a_journal_shorter_than_before_is_closed(path: Path, left: bytes | None) -> None:
    seen = position_of(path.parent)
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(LogError):
        JournalWriter(str(path.parent), SESSION, seen)
    assert (path.read_bytes() if path.exists() else None) in (left, b""), "no content was created"


def test_continued_reading_finds_a_rewound_journal(path: Path) -> None:
    seen = position_of(path.parent)
    assert read_from(str(path), seen.size, seen.last) == (b"", False)
    path.write_bytes(WHOLE + plain(4)[3])
    assert read_from(str(path), seen.size, seen.last) == (plain(4)[3], False)
    other = b"".join(lines_of([event(1, second=0.5), *(event(n) for n in range(2, 6))]))
    for data in (b"", LINES[0], other):
        path.write_bytes(data)
        assert read_from(str(path), seen.size, seen.last) == (data, True)


@pytest.mark.parametrize("kind", ["directory", "fifo", "symlink", "dangling", "device"])
def test_a_non_regular_file_is_neither_read_nor_written(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / f"{SESSION}.jsonl", tmp_path / "elsewhere"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/null")
    else:
        path.symlink_to(target)
        if kind == "symlink":
            target.write_bytes(WHOLE)
    with pytest.raises(LogError):
        read_from(str(path), 0, b"")
    with pytest.raises(LogError):
        JournalWriter(str(tmp_path), SESSION, Position()).append(event(1))
    assert not target.exists() or target.read_bytes() == WHOLE


def test_a_failed_read_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / f"{SESSION}.jsonl").mkdir()
    before = os.dup(0)
    os.close(before)
    for _ in range(10):
        with pytest.raises((LogError, OSError)):
            read_from(str(tmp_path / f"{SESSION}.jsonl"), 0, b"")
    after = os.dup(0)
    os.close(after)
    assert after == before
