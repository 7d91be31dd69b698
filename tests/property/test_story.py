"""`why` accounts for every grant and end of every claim, no more and no less.

What it is compared with is what can be watched: the claims that the fold has at each instant and after each event.
"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import Event, MessageSent
from projections.rules.fold import as_of, fold
from projections.rules.resources import overlap
from projections.rules.state import State
from projections.views.claim_history import (
    ClaimHistoryEntry,
    about_claim,
    about_resources,
    about_session,
    build_claim_history,
    caused_by,
)
from projections.views.receipts import build_receipts
from tests.support.histories import Story, histories, judged

pytestmark = pytest.mark.slow

_BEGINS, _WAITS = {"granted"}, {"waiting"}
_ENDS = {
    *("released", "withdrawn", "expired", "lapsed", "timed_out", "handed_over", "passed_on", "broken", "finished"),
    *("session_ended", "session_dead"),
}
_BY_TIME = {"expired", "lapsed", "timed_out"}
Change = tuple[str, str, str, str]  # what, when, which claim, whose


def told(events: list[Event]) -> list[ClaimHistoryEntry]:
    return build_claim_history(events, judged(events)[1])


def watched(events: list[Event]) -> Counter[Change]:
    """Every claim that appears in the state, or goes from it, and when: seen from outside, instant by instant."""
    state, changes = State(), Counter[Change]()
    before: dict[str, tuple[str, int]] = {}

    def look(at: str) -> None:
        nonlocal before
        now = {claim.id: (claim.session, claim.token) for claim in state.claims.values()}
        for name, (session, _) in before.items():
            if now.get(name) != before[name]:
                changes["end", at, name, session] += 1
        for name, (session, _) in now.items():
            if now[name] != before.get(name):
                changes["grant", at, name, session] += 1
        before = now

    for event in events:
        while state.due <= event.at:
            due = state.due
            as_of(state, due)
            look(due)
        as_of(state, event.at)
        look(event.at)
        fold(state, [event])
        look(event.at)
    return changes


def grants_and_ends(entries: list[ClaimHistoryEntry], waits: set[tuple[str, str, str]]) -> Counter[Change]:
    found = Counter[Change]()
    for entry in entries:
        if entry.what in _BEGINS:
            found["grant", entry.at, entry.claim, entry.session] += 1
        elif entry.what in _ENDS and (entry.claim, entry.at, entry.what) not in waits:
            found["end", entry.at, entry.claim, entry.session] += 1
    return found


def ends_of_waits(entries: list[ClaimHistoryEntry]) -> set[tuple[str, str, str]]:
    """The ends that are those of waits: of what was waiting and was not granted before."""
    waiting: set[str] = set()
    found: set[tuple[str, str, str]] = set()
    for entry in entries:
        if entry.what in _WAITS:
            waiting.add(entry.claim)
        elif entry.what == "granted":
            waiting.discard(entry.claim)
        elif entry.what in _ENDS and entry.claim in waiting:
            waiting.discard(entry.claim)
            found.add((entry.claim, entry.at, entry.what))
    return found


@given(histories())
def test_the_story_has_every_grant_and_every_end_once(events: list[Event]) -> None:
    """Every grant and every end of every claim is in the story exactly once, at its instant and of its session."""
    entries = told(events)
    assert grants_and_ends(entries, ends_of_waits(entries)) == watched(events)


@given(histories())
def test_the_stories_together_are_the_whole_story(events: list[Event]) -> None:
    """Nothing is told that no question brings up, and each question brings up all that is about it."""
    entries = told(events)
    for entry in entries:
        if entry.resource:
            assert entry in about_resources(entries, [entry.resource])
        assert entry in about_session(entries, entry.session)
        assert entry in about_claim(entries, entry.claim)
        if entry.cause:
            assert entry in caused_by(entries, entry.cause)
    for resource in {entry.resource for entry in entries if entry.resource}:
        others = [entry for entry in entries if entry not in about_resources(entries, [resource])]
        assert not any(overlap(resource, entry.resource) for entry in others)


@given(histories())
def test_every_entry_names_its_rule_and_what_brought_it_about(events: list[Event]) -> None:
    """The number of the rule, and an event of that very instant, or time alone."""
    by_id = {event.id: event for event in events}
    entries = told(events)
    over = {entry.at for entry in entries if entry.what in _BY_TIME}
    for entry in entries:
        assert 1 <= entry.rule <= 9
        if not entry.cause:  # time ends something, and lets a waiter in by that alone
            assert entry.what in _BY_TIME or (entry.what == "granted" and entry.at in over)
        if entry.cause:
            assert (by_id[entry.cause].at, by_id[entry.cause].actor) == (entry.at, entry.by)
        if entry.told:
            assert entry.told == by_id[entry.claim].payload.told  # type: ignore[union-attr]


def test_an_acceptance_that_lets_a_waiter_in_is_its_cause() -> None:
    """Who takes up what was never granted waits no longer, and whoever waited behind it alone gets in."""
    history = Story("amber", "brook", "coral")
    history.asks(10, "amber", "file/a")
    early = history.asks(20, "brook", "file/**", "waiting", wait_s=300)
    behind = history.asks(30, "coral", "file/b", "waiting", wait_s=300)
    accepted = history.accepts(40, "brook", early)
    last = told(history.history())[-1]
    assert (last.what, last.claim, last.cause, last.by) == ("granted", behind.id, accepted.id, "brook")


def test_what_a_request_was_told_and_who_was_in_the_way() -> None:
    history = Story("amber", "brook")
    first = history.asks(10, "amber", "file/src/", ttl_s=60)
    second = history.asks(20, "brook", "file/src/app.py", "refused")
    release = history.releases(30, "brook", first)
    entries = told(history.history())
    assert [(e.what, e.claim, e.told, e.rule) for e in entries] == [
        ("granted", first.id, "granted", 2),
        ("refused", second.id, "refused", 2),
        ("nothing", first.id, "", 3),
    ]
    assert [(o.id, o.session, o.resource) for o in entries[1].others] == [(first.id, "amber", "file/src/")]
    assert (entries[2].by, entries[2].cause, entries[2].resource) == ("brook", release.id, "file/src/")


# --- receipts -------------------------------------------------------------------------------------------------------


@given(st.data())
def test_receipts_say_who_has_not_read_and_not_confirmed(data: st.DataObject) -> None:
    """Those who have not read a message are those in whose inbox it still is, and those who have are not."""
    events = data.draw(histories())
    state = fold(State(), events)
    for event in events:
        if not isinstance(event.payload, MessageSent):
            continue
        rows = build_receipts(events, event).rows
        unread = {session.id for session in state.sessions.values() if event.id in session.unread}
        assert {row.session for row in rows if row.status == "unread"} == unread
        for row in rows:
            assert bool(row.at) == (row.status != "unread")
            assert not row.at or row.at >= event.at
        if (message := state.messages.get(event.id)) and event.payload.needs_ack:
            assert not {row.session for row in rows if row.confirmed_at} & message.unacknowledged_by


def test_a_message_is_followed_to_whoever_goes_on() -> None:
    history = Story("amber", "brook", "coral", "dusky")
    message = history.sends(10, "amber", "brook", "coral", "nobody", needs_ack=True)
    history.continues(20, "dusky", "brook")
    read = history.reads(30, "dusky", message)
    confirmed = history.acknowledges(40, "coral", message)
    found = build_receipts(history.history(), message)
    assert [(row.session, row.status, row.by) for row in found.rows] == [
        ("brook", "passed_on", "dusky/2"),
        ("coral", "read", confirmed.id),
        ("dusky", "read", read.id),
    ]
    assert found.rows[0].passed_to == "dusky"
    assert found.rows[1].confirmed_by == confirmed.id
    assert found.unknown == ["nobody"]


@given(histories())
def test_receipts_say_who_has_still_to_confirm(events: list[Event]) -> None:
    """Whoever has to confirm a message and has not, is a recipient or goes on for one, and no receipt says it has."""
    state = fold(State(), events)
    for event in events:
        if not isinstance(event.payload, MessageSent) or not event.payload.needs_ack:
            continue
        rows = build_receipts(events, event).rows
        if message := state.messages.get(event.id):
            open_rows = {row.passed_to or row.session for row in rows if not row.confirmed_at and row.status == "read"}
            unread = {row.session for row in rows if row.status == "unread"}
            assert message.unacknowledged_by <= open_rows | unread


def test_who_goes_on_for_a_reader_confirms_for_it() -> None:
    history = Story("amber", "brook", "dusky")
    message = history.sends(10, "amber", "brook", needs_ack=True)
    history.reads(15, "brook", message)
    history.continues(20, "dusky", "brook")
    confirmed = history.acknowledges(30, "dusky", message)
    (row,) = build_receipts(history.history(), message).rows
    assert (row.session, row.status, row.passed_to, row.confirmed_by) == ("brook", "read", "dusky", confirmed.id)
