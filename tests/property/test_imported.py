"""The past of another place changes nothing for those who are here: whatever is imported, and whatever it claims to be,
the sessions, claims, waits, inboxes and notices of this place are those that there would be without it.
"""

import msgspec
from hypothesis import given
from msgspec.structs import replace

from eventlog.events import Event, Imported, MessageSent, add_time
from eventlog.history import merge
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from projections.views.intervals import analyze_history
from projections.views.receipts import build_receipts
from tests.support.histories import Story, histories


def ours(state: State) -> object:
    """What those who are here can see of it, and have."""
    sessions = [session for session in state.sessions.values() if session.status != "imported"]
    claims = [claim for claim in state.claims.values() if not claim.imported]
    waits = [wait for wait in state.waits.values() if not wait.imported]
    pending = [message for message in state.messages.values() if message.unread_by or message.unacknowledged_by]
    return msgspec.to_builtins((sessions, claims, waits, pending, state.token), order="deterministic")


@given(histories(stray=True))
def test_what_is_imported_disturbs_nobody_who_is_here(events: list[Event]) -> None:
    state, without = State(), State()
    for event in events:
        fold(state, [event])
        if event.imported:
            as_of(without, event.at)
        else:
            fold(without, [event])
        assert ours(state) == ours(without), event
    end = add_time(events[-1].at, 1000)
    assert ours(as_of(state, end)) == ours(as_of(without, end))


@given(histories(stray=True))
def test_an_imported_session_is_never_live_and_has_no_mail(events: list[Event]) -> None:
    state = State()
    ours: set[str] = set()
    for event in events:
        fold(state, [event])
        ours |= {event.session} if not event.imported else set()
        for session in state.sessions.values():
            assert (session.status == "imported") == (session.id not in ours)
            if session.id not in ours:
                assert not session.live
                assert not session.unread
                assert not session.notices
                assert not session.continued_by
        assert state.events == events.index(event) + 1


@given(histories(stray=True))
def test_an_import_holds_only_what_it_brought(events: list[Event]) -> None:
    """Claims of both kinds stand side by side, and none goes over from one side to the other."""
    by_id = {event.id: event for event in events}
    state, decisions = State(), list[Decision]()
    for event in events:
        fold(state, [event], decisions.append)
        for claim in state.claims.values():
            assert claim.imported == bool(by_id[claim.id].imported)
            assert claim.imported == (state.sessions[claim.session].status == "imported")
            assert claim.imported == (claim.token == 0)
    for said in decisions:
        for other in said.others if said.what != "lost" else ():  # which may name what one never had
            assert bool(by_id[said.claim].imported) == bool(by_id[other].imported)


def test_one_of_ours_replaces_an_imported_one_of_its_name() -> None:
    """It begins with nothing: what that one held has ended, and what that one said is not what it said."""
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
def test_a_file_that_two_machines_brought_in_counts_once(events: list[Event]) -> None:
    """The journals of two imports of one folder, put together, say what one of them says."""
    again = [replace(event, session="import-zzzz") for event in events if event.imported]
    once, twice = fold(State(), events), fold(State(), merge([events, again]))
    assert twice.events == once.events + len(again)
    names = {event.id: event.id.replace("import-zzzz", "import-k3f9") for event in again}
    assert [names.get(name, name) for name in twice.recent] == once.recent
    assert {names.get(name, name) for name in twice.claims} == set(once.claims)
    assert twice.sessions.keys() == once.sessions.keys()


@given(histories(stray=True))
def test_what_does_not_count_is_nowhere_but_in_the_log(events: list[Event]) -> None:
    """The account, and so the report and the timeline, and the receipts have it from the fold what counts."""
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
