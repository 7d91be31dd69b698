"""Imported events change nothing for local sessions: whatever they contain, the local sessions, claims, waits, inboxes
and notices are the same as without them.
"""

import msgspec
from hypothesis import given
from msgspec.structs import replace

from eventlog.events import Event, Imported, MessageSent, add_time
from eventlog.order import merge
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from projections.views.intervals.analysis import analyze_history
from projections.views.receipts import build_receipts
from tests.support.histories import Story, histories


def local_part(state: State) -> object:
    """The part of a state that belongs to local sessions."""
    sessions = [session for session in state.sessions.values() if session.status != "imported"]
    claims = [claim for claim in state.claims.values() if not claim.imported]
    waits = [wait for wait in state.waits.values() if not wait.imported]
    pending = [message for message in state.messages.values() if message.unread_by or message.unacknowledged_by]
    return msgspec.to_builtins((sessions, claims, waits, pending, state.token), order="deterministic")


@given(histories(stray=True))
def test_imported_events_change_nothing_for_local_sessions(events: list[Event]) -> None:
    state, without = State(), State()
    for event in events:
        fold(state, [event])
        if event.imported:
            as_of(without, event.at)
        else:
            fold(without, [event])
        assert local_part(state) == local_part(without), event
    end = add_time(events[-1].at, 1000)
    assert local_part(as_of(state, end)) == local_part(as_of(without, end))


@given(histories(stray=True))
def test_an_imported_session_is_never_live_and_gets_no_messages(events: list[Event]) -> None:
    state = State()
    local: set[str] = set()
    for event in events:
        fold(state, [event])
        local |= {event.session} if not event.imported else set()
        for session in state.sessions.values():
            assert (session.status == "imported") == (session.id not in local)
            if session.id not in local:
                assert not session.live
                assert not session.unread
                assert not session.notices
                assert not session.continued_by
        assert state.events == events.index(event) + 1


@given(histories(stray=True))
def test_imported_and_local_claims_stay_separate(events: list[Event]) -> None:
    """Imported and local claims exist side by side, and a claim never changes from one kind to the other."""
    by_id = {event.id: event for event in events}
    state, decisions = State(), list[Decision]()
    for event in events:
        fold(state, [event], decisions.append)
        for claim in state.claims.values():
            assert claim.imported == bool(by_id[claim.id].imported)
            assert claim.imported == (state.sessions[claim.session].status == "imported")
            assert claim.imported == (claim.token == 0)
    for said in decisions:
        for other in said.others if said.what != "lost" else ():  # a lost claim may name one that its session never had
            assert bool(by_id[said.claim].imported) == bool(by_id[other].imported)


def test_a_local_session_replaces_an_imported_one_of_its_name() -> None:
    """The local session starts with nothing: the claims of the imported session have ended."""
    story = Story()
    asked = story.asks(1, "import-k3f9", "port/1")
    mark = Imported(path="a.claim", digest="0", acted_as="amber")
    story.events = [replace(asked, imported=mark)]
    before = story.state()
    assert (before.sessions["amber"].status, list(before.claims)) == ("imported", [asked.id])
    story.beats(2, "amber", "builds")
    after = story.state()
    assert (after.sessions["amber"].status, list(after.claims)) == ("live", [])
    assert after.sessions["amber"].started_at == after.at


def image(state: State) -> tuple[bytes, list[str], list[str]]:
    return msgspec.msgpack.encode(state.sessions, order="deterministic"), list(state.claims), list(state.recent)


@given(histories(stray=True))
def test_a_file_imported_on_two_machines_counts_once(events: list[Event]) -> None:
    """Merging the journals of two imports of one folder gives the same as one of them."""
    again = [replace(event, session="import-zzzz") for event in events if event.imported]
    once, twice = fold(State(), events), fold(State(), merge([events, again]))
    assert twice.events == once.events + len(again)
    names = {event.id: event.id.replace("import-zzzz", "import-k3f9") for event in again}
    assert [names.get(name, name) for name in twice.recent] == once.recent
    assert {names.get(name, name) for name in twice.claims} == set(once.claims)
    assert twice.sessions.keys() == once.sessions.keys()


@given(histories(stray=True))
def test_ignored_imported_events_appear_only_in_the_log(events: list[Event]) -> None:
    """Reports, timelines and receipts use only the events that the fold accepts."""
    found = analyze_history(events, events[-1].at)
    kept = {event.id for event in found.events}
    state = State()
    for event in events:
        as_of(state, event.at)
        before = image(state)
        fold(state, [event])
        if event.id not in kept:
            assert event.imported
            assert image(state) == before, event
    for event in events:
        if isinstance(event.payload, MessageSent):
            rows = build_receipts(events, event).rows
            assert not {row.confirmed_by for row in rows} - {""} - kept
