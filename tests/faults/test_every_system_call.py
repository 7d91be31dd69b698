"""Attacks 4 and 5: each command that writes is killed at every system call that touches the shared folder, or the call
fails.

Promises 1, 2 and 6 must hold for every call:

- all events that were acknowledged before are in the log;
- a command that reported success has written all of its events; any other has written the first of them or none, and
  reports that if it was not killed;
- nothing is damaged;
- the next command works, of this session and of any other.

A kill at a call that changes nothing leaves the same files as a kill at the next call that does. So the usual counts
kill only at calls that change something in the folder or print something, and the long counts at every call.
"""

import random
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from eventlog.events import Event
from tests.faults.strace import Call, Strace, Traced, needs_strace
from tests.faults.writing_commands import CASES, Case, Folder, prepared
from tests.support.attacks import LONG, Tally
from tests.support.processes import Result, have
from tests.support.repositories import Repo, bare

pytestmark = [pytest.mark.machine, needs_strace, pytest.mark.slow]
READS = ("openat", "read", "pread64", "newfstatat", "getdents64", "close")
RESUMED = ("openat", "read", "pread64", "write", "flock", "ftruncate", "fsync", "fdatasync")
"""The calls that Python repeats after an interruption (PEP 475). Listing a folder is not one of them."""
UNREAD = "there is no message"  # also the message if a journal cannot be read
NOTHING = re.compile(rf"[Nn]othing was (written|recorded)|cannot (read|open)|{UNREAD}")
HONEST = re.compile(rf"{NOTHING.pattern}|not recorded|unknown|kept|everything else was done")
QUIET = ("--seccomp-bpf", "-etrace=execve")
_TRIES = 6  # attempts to hit a call whose number varies


