"""Attack 11: journals merged in any order, grouping and number of pieces, some of them twice and some late.

Promise 4: the state depends only on the set of events. The same pieces are merged purely, and taken in by a reader of a
real folder that looks between the deliveries, saves its fold or forgets it, cuts lines in two, and whose clock may
still be behind the other machine's. What the merged history then says to whoever asked is held against the
intervals of its decisions: nobody told refused is ever granted, and whoever believed to hold what it does not is told.
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
from eventlog.history import LogReader, merge
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.attacks import law
from tests.support.histories import START, histories, journals_of, judged
from tests.support.in_process import HERE, Table
from tests.support.journals import lines_of
from tests.support.model.ledger import believers_are_told
from tests.support.state_bytes import image

pytestmark = pytest.mark.slow


@law(11)
@given(histories(max_events=14), st.integers(0, 1 << 32))
def test_any_order_and_grouping_of_any_pieces_gives_one_state(
    workspace: Workspace, events: list[Event], seed: int
) -> None:
    chance = random.Random(seed)
    _merged_purely(events, chance)
    believers_are_told(events)
    _read_from_a_folder(workspace, events, chance)


def _merged_purely(events: list[Event], chance: random.Random) -> None:
    """Piece by piece as they arrive, and in groups of groups."""
    whole = image(fold(State(), events))
    pieces = _pieces(chance, events)
    arrived: list[Event] = []
    for number, piece in enumerate(pieces):  # what is known before all has come is a history too
        arrived = merge([arrived, piece])
        if number % 3 == 0:
            _nobody_refused_is_granted(arrived)
    assert image(fold(State(), arrived)) == whole
    groups = list(pieces)
    while len(groups) > 1:
        some = [groups.pop(chance.randrange(len(groups))) for _ in range(min(len(groups), chance.choice((2, 2, 3))))]
        groups.append(merge(some))
    assert groups[0] == arrived == events
    _nobody_refused_is_granted(arrived)


def _pieces(chance: random.Random, events: list[Event]) -> list[list[Event]]:
    """The journals cut into pieces that may overlap, some of them twice, in any order."""
    pieces: list[list[Event]] = []
    for journal in journals_of(events).values():
        cuts = sorted(chance.randint(0, len(journal)) for _ in range(chance.randint(0, 3)))
        parts = [journal[i:j] for i, j in zip([0, *cuts], [*cuts, len(journal)], strict=True)]
        again = [journal[chance.randint(0, len(journal)) :] for _ in range(chance.randint(0, 2))]
        pieces += parts + again
    chance.shuffle(pieces)
    return pieces


def _nobody_refused_is_granted(events: list[Event]) -> None:
    refused = {e.id for e in events if isinstance(e.payload, ClaimRequested) and e.payload.told == "refused"}
    if refused:
        state, decisions = judged(events)
        assert not refused & (state.claims.keys() | state.waits.keys())
        assert not refused & {said.claim for said in decisions if said.what in ("granted", "waiting", "renewed")}


def _read_from_a_folder(workspace: Workspace, events: list[Event], chance: random.Random) -> None:
    """By readers that look between the deliveries of ever longer beginnings of the journals, cut at any byte."""
    end = add_time(events[-1].at, 60)
    whole = image(as_of(fold(State(), events), end))
    clock = [START]
    system = System({}, workspace.root, lambda: clock[0], 1, lambda: HERE, Table)
    for folder in (workspace.log, workspace.cache):
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir(parents=True)
    journals = {name: b"".join(lines_of(journal)) for name, journal in journals_of(events).items()}
    arrived, reader = dict.fromkeys(journals, 0), LogReader(workspace.log, HERE.machine)
    news: list[Event] = []
    for step in range(steps := chance.randint(1, 5)):
        for name in chance.sample(sorted(journals), len(journals)):
            most = len(journals[name])
            arrived[name] = most if step == steps - 1 else chance.randint(arrived[name], most)
            if arrived[name] and (chance.random() < 0.8 or step == steps - 1):
                Path(workspace.log, f"{name}.jsonl").write_bytes(journals[name][: arrived[name]])
        clock[0] = end if step == steps - 1 else max(clock[0], chance.choice(events).at)
        news += reader.catch_up(clock[0]).events
        _look(system, workspace, chance)
    assert reader.held_back == {}
    assert merge([news]) == events
    assert len(news) == len(events), "an event came twice"
    for _ in range(2):
        snapshot = Snapshot(system, workspace)
        snapshot.catch_up()
        assert snapshot.journal_problems() == []
        assert image(as_of(snapshot.state, end)) == whole
        shutil.rmtree(workspace.cache, ignore_errors=True)


def _look(system: System, workspace: Workspace, chance: random.Random) -> None:
    """What a command does with the log: catch up, bring the state to the present, and perhaps save it."""
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(snapshot=chance.random() < 0.5)
    if chance.random() < 0.5:
        as_of(snapshot.state, snapshot.now)
    if chance.random() < 0.7:
        snapshot.save()
