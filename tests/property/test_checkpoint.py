"""A checkpoint can never change an answer: it, the rungs beside it and the rest of the journals give what all of them
give, whatever the pieces in which they came, wherever a fold was saved, and whatever befell journals and cache.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine import checkpoint
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog import history
from eventlog.events import Event, add_time
from projections.rules.fold import as_of
from projections.rules.state import State
from tests.support.attacks import law
from tests.support.histories import GAPS_S, histories, journals_of, judged
from tests.support.in_process import HERE, Table
from tests.support.journals import lines_of
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow

MISCHIEF = (
    "cut back",
    "gone",
    "damaged",
    "no checkpoint",
    "damaged checkpoint",
    "no rung",
    "damaged rung",
    "other code",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A folder, read in small pieces, where every few events make a rung."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_LEAST_STEP", 4)
        patch.setattr(history, "_AT_ONCE", 2000)
        patch.setattr(history, "_LEAST_PIECE", 500)
        yield Workspace(str(root / "COORDINATION"), str(root), None)


class Case:
    """A history that comes to a folder bit by bit, and what befalls it there."""

    def __init__(self, workspace: Workspace, data: st.DataObject, patch: pytest.MonkeyPatch) -> None:
        self.workspace, self.data, self.patch = workspace, data, patch
        self.events: list[Event] = data.draw(histories())
        self.journals = {name: lines_of(journal) for name, journal in journals_of(self.events).items()}
        self.damaged = data.draw(st.integers(0, 3)) == 0
        if self.damaged:
            lines = self.journals[data.draw(st.sampled_from(sorted(self.journals)))]
            spot = data.draw(st.integers(0, len(lines) - 1))
            lines[spot] = changed(lines[spot], data)
        self.log, self.cache = Path(workspace.log), Path(workspace.cache)
        for folder in (self.log, self.cache):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.end = add_time(self.events[-1].at, 60)
        self.system = System({}, workspace.root, lambda: self.end, 1, lambda: HERE, Table)
        self.there = dict.fromkeys(self.journals, 0)  # lines of each journal

    def write(self, name: str, lines: int) -> None:
        self.there[name] = lines
        (self.log / f"{name}.jsonl").write_bytes(b"".join(self.journals[name][:lines]))

    def goes_on(self) -> None:
        """Some of the journals get longer."""
        for name, lines in self.journals.items():
            if (more := self.data.draw(st.integers(self.there[name], len(lines)))) or self.there[name]:
                self.write(name, more)

    def befalls(self, what: str) -> None:
        name = self.data.draw(st.sampled_from(sorted(self.journals)))
        rungs = sorted(self.cache.glob("checkpoint-*"))
        saved = {"checkpoint": [self.cache / "checkpoint"], "rung": rungs}.get(what.rpartition(" ")[2], [])
        match what.partition(" ")[0]:
            case "cut":
                self.write(name, self.data.draw(st.integers(0, self.there[name])))
            case "gone":
                (self.log / f"{name}.jsonl").unlink(missing_ok=True)
                self.there[name] = 0
            case "no":
                for path in self.data.draw(st.lists(st.sampled_from(saved))) if saved else ():
                    path.unlink(missing_ok=True)
            case "damaged":
                for path in (path for path in saved if path.exists()):
                    path.write_bytes(changed(path.read_bytes(), self.data))
            case "other":
                code = self.data.draw(st.sampled_from("abc"))
                self.patch.setattr(checkpoint, "code_version", lambda: code)

    def command(self) -> None:
        """Somebody reads, and perhaps saves, as every command that acts does."""
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(snapshot=self.data.draw(st.booleans()))
        self.must_be(snapshot.state, self.folded_anew())
        if self.data.draw(st.booleans()):
            as_of(snapshot.state, add_time(snapshot.state.at or self.end, self.data.draw(st.sampled_from(GAPS_S))))
        if self.data.draw(st.booleans()):
            snapshot.save()

    def must_be(self, state: State, expected: State) -> None:
        """Both are the same, at one moment: no earlier than any that the state was judged for."""
        moment = max(self.end, state.reached)
        assert image(at(state, moment)) == image(at(expected, moment))

    def folded_anew(self) -> State:
        """The state for one who has the journals alone."""
        found = history.LogReader(self.workspace.log, HERE.machine).catch_up(self.end)
        return judged(found.events)[0]


def changed(data: bytes, drawn: st.DataObject) -> bytes:
    """Some bytes, one of which is not as it was."""
    spot = drawn.draw(st.integers(0, len(data) - 1))
    return data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :]


def at(state: State, moment: str) -> State:
    """A copy of a state, at a later moment."""
    return as_of(msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State), moment)


@law(20)
@given(data=st.data())
def test_a_checkpoint_and_the_rest_give_what_all_events_give(workspace: Workspace, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        case = Case(workspace, data, patch)
        befallen = case.damaged
        for _ in range(data.draw(st.integers(1, 8))):
            case.goes_on()
            if data.draw(st.integers(0, 3)) == 0:
                what = data.draw(st.sampled_from(MISCHIEF))
                befallen |= what in MISCHIEF[:2]
                case.befalls(what)
            case.command()
        for name, lines in case.journals.items():
            case.write(name, len(lines))
        expected = case.folded_anew() if case.damaged else judged(case.events)[0]
        snapshot = Snapshot(case.system, workspace)
        snapshot.catch_up()
        assert befallen or snapshot.journal_problems() == []
        case.must_be(snapshot.state, expected)
        shutil.rmtree(case.cache)
        snapshot = Snapshot(case.system, workspace)
        snapshot.catch_up()
        case.must_be(snapshot.state, expected)


@given(st.integers(0, 10_000_000), st.lists(st.integers(1, 10_000_000), max_size=400))
def test_rungs_are_few_and_the_way_from_one_to_the_next_is_short(events: int, some: list[int]) -> None:
    step = checkpoint.older_checkpoint_interval(events)
    there = {rung for rung in [*some, *range(step, events, step // 3)] if rung <= events}
    left = checkpoint.thinned(there, step)
    assert left == sorted(set(left) & there)
    assert len(left) <= 130
    assert all(any(0 <= rung - other < step for other in left) for rung in there)
