"""Claims and waits as spans are those of the ledger of the decisions, and lives are those of the fold."""

from hypothesis import given

from eventlog.events import NEVER, Event
from projections.rules.fold import fold
from projections.rules.state import State
from projections.views.intervals import analyze_history, claim_intervals
from tests.support.histories import histories, judged
from tests.support.model.ledger import ledger


@given(histories())
def test_spans_are_the_grants_and_waits_of_the_ledger(events: list[Event]) -> None:
    """Each grant and each wait once, with its holder, its terms, its beginning and its end."""
    _, decisions = judged(events)
    book, spans = ledger(events, decisions), claim_intervals(events, decisions)
    for kind, expected in (("claim", book.grants), ("wait", book.waits)):
        found = [(s.id, s.session, s.agent, s.resource, s.mode, s.start, s.end or NEVER, s.how)
                 for s in spans if s.kind == kind]  # fmt: skip
        assert found == [(s.id, s.session, s.agent, s.resource, s.mode, s.start, s.end, s.how) for s in expected]


@given(histories())
def test_a_session_has_a_life_while_it_is_live(events: list[Event]) -> None:
    """After every event, the sessions with an open life are the live ones."""
    for index in range(len(events)):
        seen = analyze_history(events[: index + 1], events[index].at)
        state = fold(State(), events[: index + 1])
        assert {life.session for life in seen.lives if not life.end} == {
            s.id for s in state.sessions.values() if s.live
        }
        assert {life.session for life in seen.lives} <= set(state.sessions)
