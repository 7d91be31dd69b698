"""A process that exchanges is killed before each of its calls of the system that changes something. Nothing is lost or
duplicated, nothing of another machine is accepted in part, and the next exchange completes what was begun.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from coord.engine.sync.exchange import outgoing
from coord.engine.sync.pending import read_pending
from eventlog.remotes.remote import OutcomeUnknown
from tests.support.exchanging import Folder
from tests.support.memory_remote import FileHub, MemoryRemote

pytestmark = pytest.mark.slow
CHANGES = {"open", "write", "ftruncate", "truncate", "rename", "replace", "unlink", "mkdir"}


def killed_at(call: int, one: Folder) -> bool:
    """Exchange in a process that is killed before its n-th call that changes something. Whether it was killed."""
    pid = os.fork()
    if pid == 0:
        calls = 0

        def count(_: FrameType, event: str, function: object) -> None:
            nonlocal calls
            if event == "c_call" and getattr(function, "__name__", "") in CHANGES:
                calls += 1
                if calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.setprofile(count)
            one.exchange()
            code = 0
        finally:
            sys.setprofile(None)
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


def machines(base: Path, *, whole_segments: bool) -> list[Folder]:
    """Two machines that share a remote in a file."""
    remotes = [MemoryRemote(FileHub(base / "hub"), whole_segments=whole_segments) for _ in "ab"]
    return [Folder(base, name, remote) for name, remote in zip("ab", remotes, strict=True)]


def prepare(base: Path, *, arrived: bool, whole_segments: bool) -> None:
    """Leave much to do for `a`: journals in both directions, some archived, and a draft whose outcome is unknown."""
    a, b = machines(base, whole_segments=whole_segments)
    a.append("ours", *["word " * 20] * 10)
    a.append("ours-ended", "x", "y")
    b.append("theirs-ended", "x", "y")
    b.append("theirs", "x")
    for one in (a, b, a):
        one.exchange()
    a.append("ours", "z")
    a.archive("ours-ended")
    a.append("ours-2", "x")

    def lost() -> bool:
        if not arrived:
            raise OutcomeUnknown("the connection was cut")
        return True

    exchange = a.open()
    draft = a.draft(exchange, "ours-2", "y", "z" * 900)
    a.remote.faults = [lost]
    with pytest.raises(OutcomeUnknown):
        exchange.agree(draft)
    exchange.close()
    b.append("theirs", *["word " * 20] * 10)
    b.archive("theirs-ended")
    b.append("theirs-new", "x", "y")
    b.archive("theirs-new")
    if arrived:
        b.exchange()


@pytest.mark.parametrize("whole_segments", [True, False])
@pytest.mark.parametrize("arrived", [True, False])
def test_an_exchange_killed_anywhere_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_segments: bool, arrived: bool
) -> None:
    monkeypatch.setattr(outgoing, "MAX_PIECE_BYTES", 700)
    for name in ("fsync", "fdatasync", "sync"):  # a kill is no power failure
        monkeypatch.setattr(f"os.{name}", lambda *_: None)
    kept, work = tmp_path / "kept", tmp_path / "work"
    kept.mkdir()
    work.mkdir()
    prepare(work, arrived=arrived, whole_segments=whole_segments)
    shutil.copytree(work, kept, dirs_exist_ok=True)
    call, was_killed = 0, True
    while was_killed:
        call += 1
        shutil.rmtree(work)
        shutil.copytree(kept, work)
        a, b = machines(work, whole_segments=whole_segments)
        draft = read_pending(a.workspace)
        assert draft is not None
        before = {one.name: one.journals() for one in (a, b)}
        was_killed = killed_at(call, a)
        for path in a.journals():
            assert a.position(Path(path).stem).damage == (), (call, path)
        for _ in range(2):
            for one in machines(work, whole_segments=whole_segments):
                one.exchange()
        assert read_pending(a.workspace) is None
        expected = {Path(path).name: data for one in (a, b) for path, data in before[one.name].items()}
        expected |= {Path(path).name: data for path, data in before["b"].items() if "theirs" in path}
        expected |= {Path(path).name: data for path, data in before["a"].items() if "ours" in path}
        expected["ours-2.jsonl"] += draft.data
        assert {Path(path).name: data for path, data in a.journals().items()} == expected, call
        assert a.journals() == b.journals(), call
        assert not list(a.log.glob("*.sealed"))
    assert call > 30
    print(f"killed at {call - 1} calls")
