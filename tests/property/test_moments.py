"""A moment has exactly the state that the whole history gives, at every time, and whatever happened to the caches."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.history.full import FullHistory
from coord.engine.history.moments import Moments
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError
from coord.workspace.paths import Workspace
from eventlog.events import Event
from projections.views.point_in_time import PointInTime, after_event, count_until
from tests.property.test_checkpoint import DAMAGE, Case
from tests.property.test_recent_history import texts_for
from tests.support.state_bytes import image

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_pieces")]


def shown(case: Case, snapshot: Snapshot) -> object:
    """What a snapshot of the past contains."""
    for event in case.events:  # rows that are not in the state come back
        snapshot.state.sessions.get(event.session), snapshot.state.messages.get(event.id)
    return image(snapshot.state), snapshot.at, snapshot.now


def from_all_events(case: Case, text: str, step: int) -> object:
    """The answer from the whole history."""
    try:
        past = FullHistory(case.system, case.workspace)
        point = stepped(past.events, past.cut(text or None, "--at"), step) if step else past.cut(text, "--at")
        past.snapshot.state, past.snapshot.at = past.state(point), point.at
        return shown(case, past.snapshot)
    except CoordError as error:
        return str(error)


def stepped(events: Sequence[Event], point: PointInTime, step: int) -> PointInTime:
    done = count_until(events, point)
    if not done:
        return point
    return after_event(events[min(max(done + step, 1), len(events)) - 1])


def from_moments(case: Case, moments: Moments, text: str, step: int) -> object:
    try:
        with moments.at(text, step) as snapshot:
            return shown(case, snapshot)
    except CoordError as error:
        return str(error)


@given(data=st.data())
def test_a_moment_has_the_state_of_the_whole_history(workspace: Workspace, data: st.DataObject) -> None:
    """The same server answers again and again while journals and caches change."""
    with pytest.MonkeyPatch.context() as patch:
        case = Case(workspace, data, patch)
        moments = Moments(case.system, workspace)
        for _ in range(data.draw(st.integers(1, 4))):
            case.extend()
            if data.draw(st.integers(0, 3)) == 0:
                case.damage(data.draw(st.sampled_from(DAMAGE)))
            case.command()
            for _ in range(data.draw(st.integers(0, 3))):
                text, step = data.draw(texts_for(case.events)), data.draw(st.sampled_from((0, 0, 1, -1, 3, -40, 40)))
                assert from_moments(case, moments, text, step) == from_all_events(case, text, step)
