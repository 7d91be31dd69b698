"""What is computed from the end of the history is what the whole history says: states, reports and differences."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coord.cli.commands.history.diff import compare
from coord.engine.history.full import FullHistory, Past
from coord.engine.history.recent import open_past
from coord.errors import CoordError
from coord.render.diff import DiffContext, closed_in, diff_lines
from coord.workspace.paths import Workspace
from eventlog.events import Event, MessageResolved, MessageSent, SessionHeartbeat, SessionStarted, add_time
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.board import build_board
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import PointInTime, after_event, after_instant, before_instant, count_until
from projections.views.receipts import build_receipts
from projections.views.report import Report, build_report
from tests.property.test_checkpoint import DAMAGE, Case
from tests.support.attacks import law
from tests.support.histories import GAPS_S, histories
from tests.support.state_bytes import image

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_pieces")]


@st.composite
def rich_histories(draw: st.DrawFn) -> list[Event]:
    """Histories in which sessions also have names, are blocked, plan their next action and close messages."""
    events: list[Event] = draw(histories(stray=draw(st.booleans())))
    names = st.sampled_from(("", "one", "two"))
    for index, event in enumerate(events):
        match event.payload:
            case SessionStarted() as payload if event.imported is None:
                events[index] = replace(event, payload=replace(payload, name=draw(names)))
            case SessionHeartbeat() as payload:
                blocked = replace(payload, blocked_on=draw(names), next_action=draw(names))
                events[index] = replace(event, payload=blocked)
            case _ if event.imported is None and draw(st.integers(0, 9)) == 0:
                sent = draw(st.sampled_from(events[: index + 1]))
                events[index] = replace(event, payload=MessageResolved(messages=(sent.id,), note="done"))
    return events


@st.composite
def points_in(draw: st.DrawFn, events: Sequence[Event]) -> PointInTime:
    """A point in time near an event."""
    event = draw(st.sampled_from(events))
    at = add_time(event.at, draw(st.sampled_from((0, *GAPS_S))))
    return draw(st.sampled_from((after_event(event), after_instant(at), before_instant(at))))


def base_before(events: Sequence[Event], since: PointInTime, drawn: st.DataObject) -> int:
    """How many events come before the ones that are read: fewer than before `since` and before the waits then."""
    count = drawn.draw(st.integers(0, count_until(events, since)))
    waits = fold(State(), events[:count]).waits.values()
    return min([count, *(count_until(events, before_instant(wait.asked_at)) for wait in waits)])


def report_from(events: Sequence[Event], begin: int, since: PointInTime, until: PointInTime) -> Report:
    """The report on a period, from an analysis that begins after the first `begin` events."""
    start = fold(State(), events[:begin])
    analysis = analyze_history(events[begin : count_until(events, until)], until.at, start=start)
    return build_report(analysis, since, build_board(analysis.state, until.at, 1e9, {}))


@given(st.data())
def test_a_report_from_any_earlier_state_is_the_same(data: st.DataObject) -> None:
    events = data.draw(rich_histories())
    since, until = sorted((data.draw(points_in(events)), data.draw(points_in(events))), key=lambda point: point.key)
    begin = base_before(events, since, data)
    expected, found = (msgspec.to_builtins(report_from(events, first, since, until)) for first in (0, begin))
    assert found == expected


@given(st.data())
def test_a_difference_from_any_earlier_state_is_the_same(data: st.DataObject) -> None:
    events = data.draw(rich_histories())
    begin, end = sorted((data.draw(points_in(events)), data.draw(points_in(events))), key=lambda point: point.key)
    first = data.draw(st.integers(0, count_until(events, begin)))
    expected, found = (difference(events, count, begin, end) for count in (0, first))
    assert found == expected


@given(st.data())
def test_receipts_from_any_earlier_state_are_the_same(data: st.DataObject) -> None:
    events = data.draw(rich_histories())
    for index, message in enumerate(events):
        if isinstance(message.payload, MessageSent):
            first = data.draw(st.integers(0, index))
            start = fold(State(), events[:first])
            assert build_receipts(events[first:], message, start) == build_receipts(events, message)


def grown_case(workspace: Workspace, data: st.DataObject, patch: pytest.MonkeyPatch) -> Case:
    """A log that has grown in several steps, with commands between them, and with damage."""
    case = Case(workspace, data, patch)
    for _ in range(data.draw(st.integers(1, 8))):
        case.extend()
        if data.draw(st.integers(0, 3)) == 0:
            case.damage(data.draw(st.sampled_from(DAMAGE)))
        case.command()
    return case


@law(20)
@given(data=st.data())
def test_an_older_checkpoint_never_changes_receipts(workspace: Workspace, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        case = grown_case(workspace, data, patch)
        full = FullHistory(case.system, case.workspace)
        for message in full.events:
            if isinstance(message.payload, MessageSent):
                past = open_past(case.system, case.workspace, lambda past, at=message.at: before_instant(at))  # type: ignore[misc]
                assert build_receipts(past.events, message, past.start) == build_receipts(full.events, message)


def difference(events: Sequence[Event], first: int, begin: PointInTime, end: PointInTime) -> object:
    """What changed between two points in time, from the state after the `first` events on."""
    past = Past(None, events[first:], fold(State(), events[:first]))  # type: ignore[arg-type]
    found = compare(past, begin, end)
    context = DiffContext(found.names, found.subjects, closed_in(found.events))
    lines = diff_lines(found.before, found.after, found.decisions, context, end.at)
    return found, lines


@law(20)
@given(data=st.data())
def test_an_older_checkpoint_never_changes_a_past_state(workspace: Workspace, data: st.DataObject) -> None:
    """Whatever arrived late, was damaged or lost, and wherever a time lies: `--at` answers as from all events."""
    with pytest.MonkeyPatch.context() as patch:
        case = grown_case(workspace, data, patch)
        text = data.draw(texts_for(case.events))
        found, expected = (answer(case, text, read) for read in (open_recent, open_full))
        assert found == expected


@st.composite
def texts_for(draw: st.DrawFn, events: Sequence[Event]) -> str:
    """A time as a person can write it: near an event, or an event's id, full or shortened."""
    event = draw(st.sampled_from(events))
    return draw(
        st.sampled_from((event.id, event.id[3:], f"{event.session[:5]}/{event.n}"))
        | st.sampled_from((0, -1, *GAPS_S)).map(lambda gap: add_time(event.at, gap))
    )


def open_recent(case: Case, text: str) -> Past:
    return open_past(case.system, case.workspace, lambda past: past.cut(text, "--at"))


def open_full(case: Case, text: str) -> Past:
    return FullHistory(case.system, case.workspace)


def answer(case: Case, text: str, read: Callable[[Case, str], Past]) -> object:
    """The state at a time, the notes about the journals and the present, or the error."""
    try:
        past = read(case, text)
        now, notes = past.now, past.snapshot.problem_notes(again=True)
        snapshot = past.snapshot_at(text)
        for event in case.events:  # rows that are not in the state come back
            snapshot.state.sessions.get(event.session), snapshot.state.messages.get(event.id)
        return image(snapshot.state), snapshot.at, now, notes, snapshot.unreadable
    except CoordError as error:
        return str(error)
