"""A checkpoint never changes an answer: the newest usable checkpoint and the rest of the journals give the same state
as all events, however the journals arrived, wherever a fold was saved, and whatever happened to journals and cache.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.cache import checkpoint, ended, older_checkpoints
from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog import history
from eventlog.events import Event, add_time
from projections.rules import messages
from projections.rules.fold import as_of
from projections.rules.state import State
from tests.support.attacks import law
from tests.support.histories import GAPS_S, histories, journals_of, judged
from tests.support.in_process import HERE, Table
from tests.support.journals import lines_of
from tests.support.state_bytes import image, saved_and_loaded

pytestmark = pytest.mark.slow

DAMAGE = (
    "cut back",
    "gone",
    "damaged",
    "no checkpoint",
    "damaged checkpoint",
    "no rung",
    "damaged rung",
    "no index",
    "damaged index",
    "short index",
    "foreign index",
    "other code",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose log is read in small pieces, with an older checkpoint every few events. The rows of sessions
    leave the state soon after these ended, whether their journals are in the archive or not.
    """
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(older_checkpoints, "_MIN_INTERVAL", 4)
        patch.setattr(ended, "ARCHIVE_AFTER_S", 20)
        patch.setattr(ended, "MAX_PENDING_BYTES", 300)
        patch.setattr(messages, "HOUR_S", 10)
        patch.setattr(messages, "DAY_S", 15)
        patch.setattr(messages, "MAX_RECENT_MESSAGES", 2)
        patch.setattr(ended.EndedRows, "_is_archived", lambda rows, name, history: True)
        patch.setattr(history, "_BUFFER_BYTES", 2000)
        patch.setattr(history, "_MIN_CHUNK_BYTES", 500)
        yield Workspace(str(root / "COORDINATION"), str(root), None)


class Case:
    """A history that arrives in a folder bit by bit, with damage in between."""

    def __init__(self, workspace: Workspace, data: st.DataObject, patch: pytest.MonkeyPatch) -> None:
        self.workspace, self.data, self.patch = workspace, data, patch
        self.events: list[Event] = data.draw(histories())
        self.journals = {name: lines_of(journal) for name, journal in journals_of(self.events).items()}
        self.damaged = data.draw(st.integers(0, 3)) == 0
        if self.damaged:
            lines = self.journals[data.draw(st.sampled_from(sorted(self.journals)))]
            spot = data.draw(st.integers(0, len(lines) - 1))
            lines[spot] = with_flipped_bit(lines[spot], data)
        self.log, self.cache = Path(workspace.log), Path(workspace.cache)
        for folder in (self.log, self.cache):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.end = add_time(self.events[-1].at, 60)
        self.system = System({}, workspace.root, lambda: self.end, 1, lambda: HERE, Table)
        self.arrived = dict.fromkeys(self.journals, 0)  # the number of lines of each journal that have arrived

    def write(self, name: str, lines: int) -> None:
        self.arrived[name] = lines
        (self.log / f"{name}.jsonl").write_bytes(b"".join(self.journals[name][:lines]))

    def extend(self) -> None:
        """Let more lines of some journals arrive."""
        for name, lines in self.journals.items():
            if (more := self.data.draw(st.integers(self.arrived[name], len(lines)))) or self.arrived[name]:
                self.write(name, more)

    def damage(self, what: str) -> None:
        name = self.data.draw(st.sampled_from(sorted(self.journals)))
        rungs = sorted(self.cache.glob("checkpoint-*"))
        index = sorted(self.cache.glob("index/*"))
        saved = {"checkpoint": [self.cache / "checkpoint"], "rung": rungs, "index": index}.get(
            what.rpartition(" ")[2], []
        )
        match what.partition(" ")[0]:
            case "cut":
                self.write(name, self.data.draw(st.integers(0, self.arrived[name])))
            case "gone":
                (self.log / f"{name}.jsonl").unlink(missing_ok=True)
                self.arrived[name] = 0
            case "no":
                for path in self.data.draw(st.lists(st.sampled_from(saved))) if saved else ():
                    path.unlink(missing_ok=True)
            case "short":
                for path in (path for path in saved if path.stat().st_size):
                    path.write_bytes(path.read_bytes()[: self.data.draw(st.integers(0, path.stat().st_size - 1))])
            case "foreign":
                contents = [path.read_bytes() for path in saved]
                for path, content in zip(saved, contents[1:] + contents[:1], strict=True):
                    path.write_bytes(content)
            case "damaged":
                for path in (path for path in saved if path.exists()):
                    path.write_bytes(with_flipped_bit(path.read_bytes(), self.data))
            case "other":
                code = self.data.draw(st.sampled_from("abc"))
                self.patch.setattr(checkpoint, "code_version", lambda: code)

    def command(self) -> None:
        """Read the log like a command, and perhaps save a checkpoint."""
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(consistent=self.data.draw(st.booleans()))
        expected = self.state_from_journals()
        for name in self.data.draw(st.lists(st.sampled_from(sorted(self.journals)), max_size=2)):
            assert (name in snapshot.state.sessions) == (name in expected.sessions)
        if self.data.draw(st.booleans()):
            as_of(snapshot.state, add_time(snapshot.state.at or self.end, self.data.draw(st.sampled_from(GAPS_S))))
        if self.data.draw(st.booleans()):
            self.save(snapshot)
        snapshot.ended.bring_back()
        self.assert_same(snapshot.state, expected)

    def save(self, snapshot: Snapshot) -> None:
        """Save a checkpoint, and perhaps be killed between any two writes."""
        before = self.cached()
        snapshot.save()
        after = self.cached()
        paths = sorted(before.keys() | after.keys(), key=order)
        changed = [path for path in paths if before.get(path) != after.get(path)]
        killed = self.data.draw(st.integers(0, 3)) == 0
        for path in changed[self.data.draw(st.integers(0, len(changed))) :] if killed else ():
            if path in before:
                path.write_bytes(before[path])
            else:
                path.unlink()

    def cached(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.cache.rglob("*") if path.is_file()}

    def assert_same(self, state: State, expected: State) -> None:
        """Check that both states are equal at one time, which is not before the time that the state has reached."""
        now = max(self.end, state.reached)
        assert image(at(state, now)) == image(at(expected, now))

    def state_from_journals(self) -> State:
        """The state computed from the journals alone."""
        found = history.LogReader(self.workspace.log, HERE.machine).catch_up(self.end)
        return judged(found.events)[0]


