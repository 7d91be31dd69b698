"""The fold depends only on the set of events: not on the order or the pieces in which journals arrive, not on where it
was saved and continued, and not on when its state was read.
"""

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, add_time
from eventlog.order import merge
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from tests.support.histories import GAPS_S, histories, journals_of, judged, pieces_of
from tests.support.state_bytes import image, saved_and_loaded


@given(st.data())
def test_journals_merged_in_any_pieces_give_the_same_history(data: st.DataObject) -> None:
    events = data.draw(histories())
    pieces = data.draw(pieces_of(events))
    assert merge(pieces) == merge(journals_of(events).values()) == events


@given(st.data())
def test_the_fold_of_merged_pieces_is_the_fold_of_the_history(data: st.DataObject) -> None:
    events = data.draw(histories())
    pieces = data.draw(pieces_of(events))
    state, decisions = judged(events)
    other_state, other_decisions = judged(merge(pieces))
    assert image(state) == image(other_state)
    assert decisions == other_decisions


@given(st.data())
def test_a_fold_that_is_saved_and_continued_is_unchanged(data: st.DataObject) -> None:
    events = data.draw(histories())
    cut = data.draw(st.integers(0, len(events)))
    whole, decisions = judged(events)
    first, said = judged(events[:cut])
    assert image(saved_and_loaded(first)) == image(first)
    assert image(fold(saved_and_loaded(first), events[cut:], said.append)) == image(whole)
    assert said == decisions


@given(st.data())
def test_reading_a_state_changes_nothing_later(data: st.DataObject) -> None:
    events = data.draw(histories())
    cut = data.draw(st.integers(0, len(events)))
    times = [add_time(event.at, gap) for event in events[max(0, cut - 1) : cut] for gap in (0, *GAPS_S)]
    if cut < len(events):
        times = [time for time in times if time < events[cut].at] + [events[cut].at]
    said: list[Decision] = []
    state = fold(State(), events[:cut], said.append)
    for now in sorted(times):
        state = as_of(state, now, said.append)
    state = fold(state, events[cut:], said.append)
    end = add_time(events[-1].at, 60)
    whole, decisions = judged(events)
    assert image(as_of(state, end, said.append)) == image(as_of(whole, end, decisions.append))
    assert said == decisions


@given(histories())
def test_an_event_is_not_folded_twice(events: list[Event]) -> None:
    state = fold(State(), events)
    for event in events:
        try:
            fold(state, [event])
        except ValueError:
            continue
        raise AssertionError("an event that sorts before the last one was folded")
    assert state.events == len(events)


@given(histories())
def test_the_next_end_by_time_is_always_known(events: list[Event]) -> None:
    state = State()
    for event in events:
        fold(state, [event])
        ends = [claim.ends_at for claim in state.claims.values()] + [wait.until for wait in state.waits.values()]
        assert state.due <= min(ends, default=state.due), "this end would not be noticed"
        assert min(ends, default="~") > event.at
