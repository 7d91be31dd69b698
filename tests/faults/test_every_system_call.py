"""Attacks 4 and 5: every command that writes is killed at, or refused, each system call that touches the shared folder.

Promises 1, 2 and 6: whatever call it was, all that was acknowledged before is there; a command that said yes has
written all that it had to write, one that did not has written the first part of it or nothing, and says so if it lives;
nothing is damaged; and the next command, of this session and of any other, works.

What lies between two calls that change nothing is one place for a kill: the disk is the same. So the usual counts kill
at each call that changes something in the folder or tells someone of it, and the long ones at every single call.
"""

import random
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from eventlog.events import Event
from tests.attacks import LONG, Tally
from tests.faults.strace import Call, Strace, Traced, needs_strace
from tests.faults.writing import CASES, Case, Folder, prepared
from tests.processes import Repo, bare

pytestmark = [pytest.mark.machine, needs_strace]
_TRIES = 6  # until a call is hit whose number varies


class Attacked:
    """A command on a prepared folder: what it does undisturbed, and what must hold after it was disturbed."""

    def __init__(self, repo: Repo, case: Case, chance: random.Random) -> None:
        self.case = case
        self.folder, self.words = prepared(repo, case, chance)
        self.strace = Strace(repo.root, self.folder.env(case.who), self._let_go if case.waits else None)
        self.folder.put_back()
        self.before = {event.id: event for event in self.folder.events()}
        self.calls = self.look()
        self.written = types(self.new())
        self.made = self.files()
        self.messages = imported(self.folder)

    def _let_go(self) -> None:
        self.folder.ok("bob", "release", "droplet/his")

    def look(self) -> dict[Call, int]:
        """The calls that it makes undisturbed, and their numbers."""
        self.folder.put_back()
        traced = self.strace.run(self.words)
        assert traced.result.code == self.case.code, traced.result
        return traced.calls

    def disturb(self, call: Call, how: Callable[[Call, int], Traced]) -> Traced:
        """Do it at this call. Where another was hit, it is aimed again."""
        for turn in range(_TRIES):
            number = self.calls.get(call)
            if number is not None:
                self.folder.put_back()
                traced = how(call, number)
                if traced.hit == call:
                    return traced
            if turn < _TRIES - 1:
                self.calls = self.look()
        raise AssertionError(f"{call} could not be hit")

    def new(self) -> list[Event]:
        """The events that the command wrote, in order."""
        bob = self.folder.ids.get("bob")
        return [event for event in self.folder.events() if event.id not in self.before and event.session != bob]

    def files(self) -> dict[str, tuple[int, bytes]]:
        """The files that a person sees, besides the board: their modes and their bytes."""
        folder = self.folder.repo.folder
        return {
            str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] not in ("log", ".cache", "STATUS_BOARD.md")
        }

    def judge(self, traced: Traced, where: str) -> None:
        """What must hold, whatever was done."""
        result, new = traced.result, types(self.new())
        there = {event.id: event for event in self.folder.events()}
        assert {name: there.get(name) for name in self.before} == self.before, where
        assert new == self.written[: len(new)], where
        said_yes = result.code == self.case.code or (result.out and not self.case.asks)
        if said_yes:
            assert new == self.written, where
            assert self.files() == self.made, where
        self.go_on(bool(new), where)
        after = {event.id: event for event in self.folder.events()}
        assert {name: after.get(name) for name in there} == there, where

    def go_on(self, wrote: bool, where: str) -> None:
        """The next commands, of the same session and of others, work, and leave nothing behind."""
        folder, case = self.folder, self.case
        if case.waits:
            assert folder.run("bob", "release", "droplet/his").code in (0, 1), where
        again = folder.run(case.who, *self.words)
        assert again.code in ((0, 1, 3) if wrote else (case.code,)), (where, again)
        assert "Traceback" not in again.err, where
        if again.code == 0:
            assert self.files() == self.made, where
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


def types(events: list[Event]) -> list[str]:
    """What kinds of events these are."""
    return [type(event.payload).__name__ for event in events]


def imported(folder: Folder) -> list[str]:
    """The files that were brought in, however often."""
    return sorted(event.imported.path for event in folder.events() if event.imported)


def attacked(base: Path, name: str, tally: Tally) -> Iterator[tuple[str, Attacked]]:
    """The command on a folder of its own for each seed."""
    for seed in tally.seeds:
        for repo in bare(base / str(seed)):
            yield f"seed {seed}, {name}", Attacked(repo, CASES[name], tally.chance(f"{seed}/{name}"))


@pytest.mark.attack(4)
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_call(tmp_path: Path, tally: Tally, name: str) -> None:
    for where, it in attacked(tmp_path, name, tally):
        for call in list(it.calls):
            if call.changes or LONG:
                traced = it.disturb(call, partial(it.strace.kill, it.words))
                assert traced.result.code == -signal.SIGKILL, (where, call, traced.result)
                it.judge(traced, f"{where}: killed at {call}")
                tally.did("kills")
