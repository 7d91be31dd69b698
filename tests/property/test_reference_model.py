"""The fold and the reference model agree on every history: all rules, all events, and what time alone brings about."""

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, later
from projections.fold import as_of, fold
from projections.state import State
from tests.support.agreement import as_json, assert_agree, micros
from tests.support.histories import GAPS_S, histories
from tests.support.reference_model import Model


@given(st.booleans().flatmap(lambda stray: histories(stray=stray)))
def test_the_fold_is_what_the_reference_model_says(events: list[Event]) -> None:
    """After every event, and as time passes after the last one."""
    state, model = State(), Model()
    for number, event in enumerate(events, 1):
        fold(state, [event])
        model.hear(as_json(event))
        assert_agree(state, model, events[:number])
    moment = events[-1].at
    for gap in (*GAPS_S, 60, 60, 600):
        moment = later(moment, gap)
        as_of(state, moment)
        model.until(micros(moment))
        assert_agree(state, model, (events, moment))
