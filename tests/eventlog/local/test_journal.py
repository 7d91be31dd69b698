"""Appending to a journal: lines are complete, acknowledged events are never lost, the next writer repairs a tear, and a
journal that cannot be trusted takes no more events.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eventlog.errors import AppendFailed, JournalClosed, SyncFailed
from eventlog.events import MessageSent
from eventlog.local import writer as writing
from eventlog.local.journal import read_events
from eventlog.local.writer import JournalWriter
from tests.support.journals import LINES, SESSION, WHOLE, event, numbers, plain, position_of, writer


def append(folder: Path, n: int) -> JournalWriter:
    end = writer(folder)
    end.append(event(n))
    end.sync()
    end.close()
    return end


def test_writing_continues_where_reading_stopped(tmp_path: Path) -> None:
    end = writer(tmp_path)
    for n in (1, 2, 3):
        assert end.n == n
        end.append(event(n))
    end.sync()
    end.close()
    assert (tmp_path / f"{SESSION}.jsonl").read_bytes() == WHOLE
    assert end.position == position_of(tmp_path)
    assert list(read_events(str(tmp_path), SESSION)) == [event(1), event(2), event(3)]
    assert end.mended == ""


# --- tears ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nuls", [b"", b"\0", b"\0" * 4096])
def test_a_tear_at_any_byte_is_saved_and_cut_off(path: Path, nuls: bytes) -> None:
    kept, last = b"".join(LINES[:2]), LINES[2][:-1]
    for cut in range(1, len(last)):
        tear = last[:cut] + nuls
        path.write_bytes(kept + tear)
        assert numbers(path.read_bytes()) == [1, 2]
        assert not position_of(path.parent).damage, "a tear is not damage"
        end = append(path.parent, 3)
        assert path.read_bytes() == WHOLE
        saved = path.parent / f"{SESSION}-{cut}.torn"  # a new number each time, so that no file is overwritten
        assert saved.read_bytes() == tear
        assert saved.name in end.mended
        assert f"{len(tear)} bytes" in end.mended


def test_a_complete_line_without_its_newline_gets_one(path: Path) -> None:
    path.write_bytes(WHOLE[:-1])
    assert numbers(path.read_bytes()) == [1, 2], "readers use complete lines only"
    end = append(path.parent, 4)
    assert "completed" in end.mended
    assert path.read_bytes() == b"".join(plain(4))
    assert not list(path.parent.glob("*.torn"))


@pytest.mark.parametrize("junk", [b"\x0b", b"\0" * 600, b"}", LINES[0][:-1], LINES[2][:-1]])
def test_bytes_after_a_line_without_its_newline_are_a_tear(path: Path, junk: bytes) -> None:
    path.write_bytes(WHOLE[:-1] + junk)
    end = append(path.parent, 4)
    assert "completed the last line" in end.mended
    assert path.read_bytes() == b"".join(plain(4))
    assert (path.parent / f"{SESSION}-1.torn").read_bytes() == junk


@pytest.mark.parametrize("tear", [b"\0" * 8192, plain(1, "brown-hare")[0][:-1], LINES[1][:-1], b"\r", b"{"])
def test_other_bytes_after_the_last_newline_are_a_tear(path: Path, tear: bytes) -> None:
    path.write_bytes(WHOLE + tear)
    append(path.parent, 4)
    assert path.read_bytes() == b"".join(plain(4))
    assert (path.parent / f"{SESSION}-1.torn").read_bytes() == tear


def test_an_incomplete_first_line_is_repaired(path: Path) -> None:
    path.write_bytes(LINES[0][:40])
    append(path.parent, 1)
    assert path.read_bytes() == LINES[0]


# --- failed writes ----------------------------------------------------------------------------------------------------


def test_a_short_write_is_cut_off_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end, real = writer(path.parent), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:50]))
    with pytest.raises(AppendFailed, match="only part of it"):
        end.append(event(4))
    assert path.read_bytes() == WHOLE
    monkeypatch.undo()
    end.append(event(4))
    end.close()
    assert path.read_bytes() == b"".join(plain(4))


_TO_THE_LIMIT = """
import resource, signal, sys
from eventlog.errors import AppendFailed
from tests.support.journals import LINES, WHOLE, event, writer
from pathlib import Path
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
end = writer(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    while True:
        end.append(event(end.n))
except AppendFailed as error:
    print(end.position.n, error)
"""


@pytest.mark.parametrize("room", [0, 1, 100, 1000])
def test_a_full_disk_loses_no_recorded_event(path: Path, room: int) -> None:
    limit = len(WHOLE) + room
    child = subprocess.run(
        [sys.executable, "-c", _TO_THE_LIMIT, str(path.parent), str(limit)], capture_output=True, text=True, check=True
    )
    recorded = int(child.stdout.split()[0])
    assert "This was not recorded" in child.stdout
    assert path.read_bytes() == b"".join(plain(recorded))
    assert recorded == 3 + room // len(plain(4)[3]), "all that fits was written"


def test_the_next_writer_cuts_off_a_failed_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    end, real = writer(path.parent), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:50]))
    monkeypatch.setattr(os, "ftruncate", fails)
    with pytest.raises(AppendFailed, match="could not be cut off"):
        end.append(event(4))
    end.close()
    monkeypatch.undo()
    append(path.parent, 4)
    assert path.read_bytes() == b"".join(plain(4))


def test_an_event_that_cannot_be_encoded_is_not_written(path: Path) -> None:
    end = writer(path.parent)
    with pytest.raises(AppendFailed, match="cannot be written"):
        end.append(event(4, payload=MessageSent(to="everyone", subject="\ud800")))
    end.close()
    assert path.read_bytes() == WHOLE


def test_a_failed_sync_seals_the_journal_and_keeps_the_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    end = writer(path.parent)
    end.append(event(4))
    monkeypatch.setattr(writing, "sync_data", fails)
    with pytest.raises(SyncFailed, match="unknown"):
        end.sync()
    end.close()
    monkeypatch.undo()
    assert path.read_bytes() == b"".join(plain(4))
    with pytest.raises(JournalClosed, match="durable"):
        writer(path.parent)
    assert numbers(path.read_bytes()) == [1, 2, 3, 4]


def test_a_killed_writer_leaves_complete_lines_and_maybe_a_tear(tmp_path: Path) -> None:
    code = (
        "from tests.support.journals import *\nimport sys\nfrom pathlib import Path\nend = writer(Path(sys.argv[1]))\n"
    )
    code += "while True:\n    end.append(event(end.n)); print(end.position.n, flush=True)"
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(50)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.stdout.close()
    child.wait()
    found = position_of(tmp_path)
    assert found.n >= acknowledged[-1]
    assert not found.damage
    assert append(tmp_path, found.n + 1).position.n == found.n + 1
