"""Readers take no lock, but they see a prefix of the history: never an answer without its question."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.snapshot import Snapshot
from coord.workspace.paths import find_workspace
from eventlog.events import Event, SessionStarted
from eventlog.history import LogReader
from tests.support.in_process import HERE, SimulatedMachine
from tests.support.journals import event, writer
from tests.support.repositories import Repo

NAMES = ("amber", "brown", "coral", "dusky")


class Log:
    """A log to which several sessions append, one event at a time."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.events = repo, list[Event]()
        for path in repo.log.glob("*.jsonl"):
            path.unlink()

    def write(self, session: str) -> None:
        """Append the next event of the history, as this session."""
        end = writer(self.repo.log, session)
        payload = SessionStarted(machine=HERE.machine, folder=str(self.repo.folder)) if end.n == 1 else None
        self.events.append(event(end.n, session, len(self.events) + 1, payload))
        end.append(self.events[-1])
        end.close()

    def read_while_writing(self, writing: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> Snapshot:
        """Read the log. After each journal that is read, the next sessions of `writing` append an event each."""
        machine, queue, real = SimulatedMachine(self.repo), list(writing), LogReader._read_next

        def read(history: LogReader, name: str, *words: Any) -> Any:
            found = real(history, name, *words)
            for session in queue.pop(0) if queue else ():
                self.write(session)
            return found

        system = machine.system(100, {})
        snapshot = Snapshot(system, find_workspace(system, None))
        with monkeypatch.context() as patch:
            patch.setattr(LogReader, "_read_next", read)
            snapshot.catch_up(consistent=True)
        return snapshot


def test_an_answer_is_not_seen_without_its_question(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(repo)
    for name in ("amber", "brown"):
        log.write(name)
    snapshot = log.read_while_writing(
        [["amber", "brown"]], monkeypatch
    )  # after amber is read, it asks and brown answers
    assert snapshot.state.events == 4
    assert snapshot.state.last == log.events[-1].key


@given(st.data())
def test_a_reader_sees_a_prefix_of_the_history(shared: Repo, data: st.DataObject) -> None:
    log = Log(shared)
    for name in data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8)):
        log.write(name)
    before = len(log.events)
    writing = data.draw(st.lists(st.lists(st.sampled_from(NAMES), max_size=3), max_size=8))
    with pytest.MonkeyPatch.context() as patch:
        snapshot = log.read_while_writing(writing, patch)
    assert snapshot.state.events >= before, "at least the events that existed before the reading"
    assert snapshot.state.last == log.events[snapshot.state.events - 1].key


@given(st.data())
def test_a_reader_that_reads_again_misses_nothing(shared: Repo, data: st.DataObject) -> None:
    log = Log(shared)
    for name in data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8)):
        log.write(name)
    writing = data.draw(st.lists(st.lists(st.sampled_from(NAMES), max_size=3), max_size=8))
    with pytest.MonkeyPatch.context() as patch:
        snapshot = log.read_while_writing(writing, patch)
    for name in data.draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        log.write(name)
    snapshot.catch_up(consistent=True)
    assert (snapshot.state.events, snapshot.state.last) == (len(log.events), log.events[-1].key)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A repository for many examples, each of which empties the log."""
    repo = Repo(tmp_path_factory.mktemp("repo"), tmp_path_factory.mktemp("home"))
    os.makedirs(repo.log)
    return repo