class Attacked:
    """A command on a prepared folder: what it does without faults, and the checks after a fault."""

    def __init__(self, repo: Repo, case: Case, chance: random.Random) -> None:
        self.case, self.tears = case, case.tears
        self.folder, self.words = prepared(repo, case, chance)
        self.strace = Strace(repo.root, self.folder.env(case.who), self._release if case.waits else None)
        self.folder.restore()
        self.before = {event.id: event for event in self.folder.events()}
        sizes = self.sizes()
        self.calls = self.trace()
        self.written = types(self.new())
        self.grown = {path: size for path, size in self.sizes().items() if size != sizes.get(path)}
        self.made = self.files()
        self.messages = imported(self.folder)

    def _release(self) -> None:
        self.folder.ok("bob", "release", "droplet/his")

    def trace(self) -> dict[Call, int]:
        """The calls of a run without faults, and their numbers."""
        self.folder.restore()
        traced = self.strace.run(self.words)
        assert traced.result.code == self.case.code, traced.result
        return traced.calls

    def inject(self, call: Call, how: Callable[[Call, int], Traced]) -> Traced | None:
        """Inject a fault at this call. If another call was hit, try again. None if the call does not occur again, which
        is possible only for a command that waits, because it polls a varying number of times.
        """
        for turn in range(_TRIES):
            number = self.calls.get(call)
            if number is not None:
                self.folder.restore()
                traced = how(call, number)
                if traced.hit == call:
                    return traced
            if turn < _TRIES - 1:
                self.calls = self.trace()
        hit = traced.hit if call in self.calls else "nothing"
        assert self.case.waits, f"{call} {call.flags} was not hit, but {hit}: the code or the folder has changed"
        return None

    def new(self) -> list[Event]:
        """The events of the command, in order."""
        bob = self.folder.ids.get("bob")
        return [event for event in self.folder.events() if event.id not in self.before and event.session != bob]

    def files(self) -> dict[str, tuple[int, bytes]]:
        """The mode and content of each visible file, except the board."""
        folder = self.folder.repo.folder
        return {
            str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] not in ("log", ".cache", "STATUS_BOARD.md")
        }

    def sizes(self) -> dict[Path, int]:
        """The size of each file."""
        return {path: path.stat().st_size for path in self.folder.repo.folder.rglob("*") if path.is_file()}

    def limits(self, chance: random.Random) -> list[int]:
        """Limits for the size of files that each cut off something that the command writes. The long counts use every
        byte of each line or file, the usual counts the first, the last, and a few between.
        """
        found: set[int] = set()
        for path, size in self.grown.items():
            before = self.folder.kept / path.relative_to(self.folder.repo.folder)
            begin = before.stat().st_size if path.suffix == ".jsonl" and before.exists() else 0
            some = chance.sample(range(begin, size + 1), min(2, size + 1 - begin))
            found |= set(range(begin, size + 1)) if LONG else {begin, max(begin, size - 1), size, *some}
        return sorted(found)

    def check(self, traced: Traced, where: str) -> None:
        """Check what must hold after any fault."""
        result, new = traced.result, types(self.new())
        there = {event.id: event for event in self.folder.events()}
        assert {name: there.get(name) for name in self.before} == self.before, where
        if not (self.case.waits and new[-1:] == ["ClaimReleased"]):  # it gave up waiting, which is an event too
            assert new == self.written[: len(new)], where
        said_yes = result.code == self.case.code or (result.out and not self.case.asks)
        if said_yes:
            assert new == self.written, where
            assert self.made.items() <= self.files().items(), where
        if result.code >= 0:
            self.check_messages(result, new, where)
        board = self.folder.repo.folder / "STATUS_BOARD.md"
        assert not board.exists() or b"\n## \xf0\x9f\x93\xa8 Recent messages\n" in board.read_bytes(), where
        self.check_next_commands(bool(new), result.code < 0, where)
        after = {event.id: event for event in self.folder.events()}
        assert {name: after.get(name) for name in there} == there, where

    def check_messages(self, result: Result, new: list[str], where: str) -> None:
        """Check that the messages of a command that was not killed are true."""
        lines = result.err.splitlines()
        assert [line for line in lines if not line.startswith("coord: ")] == [], where
        if result.code != self.case.code:
            assert result.code == (2 if UNREAD in result.err else 4), (where, result)
            assert result.out == "" or self.case.asks, (where, result)
            assert HONEST.search(lines[-1]), (where, result)
            if NOTHING.search(lines[-1]) and not self.case.waits and "completed" not in result.err:
                assert new == [], (where, result)

    def check_next_commands(self, wrote: bool, killed: bool, where: str) -> None:
        """Check that the next commands of this session and of others work and leave no temporary files."""
        folder, case = self.folder, self.case
        if case.waits:
            assert folder.run("bob", "release", "droplet/his").code in (0, 1), where
        again = folder.run(case.who, *self.words)
        assert again.code in ((0, 1, 3) if wrote else (case.code,)), (where, again)
        assert "Traceback" not in again.err, where
        if again.code == 0:
            assert self.made.items() <= self.files().items(), where
            assert not killed or self.files() == self.made, where
            assert imported(folder) == self.messages, where
        for name in folder.ids:
            beat = folder.run(name, "heartbeat", "going", "on")
            over = name in ("eve", "fay") or (name == "ada" and case.words.startswith("end"))
            assert beat.code in ((0, 3) if over else (0,)), (where, name, beat)
        fresh = folder.run("", "start", "--no-anchor")
        assert fresh.code == 0, (where, fresh)
        found = folder.verified()
        assert found.whole, (where, found)
        assert [one.session for one in found.journals if one.tear and one.session in folder.ids.values()] == [], where
        assert list(folder.repo.folder.rglob("*.tmp")) == [], where
        assert self.tears or list(folder.repo.log.glob("*.torn")) == [], where


def types(events: list[Event]) -> list[str]:
    """The types of these events."""
    return [type(event.payload).__name__ for event in events]


def imported(folder: Folder) -> list[str]:
    """The imported files, repeated if they were imported more than once."""
    return sorted(event.imported.path for event in folder.events() if event.imported)


def attacked(base: Path, name: str, tally: Tally) -> Iterator[tuple[str, Attacked]]:
    """Prepare the command in a new folder for each seed."""
    for seed in tally.seeds:
        for repo in bare(base / str(seed)):
            yield f"seed {seed}, {name}", Attacked(repo, CASES[name], tally.chance(f"{seed}/{name}"))