def order(path: Path) -> tuple[int, str]:
    """The order in which the files of the cache are written."""
    return (0 if path.parent.name == "index" else 2 if path.name == "checkpoint" else 1), path.name


def with_flipped_bit(data: bytes, drawn: st.DataObject) -> bytes:
    """The same bytes with one bit flipped."""
    spot = drawn.draw(st.integers(0, len(data) - 1))
    return data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :]


def at(state: State, now: str) -> State:
    """A copy of a state, advanced to a time."""
    return as_of(saved_and_loaded(state), now)


@law(20)
@given(data=st.data())
def test_a_checkpoint_and_later_events_give_the_same_state(workspace: Workspace, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        case = Case(workspace, data, patch)
        is_damaged = case.damaged
        for _ in range(data.draw(st.integers(1, 8))):
            case.extend()
            if data.draw(st.integers(0, 3)) == 0:
                what = data.draw(st.sampled_from(DAMAGE))
                is_damaged |= what in DAMAGE[:2]
                case.damage(what)
            case.command()
        for name, lines in case.journals.items():
            case.write(name, len(lines))
        expected = case.state_from_journals() if case.damaged else judged(case.events)[0]
        snapshot = Snapshot(case.system, workspace)
        snapshot.catch_up()
        assert is_damaged or snapshot.journal_problems() == []
        snapshot.ended.bring_back()
        case.assert_same(snapshot.state, expected)
        shutil.rmtree(case.cache)
        snapshot = Snapshot(case.system, workspace)
        snapshot.catch_up()
        snapshot.ended.bring_back()
        case.assert_same(snapshot.state, expected)


@given(st.integers(0, 10_000_000), st.lists(st.integers(1, 10_000_000), max_size=400))
def test_older_checkpoints_are_few_and_close_to_each_other(events: int, some: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(older_checkpoints, "_MIN_INTERVAL", 4096)  # the fixture above can still be active
        step = older_checkpoints.older_checkpoint_interval(events)
        arrived = {rung for rung in [*some, *range(step, events, step // 3)] if rung <= events}
        left = older_checkpoints.to_keep(arrived, events)
        assert left == sorted(set(left) & arrived)
        assert len(left) <= 160
        assert all(any(0 <= rung - other < step for other in left) for rung in arrived)
        recent = [rung for rung in arrived if rung > events - 100_000]
        assert all(any(0 <= rung - other < 4096 for other in left) for rung in recent)
