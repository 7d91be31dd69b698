"""The history of claims that `coord why` shows has every grant and every end of every claim, and no others.

It is compared with the claims in the state of the fold, observed at each time and after each event. Receipts of
messages are tested in the same way.
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
Change = tuple[str, str, str, str]  # kind, time, claim, session


def entries_of(events: list[Event]) -> list[ClaimHistoryEntry]:
    return build_claim_history(events, judged(events)[1])


def observed_changes(events: list[Event]) -> Counter[Change]:
    """Every claim that appears in the state or disappears from it, and when."""
    state, changes = State(), Counter[Change]()
    before: dict[str, tuple[str, int]] = {}

    def observe(at: str) -> None:
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
            observe(due)
        as_of(state, event.at)
        observe(event.at)
        fold(state, [event])
        observe(event.at)
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
    """The ends of waits: of requests that waited and were not granted."""
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
def test_claim_history_has_every_grant_and_every_end_once(events: list[Event]) -> None:
    """Each grant and each end appears exactly once, with its time and session."""
    entries = entries_of(events)
    assert grants_and_ends(entries, ends_of_waits(entries)) == observed_changes(events)


@given(histories())
def test_every_entry_is_found_by_all_that_it_is_about(events: list[Event]) -> None:
    """Each entry is found by its resource, session, claim and cause, and a search finds all that match."""
    entries = entries_of(events)
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
def test_every_entry_names_its_rule_and_its_cause(events: list[Event]) -> None:
    """The cause is an event of the same time, or there is none, and time alone caused it."""
    by_id = {event.id: event for event in events}
    entries = entries_of(events)
    over = {entry.at for entry in entries if entry.what in _BY_TIME}
    for entry in entries:
        assert 1 <= entry.rule <= 9
        if not entry.cause:  # time ended a claim, which may grant it to a waiter
            assert entry.what in _BY_TIME or (entry.what == "granted" and entry.at in over)
        if entry.cause:
            assert (by_id[entry.cause].at, by_id[entry.cause].actor) == (entry.at, entry.by)
        if entry.told:
            assert entry.told == by_id[entry.claim].payload.told  # type: ignore[union-attr]


def test_an_acceptance_that_unblocks_a_waiter_is_the_cause() -> None:
    """Accepting a claim that was never granted ends the wait, so a request that waited only behind it is granted."""
    history = Story("amber", "brook", "coral")
    history.asks(10, "amber", "file/a")
    early = history.asks(20, "brook", "file/**", "waiting", wait_s=300)
    behind = history.asks(30, "coral", "file/b", "waiting", wait_s=300)
    accepted = history.accepts(40, "brook", early)
    last = entries_of(history.history())[-1]
    assert (last.what, last.claim, last.cause, last.by) == ("granted", behind.id, accepted.id, "brook")


def test_an_entry_has_the_answer_and_what_blocked_the_request() -> None:
    history = Story("amber", "brook")
    first = history.asks(10, "amber", "file/src/", ttl_s=60)
    second = history.asks(20, "brook", "file/src/app.py", "refused")
    release = history.releases(30, "brook", first)
    entries = entries_of(history.history())
    assert [(e.what, e.claim, e.told, e.rule) for e in entries] == [
        ("granted", first.id, "granted", 2),
        ("refused", second.id, "refused", 2),
        ("nothing", first.id, "", 3),
    ]
    assert [(o.id, o.session, o.resource) for o in entries[1].others] == [(first.id, "amber", "file/src/")]
    assert (entries[2].by, entries[2].cause, entries[2].resource) == ("brook", release.id, "file/src/")


# --- receipts -------------------------------------------------------------------------------------------------------


@given(st.data())
def test_receipts_show_who_has_not_read_or_not_confirmed(data: st.DataObject) -> None:
    """A recipient has not read a message if and only if it is still in its inbox."""
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


def test_a_receipt_follows_a_message_to_the_continuing_session() -> None:
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
def test_receipts_show_who_still_has_to_confirm(events: list[Event]) -> None:
    """A session that still has to confirm a message is a recipient or continues one, and its receipt shows that."""
    state = fold(State(), events)
    for event in events:
        if not isinstance(event.payload, MessageSent) or not event.payload.needs_ack:
            continue
        rows = build_receipts(events, event).rows
        if message := state.messages.get(event.id):
            open_rows = {row.passed_to or row.session for row in rows if not row.confirmed_at and row.status == "read"}
            unread = {row.session for row in rows if row.status == "unread"}
            assert message.unacknowledged_by <= open_rows | unread


def test_a_continuing_session_confirms_for_its_predecessor() -> None:
    history = Story("amber", "brook", "dusky")
    message = history.sends(10, "amber", "brook", needs_ack=True)
    history.reads(15, "brook", message)
    history.continues(20, "dusky", "brook")
    confirmed = history.acknowledges(30, "dusky", message)
    (row,) = build_receipts(history.history(), message).rows
    assert (row.session, row.status, row.passed_to, row.confirmed_by) == ("brook", "read", "dusky", confirmed.id)
