"""Postings never change an answer: what they give for each resource and session is what all events give."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coord.cli.commands.history.log import about_filter
from coord.render.events import claimed_resources, names_in
from eventlog.events import (
    ClaimAccepted,
    ClaimBypassed,
    ClaimHandedOver,
    Event,
    EventId,
    SessionHeartbeat,
    SessionStarted,
    add_time,
)
from projections.postings.answers import NotPosted, PostedHistory
from projections.postings.collect import PostingCollector
from projections.postings.values import Entry, claim_of, grouped, own_resource
from projections.rules.resources import is_pattern
from projections.rules.state import State
from projections.views.claim_history import about_resources, about_session, build_claim_history
from projections.views.intervals.analysis import analyze_history
from tests.support.histories import GAPS_S, RESOURCES, Story, histories
from tests.support.state_bytes import image, saved_and_loaded

pytestmark = pytest.mark.slow


@st.composite
def named_histories(draw: st.DrawFn) -> list[Event]:
    """Generated histories in which sessions get names, some of them several, and some events name a wrong resource."""
    events = draw(histories(stray=draw(st.booleans())))
    names, resources = st.sampled_from(("", "red", "blue", "amber-otter")), st.sampled_from(RESOURCES)

    def changed(event: Event) -> Event:
        payload = event.payload
        if isinstance(payload, SessionStarted):
            return replace(event, payload=replace(payload, name=draw(names)))
        if isinstance(payload, ClaimAccepted | ClaimBypassed | ClaimHandedOver) and draw(st.integers(0, 3)) == 0:
            return replace(event, payload=replace(payload, resource=draw(resources)))
        return event

    return [changed(event) for event in events]


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
        with suppress(NotPosted):
            assert history.entries_about([resource]) == about_resources(entries, [resource])
    for session in analysis.state.sessions:
        with suppress(NotPosted):
            assert history.entries_by(session) == about_session(entries, session)
        lives = [life for life in analysis.session_intervals if life.session == session]
        with suppress(NotPosted):
            assert history.lives(session) == lives
    names = names_in(events)
    for session in {event.actor for event in events} | names.keys():
        with suppress(NotPosted):
            assert history.name(session) == names.get(session, "")
            if session in names:
                assert history.is_only(names[session]) == (list(names.values()).count(names[session]) == 1)


@given(data=st.data())
def test_postings_do_not_depend_on_where_a_fold_was_interrupted(data: st.DataObject) -> None:
    events = data.draw(named_histories())
    now = events[-1].at
    _, expected = collected(events, now)
    state, collector, entries = State(), PostingCollector(), list[Entry]()
    for number, event in enumerate(events):
        if data.draw(st.booleans()):
            entries += collector.take()
            state, collector = saved_and_loaded(state), PostingCollector()
        if data.draw(st.integers(0, 3)) == 0:
            before = [event.at, *(due for due in (state.due,) if state.at <= due <= event.at)]
            collector.advance(state, data.draw(st.sampled_from(before)))
        collector.fold(state, events[number : number + 1])
    collector.advance(state, now)
    assert grouped([*entries, *collector.take()]) == grouped(expected)


@given(data=st.data())
def test_postings_give_the_events_that_a_log_shows(data: st.DataObject) -> None:
    events = [with_files(event, data) for event in data.draw(named_histories())]
    history, names = posted(events, events[-1].at), dict[str, str]()
    running: dict[EventId, dict[str, str]] = {}
    for event in events:
        if isinstance(event.payload, SessionStarted):
            names = names | names_in([event])
        running[event.id] = names
    for resource in ("file/a", "file/a/b", "deploy/prod", "port/8000", "file/c"):
        about = about_filter([resource])
        with suppress(NotPosted):
            found = history.events_about([resource])
            assert [each.key for each in found] == [event.key for event in events if about(event)]
            resources = claimed_resources(events)
            for each in found:
                event = each.event or next(event for event in events if event.key == each.key)
                if not event.imported and event.session not in history.odd_sessions:
                    assert each.names.get(event.actor, "") == running[event.id].get(event.actor, "")
                if claim_of(event) and not own_resource(event):
                    assert each.resource == resources[claim_of(event)]


def with_files(event: Event, data: st.DataObject) -> Event:
    """The same event; if it is a heartbeat, perhaps with files."""
    if not isinstance(event.payload, SessionHeartbeat):
        return event
    files = data.draw(st.lists(st.sampled_from(("a", "a/b", "a/*", "c")), max_size=2))
    return replace(event, payload=replace(event.payload, files=tuple(files)))


def test_a_handover_of_another_resource_is_not_posted() -> None:
    history = Story("amber", "brook")
    first = history.asks(10, "amber", "file/a")
    history.tell(20, "amber", ClaimHandedOver(claim=first.id, resource="file/b", to="brook"))
    answers = posted(history.history(), history.history()[-1].at)
    for resource in ("file/a", "file/b"):
        with pytest.raises(NotPosted):
            answers.events_about([resource])
    assert answers.entries_about(["file/c"]) == []