def errors(call: Call, chance: random.Random) -> Iterator[str]:
    """The errors to inject at a call. Of the calls that only read, the usual counts take one in eight. Closing the lock
    is excluded: a real `close` that fails has closed the file, but strace does not make the call.
    """
    if call == Call("close", "log/.lock", call.turn) or not (call.changes or LONG or chance.random() < 1 / 8):
        return
    if call.in_folder and (call.changes or call.name in READS):
        yield "EIO"
    if call.in_folder and call.changes and call.name not in ("unlink", "flock", "ftruncate"):
        yield "ENOSPC"
    if call.in_folder and call.name in RESUMED and "O_DIRECTORY" not in call.flags:
        yield "EINTR"


def moved_first(calls: list[Call], call: Call) -> bool:
    """Whether a call comes after the first move of a journal: the events are durable then, so it may fail."""
    moves = [place for place, one in enumerate(calls) if one.name == "rename" and one.what.startswith("log/")]
    return bool(moves) and calls.index(call) > moves[0]


@pytest.mark.attack(4)
@pytest.mark.parametrize("name", CASES)
def test_a_command_killed_at_any_system_call(tmp_path: Path, tally: Tally, name: str) -> None:
    for where, it in attacked(tmp_path, name, tally):
        for call in list(it.calls):
            if call.changes or LONG:
                traced = it.inject(call, partial(it.strace.kill, it.words))
                if traced is None:
                    continue
                assert traced.result.code == -signal.SIGKILL, (where, call, traced.result)
                it.check(traced, f"{where}: killed at {call}")
                tally.did("kills")


@pytest.mark.attack(5)
@pytest.mark.parametrize("name", CASES)
def test_a_command_with_any_system_call_failing(tmp_path: Path, tally: Tally, name: str) -> None:
    for where, it in attacked(tmp_path, name, tally):
        chance = tally.chance(where)
        for call in list(it.calls):
            if it.case.inherits and call.name == "fdatasync":
                continue  # tests/eventlog/local/test_durable.py tests which journal is sealed then
            for error in errors(call, chance):
                traced = it.inject(call, partial(it.strace.fail, it.words, error=error))
                if traced is None:
                    continue
                if error == "EINTR":
                    assert traced.result.code == it.case.code, (where, call, traced.result)
                elif call.must_not_fail and not (it.case.archives and moved_first(list(it.calls), call)):
                    assert traced.result.code == 4, (where, call, error, traced.result)
                it.check(traced, f"{where}: {error} at {call}")
                tally.did("failures")


@pytest.mark.attack(5)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.skipif(not have("prlimit"), reason="there is no prlimit here")
def test_a_command_with_any_write_cut_short(tmp_path: Path, tally: Tally, name: str) -> None:
    for where, it in attacked(tmp_path, name, tally):
        for limit in it.limits(tally.chance(where)):
            it.folder.restore()
            traced = it.strace.run(it.words, *QUIET, within=("prlimit", f"--fsize={limit}"))
            it.check(traced, f"{where}: no file larger than {limit} bytes")
            tally.did("short writes")


@pytest.mark.attack(5)
@pytest.mark.parametrize("then", ["error=EIO", "signal=KILL"])
@pytest.mark.parametrize("name", ["heartbeat", "claim", "send", "end"])
@pytest.mark.skipif(not have("prlimit"), reason="there is no prlimit here")
def test_a_partial_line_is_repaired_by_the_next_command(tmp_path: Path, tally: Tally, name: str, then: str) -> None:
    """The disk takes a part of a line, and the process cannot remove it, or is killed before it does."""
    for where, it in attacked(tmp_path, name, tally):
        journal, it.tears = it.folder.journal("ada"), True
        it.folder.restore()
        begin = journal.stat().st_size
        for limit in tally.chance(where).sample(range(begin + 1, it.grown[journal] - 1), 20 if LONG else 4):
            it.folder.restore()
            only = ("-P", str(journal), "-etrace=ftruncate", f"-einject=ftruncate:{then}")
            traced = it.strace.run(it.words, *only, within=("prlimit", f"--fsize={limit}"))
            assert journal.stat().st_size == limit, (where, limit, traced.result)
            it.check(traced, f"{where}: {limit - begin} bytes of a line stay, {then}")
            assert list(it.folder.repo.log.glob("*.torn")) != [], (where, limit)
            tally.did("tears")
