"""The intervals of claims and waits agree with the ledger, and the intervals of live sessions with the fold."""

from hypothesis import given

from eventlog.events import NEVER, Event
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.intervals.analysis import analyze_history
from tests.support.histories import histories, judged
from tests.support.model.ledger import ledger


@given(histories())
def test_intervals_are_the_grants_and_waits_of_the_ledger(events: list[Event]) -> None:
    """Each grant and each wait appears once, with its holder, terms, start and end."""
    _, decisions = judged(events)
    book, spans = ledger(events, decisions), analyze_history(events, "").intervals
    for kind, expected in (("claim", book.grants), ("wait", book.waits)):
        found = [(s.id, s.session, s.agent, s.resource, s.mode, s.start, s.end or NEVER, s.how)
                 for s in spans if s.kind == kind]  # fmt: skip
        assert found == [(s.id, s.session, s.agent, s.resource, s.mode, s.start, s.end, s.how) for s in expected]


@given(histories())
def test_a_live_session_has_an_open_interval(events: list[Event]) -> None:
    """After every event, the sessions whose interval is open are the live ones."""
    for index in range(len(events)):
        seen = analyze_history(events[: index + 1], events[index].at)
        state = fold(State(), events[: index + 1])
        assert {life.session for life in seen.session_intervals if not life.end} == {
            s.id for s in state.sessions.values() if s.live
        }
        assert {life.session for life in seen.session_intervals} <= set(state.sessions)
