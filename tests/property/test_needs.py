"""The needs of a history are exactly those that the reference model derives: none is missing, and none is there twice
or after its end.
"""

from collections import Counter
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from eventlog.events import (
    EVERYONE,
    AgentStarted,
    ClaimFinished,
    ClaimRenewed,
    Event,
    MessageAcknowledged,
    MessageRead,
    MessageSent,
    SessionHeartbeat,
    SessionStarted,
    Unknown,
    add_time,
)
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from projections.views.needs import Need, Observed, find_needs, own_needs
from tests.support.histories import GAPS_S, histories
from tests.support.model.agreement import as_json, micros
from tests.support.model.needs import NeedsModel, Row

BLOCKERS = (
    SessionHeartbeat(action="waiting", blocked_on="the key"),
    SessionHeartbeat(action="waiting", target="deploy", blocked_on="the key"),
    SessionHeartbeat(action="waiting", blocked_on="its user: an answer", asks_person=True),
    SessionHeartbeat(action="idle", automatic=True),
    SessionHeartbeat(action="building"),
    SessionHeartbeat(),
)
OTHERS = (SessionHeartbeat, ClaimRenewed, ClaimFinished, MessageRead, AgentStarted, Unknown)
"""The types of the events that become heartbeats, so that there are enough."""
SILENT_S = 20


def varied(events: list[Event]) -> list[Event]:
    """A history with more heartbeats, blockers, idle agents and urgent messages, chosen by the ids of the events."""
    found = []
    for event in events:
        chance, payload = crc32(event.id.encode()), event.payload
        if isinstance(payload, OTHERS) and not event.imported:
            payload = BLOCKERS[chance % len(BLOCKERS)]
        elif isinstance(payload, MessageSent) and chance % 2:
            payload = replace(payload, urgency="high")
        found.append(replace(event, payload=payload))
    return found


def row_of(need: Need) -> Row:
    """The row of the model for a need."""
    kind = "asks" if need.asks_person else "urgent" if need.urgent else need.kind
    if need.kind in ("dead", "silent"):
        sessions = (need.sessions[0], *sorted(need.sessions[1:]))
    else:
        sessions = tuple(sorted(need.sessions)) if need.kind == "unacknowledged" else (need.session,)
    return kind, need.session, sessions, micros(need.since)


def assert_needs_agree(state: State, model: NeedsModel, gone: set[str], about: object) -> None:
    now = max(state.reached, state.at)
    needs = find_needs(state, Observed(now, SILENT_S, dict.fromkeys(gone, "gone")))
    circles = [need for need in needs if need.kind == "circle"]
    found = [need for need in needs if need.kind not in ("circle", "unknown")]
    rows, expected = Counter(map(row_of, found)), Counter(model.rows(gone, SILENT_S * 1_000_000))
    assert rows == expected, (rows - expected, expected - rows, about)
    assert {name for need in circles for name in need.sessions} <= model.in_circles(), about
    if not gone:
        assert {name for need in circles for name in need.sessions} == model.in_circles(), about
    assert len({need.sessions for need in circles}) == len(circles), about
    for need in circles:
        pairs = list(zip(need.sessions, (*need.sessions[1:], need.sessions[0]), strict=True))
        assert max(model.edges[pair] for pair in pairs) <= micros(need.since) <= micros(now), about
        assert all(need.sessions in [own.sessions for own in own_needs(state, name)] for name in need.sessions), about


@pytest.mark.slow
@given(data=st.data())
def test_the_needs_are_those_of_the_reference_model(data: st.DataObject) -> None:
    """After every event, and as time passes after the last one; also for an observer that sees dead sessions."""
    events = varied(data.draw(histories()))
    state, model = State(), NeedsModel()
    for event in events:
        fold(state, [event])
        model.hear(as_json(event))
        assert_needs_agree(state, model, set(), events)
    live = [name for name, session in state.sessions.items() if session.live]
    gone = set(data.draw(st.lists(st.sampled_from(live), unique=True))) if live else set()
    now = events[-1].at
    for gap in (*GAPS_S, 60, 60, 600):
        now = add_time(now, gap)
        as_of(state, now)
        model.until(micros(now))
        assert_needs_agree(state, model, gone, (events, now, gone))


@pytest.mark.slow
@given(data=st.data())
def test_each_session_can_end_what_it_must_confirm(data: st.DataObject) -> None:
    events = varied(data.draw(histories()))
    state = fold(State(), events)
    now = state.at
    for need in find_needs(state, Observed(now, 0)):
        for name in need.to if need.kind == "unacknowledged" else ():
            assert name != need.session, "nobody confirms its own message"
            now = add_time(now, 1)
            done = MessageAcknowledged(messages=(need.about,))
            as_of(state, now)
            fold(state, [Event(v=1, at=now, session=name, n=10_000 + state.events, payload=done)])
            assert not any(left.about == need.about and name in left.to for left in find_needs(state, Observed(now, 0)))


def with_people(events: list[Event]) -> list[Event]:
    """The same history, in which some sessions are those of people."""
    return [
        replace(event, payload=replace(event.payload, person=True))
        if isinstance(event.payload, SessionStarted) and not event.imported and crc32(event.session.encode()) % 2
        else event
        for event in events
    ]


@given(histories().map(varied).map(with_people))
def test_a_blocked_session_is_a_need_until_a_person_writes(events: list[Event]) -> None:
    state = State()
    answered: dict[str, str] = {}  # when a person last wrote to a session
    for event in events:
        sender = state.sessions.get(event.actor)
        if isinstance(event.payload, MessageSent) and event.payload.to != EVERYONE and not event.imported:
            is_person = sender is not None and sender.person
            answered |= {state.current_session(name): event.at for name in event.payload.to if is_person}
        fold(state, [event])
        found = {need.session for need in find_needs(state, Observed(state.at, 1e9)) if need.kind == "blocked"}
        here = [it for it in state.sessions.values() if it.live and it.doing.blocked_on]
        asking = {it.id for it in here if it.doing.asks_person}
        unanswered = {it.id for it in here if answered.get(it.id, "") < it.blocked_since}
        assert found == asking | unanswered


@given(histories().map(varied), st.sampled_from(GAPS_S))
def test_older_needs_come_first_then_those_that_hold_up_more(events: list[Event], gap: float) -> None:
    state = as_of(fold(State(), events), add_time(events[-1].at, gap))
    needs = find_needs(state, Observed(state.reached, SILENT_S))
    for one, other in pairwise(needs):
        if row_of(one)[0] == row_of(other)[0]:
            assert (one.since, -one.holds_up) <= (other.since, -other.holds_up)
    for need in needs:
        if need.kind in ("silent", "dead"):
            assert need.holds_up == len(need.sessions) - 1
