"""The board by example: which sessions it shows with which status, and what needs attention."""

import pytest

from coord.render.format import session_label
from eventlog.events import EVERYONE, MessageSent, SessionStarted, Urgency
from projections.views.board import Board, build_board, names_on
from tests.support.histories import Story, anchor, at

SILENT_S = 1800.0


def shown(story: Story, second: float, **gone: str) -> Board:
    return build_board(story.state(second), at(second), SILENT_S, gone)


def needs(story: Story, second: float, **gone: str) -> list[tuple[str, str]]:
    return [(need.kind, need.session) for need in shown(story, second, **gone).needs]


def test_a_silent_session_needs_attention_if_it_holds_a_claim() -> None:
    story = Story("amber", "brown")
    story.beats(1, "amber")
    story.asks(1.5, "brown", "port/1", ttl_s=7200)
    for second, status in ((SILENT_S + 1 - 0.000001, "live"), (SILENT_S + 1, "silent")):
        assert {row.id: row.status for row in shown(story, second).sessions}["amber"] == status
    assert needs(story, SILENT_S + 1.4) == []
    assert needs(story, SILENT_S + 1.5) == [("silent", "brown")]


def test_an_unrecorded_death_needs_attention_if_it_held_a_claim() -> None:
    story = Story("amber", "brown")
    story.asks(1, "brown", "port/1")
    rows = {row.id: row for row in shown(story, 2, amber="gone", brown="its process is gone").sessions}
    assert [rows[name].status for name in ("amber", "brown")] == ["dead", "dead"]
    assert rows["brown"].evidence == "its process is gone"
    assert [claim.holder_gone for claim in shown(story, 2, brown="its process is gone").claims] == [
        rows["brown"].evidence
    ]
    assert needs(story, 2, amber="gone", brown="its process is gone") == [("dead", "brown")]


def test_an_ended_session_is_not_shown_as_dead() -> None:
    story = Story("amber", "brown")
    story.ends(1, "amber", "done")
    assert [row.status for row in shown(story, 2, amber="gone").sessions] == ["live", "ended"]


def test_only_a_live_session_is_shown_as_blocked() -> None:
    story = Story("amber", "brown", "coral")
    for name in ("amber", "brown", "coral"):
        story.beats(1 + len(name) / 100, name, "waits", blocked_on="the key")
    story.presumes_dead(2, "amber", "brown", anchor(2))
    story.ends(3, "coral")
    assert needs(story, 4) == [("blocked", "amber")]
    assert story.state().sessions["coral"].doing.blocked_on == "", "an ended session is not blocked"


def test_a_loss_needs_attention_until_it_is_read() -> None:
    story = Story("amber", "brown")
    story.asks(1, "amber", "port/1")
    lost = story.asks(2, "brown", "port/1", "granted")
    assert needs(story, 3) == [("lost", "brown")]
    story.presumes_dead(4, "amber", "brown", anchor(2))
    assert needs(story, 5) == []
    story.reads(6, "brown", lost)
    assert needs(story, 7) == []


@pytest.mark.parametrize(("urgency", "needed"), [("high", True), ("normal", False), ("low", False)])
def test_only_an_urgent_unacknowledged_message_needs_attention(urgency: Urgency, needed: bool) -> None:
    story = Story("amber", "brown", "coral")
    story.tell(1, "amber", MessageSent(to=EVERYONE, subject="stop", urgency=urgency, needs_ack=True))
    story.tell(2, "amber", MessageSent(to=EVERYONE, subject="stop", urgency=urgency))
    assert needs(story, 3) == [("unacknowledged", "amber")] * needed
    sent = story.events[-2]
    story.acknowledges(4, "brown", sent)
    story.reads(5, "coral", sent)
    assert needs(story, 6) == [("unacknowledged", "amber")] * needed
    story.acknowledges(7, "coral", sent)
    assert needs(story, 8) == []


def test_a_session_that_ended_leaves_the_board_after_an_hour() -> None:
    story = Story("amber", "brown")
    story.ends(10, "brown")
    assert [row.id for row in shown(story, 3609.999999).sessions] == ["amber", "brown"]
    assert [row.id for row in shown(story, 3610).sessions] == ["amber"]


def test_a_limited_board_shows_some_rows_of_the_complete_one() -> None:
    names = [f"{word}-{number}" for number in range(6) for word in ("amber", "brown", "coral")]
    story = Story(*names)
    for number, name in enumerate(names):
        story.tell(1 + number / 10, name, SessionStarted(machine="north", name=f"twin-{number % 9}"))
        story.asks(3 + (number * 7 % 18) / 10, name, f"port/{number}")
        story.beats(6 + (number * 5 % 18) / 10, name, "waits", blocked_on="the key")
    for number in range(4):
        story.asks(10 + number, names[number], f"port/{number + 1}", "waiting", wait_s=60)
    story.ends(15, names[0])
    gone = {names[1]: "its process is gone", names[2]: "its process is gone"}
    complete = build_board(story.state(20), at(20), SILENT_S, gone)
    assert (complete.most, complete.counts.here, complete.counts.sessions) == (None, 15, 18)
    for most in (1, 2, 5, 30):
        board = build_board(story.state(20), at(20), SILENT_S, gone, most=most)
        assert board.counts == complete.counts
        assert [row for row in complete.sessions if row in board.sessions] == board.sessions
        assert [row for row in complete.claims if row in board.claims] == board.claims
        assert (board.waiting, board.needs) == (complete.waiting[:most], complete.needs[:most])
        here = [row for row in board.sessions if row.id not in gone and row.status == "live"]
        assert len(here) == min(most, complete.counts.here)
        assert max(row.last_at for row in here) == max(row.last_at for row in complete.sessions if row.status == "live")
        newest = sorted(complete.claims, key=lambda row: row.granted_at)[-most:]
        assert {row.id for row in board.claims} == {row.id for row in newest}
        known, whole = names_on(board), names_on(complete)
        assert all(session_label(session, known) == session_label(session, whole) for session in known)
