"""Attack 11: journals merged in any order, in any groups and pieces, some of them twice and some late.

Promise 4: the state depends only on the set of events. The pieces are merged in memory, and they are delivered to a
real folder, where lines may be cut in two. A reader there reads between the deliveries, saves its fold or forgets it,
and its clock may still be behind that of the other machine. Then the answers in the merged history are compared with
its decisions: no request told refused is granted, and each session that wrongly believes to hold a claim is told.
"""

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.snapshot import Snapshot
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import (
    ClaimRequested,
    Event,
    add_time,
)
from eventlog.history import LogReader
from eventlog.order import merge
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.attacks import law
from tests.support.histories import START, histories, journals_of, judged
from tests.support.in_process import HERE, Table
from tests.support.journals import lines_of
from tests.support.model.ledger import assert_losses_are_told
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow


@law(11)
@given(histories(max_events=14), st.integers(0, 1 << 32))
def test_any_order_and_grouping_of_journals_gives_one_state(
    workspace: Workspace, events: list[Event], seed: int
) -> None:
    chance = random.Random(seed)
    _check_merging(events, chance)
    assert_losses_are_told(events)
    _check_reading(workspace, events, chance)


def _check_merging(events: list[Event], chance: random.Random) -> None:
    """Merge pieces one by one, and in groups."""
    whole = image(fold(State(), events))
    pieces = _pieces(chance, events)
    arrived: list[Event] = []
    for number, piece in enumerate(pieces):  # what has arrived so far is a history too
        arrived = merge([arrived, piece])
        if number % 3 == 0:
            _check_refusals(arrived)
    assert image(fold(State(), arrived)) == whole
    groups = list(pieces)
    while len(groups) > 1:
        some = [groups.pop(chance.randrange(len(groups))) for _ in range(min(len(groups), chance.choice((2, 2, 3))))]
        groups.append(merge(some))
    assert groups[0] == arrived == events
    _check_refusals(arrived)


def _pieces(chance: random.Random, events: list[Event]) -> list[list[Event]]:
    """Cut the journals into pieces that may overlap or repeat, in random order."""
    pieces: list[list[Event]] = []
    for journal in journals_of(events).values():
        cuts = sorted(chance.randint(0, len(journal)) for _ in range(chance.randint(0, 3)))
        parts = [journal[i:j] for i, j in zip([0, *cuts], [*cuts, len(journal)], strict=True)]
        again = [journal[chance.randint(0, len(journal)) :] for _ in range(chance.randint(0, 2))]
        pieces += parts + again
    chance.shuffle(pieces)
    return pieces


def _check_refusals(events: list[Event]) -> None:
    refused = {e.id for e in events if isinstance(e.payload, ClaimRequested) and e.payload.told == "refused"}
    if refused:
        state, decisions = judged(events)
        assert not refused & (state.claims.keys() | state.waits.keys())
        assert not refused & {said.claim for said in decisions if said.what in ("granted", "waiting", "renewed")}


def _check_reading(workspace: Workspace, events: list[Event], chance: random.Random) -> None:
    """Read a folder to which ever longer parts of the journals are delivered, cut at any byte."""
    end = add_time(events[-1].at, 60)
    whole = image(as_of(fold(State(), events), end))
    clock = [START]
    system = System({}, workspace.root, lambda: clock[0], 1, lambda: HERE, Table)
    for folder in (workspace.log, workspace.cache):
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True)
    journals = {name: b"".join(lines_of(journal)) for name, journal in journals_of(events).items()}
    arrived, reader = dict.fromkeys(journals, 0), LogReader(workspace.log, HERE.machine)
    read: list[Event] = []
    for step in range(steps := chance.randint(1, 5)):
        for name in chance.sample(sorted(journals), len(journals)):
            most = len(journals[name])
            arrived[name] = most if step == steps - 1 else chance.randint(arrived[name], most)
            if arrived[name] and (chance.random() < 0.8 or step == steps - 1):
                Path(workspace.log, f"{name}.jsonl").write_bytes(journals[name][: arrived[name]])
        clock[0] = end if step == steps - 1 else max(clock[0], chance.choice(events).at)
        read += reader.catch_up(clock[0]).events
        _run_a_command(system, workspace, chance)
    assert reader.held_back == {}
    assert merge([read]) == events
    assert len(read) == len(events), "an event was read twice"
    for _ in range(2):
        snapshot = Snapshot(system, workspace)
        snapshot.catch_up()
        assert snapshot.journal_problems() == []
        assert image(as_of(snapshot.state, end)) == whole
        shutil.rmtree(workspace.cache, ignore_errors=True)


def _run_a_command(system: System, workspace: Workspace, chance: random.Random) -> None:
    """Read the log like a command: catch up, perhaps advance the state to now, and perhaps save it."""
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=chance.random() < 0.5)
    if chance.random() < 0.5:
        as_of(snapshot.state, snapshot.now)
    if chance.random() < 0.7:
        snapshot.save()
