"""Imported events by example: they act as sessions that existed elsewhere, and do not affect present sessions."""

import pytest

from eventlog.events import (
    EVERYONE,
    AnyPayload,
    ClaimBroken,
    ClaimReleased,
    MessageSent,
    SessionEnded,
    SessionStarted,
)
from projections.rules.state import State
from projections.views.board import build_board
from tests.support.histories import Story, at
from tests.support.imported_events import asks, brings_in


def notice_kinds(state: State) -> list[str]:
    return [notice.kind for session in state.sessions.values() for notice in session.notices]


def test_imported_sessions_are_not_live_and_block_no_claim() -> None:
    story = Story("amber")
    brings_in(story, 1, SessionStarted(client="shell-scripts"))
    theirs = brings_in(story, 2, asks("port/1"))
    ours = story.asks(3, "amber", "port/1")
    state = story.state()
    assert (state.sessions["session-1"].status, state.sessions["session-1"].over_at) == ("imported", at(2))
    assert list(state.claims) == [theirs.id, ours.id]
    assert (state.claims[theirs.id].token, state.claims[ours.id].token > 0) == (0, True)


def test_imported_claims_conflict_only_with_each_other() -> None:
    story = Story("amber")
    first = brings_in(story, 1, asks("port/1", ttl_s=60))
    brings_in(story, 2, asks("port/1"), "session-2")
    brings_in(story, 3, asks("port/2", ttl_s=60))
    broken = brings_in(story, 4, asks("port/3"), "session-2")
    assert list(story.state().claims) == [first.id, "import-k3f9/3", broken.id]
    story.breaks(5, "amber", broken)
    assert story.state(200).claims == {}
    assert notice_kinds(story.state(200)) == []


def test_an_imported_session_gets_no_handover_or_continuation() -> None:
    story = Story("amber", "brown")
    theirs = brings_in(story, 1, asks("port/1"))
    held = story.asks(2, "amber", "port/2")
    story.hands_over(3, "amber", held, "session-1")
    story.continues(4, "brown", "session-1")
    brings_in(story, 5, SessionStarted(continues="amber"))
    state = story.state()
    assert state.claims[theirs.id].session == "session-1"
    assert state.claims[held.id].session == "amber"
    assert state.sessions["session-1"].status == "imported"
    assert state.sessions["session-1"].notices == []
    assert state.sessions["amber"].live


def test_imported_messages_and_recipients_have_no_inbox() -> None:
    story = Story("amber", "brown")
    brings_in(story, 1, SessionStarted())
    said = [
        brings_in(story, 2, MessageSent(to=("amber",), subject="hello", needs_ack=True)),
        brings_in(story, 3, MessageSent(to=EVERYONE, subject="hello", needs_ack=True)),
    ]
    sent = [story.sends(4, "amber", "session-1", needs_ack=True), story.sends(5, "amber")]
    state = story.state()
    assert [message.subject for message in state.messages.values()] == ["hello"] * 4
    assert [len(state.messages[event.id].unread_by) for event in (*said, *sent)] == [0, 0, 0, 1]
    assert state.messages[sent[0].id].unacknowledged_by == set()
    assert state.sessions["session-1"].unread == []


@pytest.mark.parametrize("payload", ["release", "break", "end"])
def test_an_import_cannot_act_on_live_sessions_claims(payload: str) -> None:
    story = Story("amber")
    held = story.asks(1, "amber", "port/1")
    acts: dict[str, AnyPayload] = {
        "release": ClaimReleased(claim=held.id),
        "break": ClaimBroken(claim=held.id, reason="old"),
        "end": SessionEnded(),
    }
    for second, acted_as in ((2, "amber"), (3, "session-1")):
        brings_in(story, second, acts[payload], acted_as)
    brings_in(story, 4, SessionStarted(name="zed"), "amber")
    state = story.state()
    assert list(state.claims) == [held.id]
    assert (state.sessions["amber"].live, state.sessions["amber"].name, state.sessions["amber"].last_at) == (
        True,
        "",
        at(1),
    )
    assert "session-1" not in state.sessions


def test_an_imported_file_counts_once_per_path() -> None:
    story = Story("amber")
    first = brings_in(story, 1, asks("port/1"), path="a.claim")
    brings_in(story, 2, asks("port/2"), path="a.claim")
    other = brings_in(story, 3, asks("port/3"), path="b.claim")
    assert list(story.state().claims) == [first.id, other.id]


def test_the_board_shows_an_imported_session_for_an_hour() -> None:
    story = Story("amber")
    brings_in(story, 1, asks("port/1", ttl_s=7200))
    brings_in(story, 2, SessionStarted(), "session-2")
    shown = {}
    for second in (3, 3602, 7201):
        rows = build_board(story.state(second), at(second), 1e9, {}).sessions
        shown[second] = {row.id for row in rows} - {"amber"}
    assert shown == {3: {"session-1", "session-2"}, 3602: {"session-1"}, 7201: set()}
