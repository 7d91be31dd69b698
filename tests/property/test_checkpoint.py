"""A checkpoint can never change an answer: it and the rest of the journals give what all of them give, whatever the
pieces in which they came, and wherever a fold was saved.
"""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.folder import Place
from coord.present import Present
from coord.world import World
from eventlog.events import later
from projections.fold import as_of
from projections.state import State
from tests.coord.inside import HERE, Table
from tests.eventlog.logs import lines_of
from tests.histories import GAPS_S, histories, journals_of, judged
from tests.property.test_fold import image


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("root")
    return Place(str(root / "COORDINATION"), str(root), None)


@given(st.data())
def test_a_checkpoint_and_what_came_since_give_what_all_of_it_gives(place: Place, data: st.DataObject) -> None:
    events = data.draw(histories())
    journals = {name: lines_of(journal) for name, journal in journals_of(events).items()}
    log, cache = Path(place.log), Path(place.cache)
    for folder in (log, cache):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    end = later(events[-1].at, 60)
    world = World({}, place.root, lambda: end, 1, lambda: HERE, Table)
    delivered = dict.fromkeys(journals, 0)
    for step in range(data.draw(st.integers(1, 4))):
        for name, lines in journals.items():
            least = delivered[name]
            delivered[name] = len(lines) if step == 3 else data.draw(st.integers(least, len(lines)))
            if delivered[name]:
                (log / f"{name}.jsonl").write_bytes(b"".join(lines[: delivered[name]]))
        present = Present(world, place)
        present.catch_up(snapshot=data.draw(st.booleans()))
        if data.draw(st.booleans()):  # as every command that acts does
            as_of(present.state, later(present.state.at or end, data.draw(st.sampled_from(GAPS_S))))
        if data.draw(st.booleans()):
            present.save()
    for name, lines in journals.items():
        (log / f"{name}.jsonl").write_bytes(b"".join(lines))
    assert image(whole(world, place, end)) == image(as_of(judged(events)[0], end))
    shutil.rmtree(cache)
    assert image(whole(world, place, end)) == image(as_of(judged(events)[0], end))


def whole(world: World, place: Place, end: str) -> State:
    """The state at the end, as a command sees it."""
    present = Present(world, place)
    present.catch_up()
    assert present.findings() == []
    return as_of(present.state, end)
