"""The fold is a function of the set of events: neither the order and the pieces in which journals arrive, nor where a
fold was saved and taken up again, nor when somebody looked, makes a difference.
"""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, add_time
from eventlog.history import merge
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from tests.support.histories import GAPS_S, histories, journals_of, judged, pieces_of
from tests.support.state_bytes import image


def saved_and_read(state: State) -> State:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)


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
def test_a_fold_saved_in_the_middle_goes_on_unchanged(data: st.DataObject) -> None:
    events = data.draw(histories())
    cut = data.draw(st.integers(0, len(events)))
    whole, decisions = judged(events)
    first, said = judged(events[:cut])
    assert image(saved_and_read(first)) == image(first)
    assert image(fold(saved_and_read(first), events[cut:], said.append)) == image(whole)
    assert said == decisions


@given(st.data())
def test_looking_at_a_moment_changes_nothing_that_comes_after(data: st.DataObject) -> None:
    events = data.draw(histories())
    cut = data.draw(st.integers(0, len(events)))
    moments = [add_time(event.at, gap) for event in events[max(0, cut - 1) : cut] for gap in (0, *GAPS_S)]
    if cut < len(events):
        moments = [moment for moment in moments if moment < events[cut].at] + [events[cut].at]
    said: list[Decision] = []
    state = fold(State(), events[:cut], said.append)
    for now in sorted(moments):
        state = as_of(state, now, said.append)
    state = fold(state, events[cut:], said.append)
    end = add_time(events[-1].at, 60)
    whole, decisions = judged(events)
    assert image(as_of(state, end, said.append)) == image(as_of(whole, end, decisions.append))
    assert said == decisions


@given(histories())
def test_folding_the_same_events_again_is_refused(events: list[Event]) -> None:
    state = fold(State(), events)
    for event in events:
        try:
            fold(state, [event])
        except ValueError:
            continue
        raise AssertionError("an event that sorts before the last one was folded")
    assert state.events == len(events)


@given(histories())
def test_what_will_end_by_itself_is_always_known(events: list[Event]) -> None:
    state = State()
    for event in events:
        fold(state, [event])
        ends = [claim.ends_at for claim in state.claims.values()] + [wait.until for wait in state.waits.values()]
        assert state.due <= min(ends, default=state.due), "an end that nobody would notice"
        assert min(ends, default="~") > event.at
