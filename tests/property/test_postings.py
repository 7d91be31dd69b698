"""Postings never change an answer: what they give for each resource and session is what all events give."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coord.render.events import names_in
from eventlog.events import Event, EventId, SessionStarted, add_time
from projections.rules.resources import is_pattern
from projections.rules.state import State
from projections.views.claim_history import about_resources, about_session, build_claim_history
from projections.views.intervals import analyze_history
from projections.views.posted_history import NotPosted, PostedHistory
from projections.views.postings import Entry, PostingCollector
from tests.support.histories import GAPS_S, RESOURCES, histories
from tests.support.state_bytes import image, saved_and_loaded

pytestmark = pytest.mark.slow


@st.composite
def named_histories(draw: st.DrawFn) -> list[Event]:
    """Generated histories in which sessions get names, some of them several."""
    events = draw(histories(stray=draw(st.booleans())))
    names = st.sampled_from(("", "red", "blue", "amber-otter"))
    return [
        replace(event, payload=replace(event.payload, name=draw(names)))
        if isinstance(event.payload, SessionStarted)
        else event
        for event in events
    ]


def lookup(entries: list[Entry]) -> Callable[[str], list[bytes]]:
    """A store that contains these entries."""
    return lambda key: [value for name, value in entries if name == key]


def collected(events: list[Event], now: str) -> tuple[State, list[Entry]]:
    """The state at `now`, and the postings."""
    state, collector = State(), PostingCollector()
    collector.fold(state, events)
    collector.advance(state, now)
    return state, collector.entries


def posted(events: list[Event], now: str) -> PostedHistory:
    state, entries = collected(events, now)
    by_id: dict[EventId, Event] = {event.id: event for event in events}
    return PostedHistory(lookup(entries), state, by_id.get)


@given(data=st.data())
def test_postings_give_the_claim_history_of_all_events(data: st.DataObject) -> None:
    events = data.draw(named_histories())
    now = add_time(events[-1].at, data.draw(st.sampled_from((*GAPS_S, 3600))))
    history, analysis = posted(events, now), analyze_history(events, now)
    assert image(history.state) == image(analysis.state)
    entries = build_claim_history(events, analysis.decisions)
    for resource in (*RESOURCES, "file/a/b/c", "port/1", "nothing/here"):
        if is_pattern(resource):
            continue
        try:
            assert history.entries_about([resource]) == about_resources(entries, [resource])
        except NotPosted:
            pass
    for session in analysis.state.sessions:
        try:
            assert history.entries_by(session) == about_session(entries, session)
        except NotPosted:
            pass
        lives = [life for life in analysis.session_intervals if life.session == session]
        assert history.lives(session) == lives
    names = names_in(events)
    for session in {event.actor for event in events} | names.keys():
        with suppress(NotPosted):
            assert history.name(session) == names.get(session, "")
            if session in names:
                assert history.is_only(names[session]) == (list(names.values()).count(names[session]) == 1)
