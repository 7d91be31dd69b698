"""The fold and the reference model agree on every history: on all rules, all events, and all ends by time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlog.events import Event, add_time
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.histories import GAPS_S, histories
from tests.support.model.agreement import as_json, assert_agree, micros
from tests.support.model.reference_model import Model

MANY = 5 * (settings.default or settings()).max_examples  # handovers and continuations are rare in a history


@pytest.mark.parametrize("stray", [False, pytest.param(True, marks=pytest.mark.slow)])
@settings(max_examples=MANY)
@given(data=st.data())
def test_the_fold_agrees_with_the_reference_model(data: st.DataObject, stray: bool) -> None:
    """After every event, and as time passes after the last one."""
    events: list[Event] = data.draw(histories(stray=stray))
    state, model = State(), Model()
    for number, event in enumerate(events, 1):
        fold(state, [event])
        model.hear(as_json(event))
        assert_agree(state, model, events[:number])
    now = events[-1].at
    for gap in (*GAPS_S, 60, 60, 600):
        now = add_time(now, gap)
        as_of(state, now)
        model.until(micros(now))
        assert_agree(state, model, (events, now))
