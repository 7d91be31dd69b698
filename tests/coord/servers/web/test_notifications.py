"""Notifications of a browser whose tabs are hidden, as `coord.workspace.notify.decision` decides."""

from typing import Any

import pytest

from coord.servers.web.notifications import Notifications
from coord.workspace.notify.record import is_watched
from eventlog.events import MessageSent, add_time
from projections.views.board import Board, build_board
from tests.support.histories import Story
from tests.support.journals import at
from tests.support.repositories import Repo


class Hour:
    """Sessions that report one blocker after the other, a minute apart."""

    def __init__(self, repo: Repo) -> None:
        self.story = Story(*(f"s{number}" for number in range(8)))
        self.notifications = Notifications(str(repo.folder / ".cache"), str(repo.root))
        self.minute = 0

    def board(self) -> Board:
        state = self.story.state(self.minute * 60 + 1)
        return build_board(state, at(self.minute * 60 + 1), 9000, {})

    def blocks(self, number: int, what: str) -> None:
        self.minute += 1
        self.story.beats(self.minute * 60, f"s{number}", "waiting", blocked_on=what)

    def texts(self, shown: bool = False) -> list[str]:
        return [row["text"] for row in self.notifications.due(self.board(), shown)["notify"]]


def test_each_need_is_told_once_and_stays_until_the_next(repo: Repo) -> None:
    hour = Hour(repo)
    assert hour.notifications.due(hour.board(), False) == {"count": 0, "notify": []}
    hour.blocks(1, "the key")
    first: dict[str, Any] = hour.notifications.due(hour.board(), False)
    assert (first["count"], [row["text"] for row in first["notify"]]) == (1, ["s1 is blocked on the key"])
    assert hour.notifications.due(hour.board(), False) == first, "another browser gets the same"
    hour.blocks(2, "the port")
    assert hour.texts() == ["s2 is blocked on the port"]
    hour.blocks(2, "")
    assert hour.texts() == [], "it has ended"


def test_at_most_four_an_hour_are_not_urgent(repo: Repo) -> None:
    hour = Hour(repo)
    told = []
    for number in range(7):
        hour.blocks(number, f"key {number}")
        told.append(hour.texts())
    assert [texts[0].split()[0] for texts in told] == ["s0", "s1", "s2", "s3", "s3", "s3", "s3"]
    urgently = MessageSent(to=("s1",), subject="Stop", urgency="high", needs_ack=True)
    hour.story.tell(hour.minute * 60 + 0.5, "s7", urgently)
    (urgent,) = hour.notifications.due(hour.board(), False)["notify"]
    assert urgent["urgent"]
    assert urgent["text"].endswith("(and 3 more)")


def test_what_a_visible_page_shows_is_not_told(repo: Repo) -> None:
    hour = Hour(repo)
    hour.blocks(1, "the key")
    assert hour.texts(shown=True) == []
    assert hour.texts() == []
    hour.blocks(2, "the port")
    assert hour.texts() == ["s2 is blocked on the port"]


def test_a_text_of_a_session_is_one_harmless_line(repo: Repo) -> None:
    hour = Hour(repo)
    hour.blocks(1, "<b>\x1b]777;notify;x\x07\n\u202e" + "x" * 9000)
    (text,) = hour.texts()
    assert text.isprintable()
    assert "<" not in text
    assert len(text) < 400


def test_a_visible_page_is_marked_as_a_watch_is(repo: Repo) -> None:
    cache = str(repo.folder / ".cache")
    one, two = Notifications(cache, str(repo.root)), Notifications(cache, str(repo.root))
    assert not is_watched(cache)
    one.set_visible(True)
    two.set_visible(True)
    assert is_watched(cache)
    one.set_visible(False)
    assert is_watched(cache)
    two.set_visible(False)
    assert not is_watched(cache)


@pytest.mark.parametrize("minutes", [50, 61])
def test_what_waited_is_told_in_the_next_hour(repo: Repo, minutes: int) -> None:
    hour = Hour(repo)
    for number in range(5):
        hour.blocks(number, f"key {number}")
        last = hour.texts()
    assert last == ["s3 is blocked on key 3"]
    board = hour.board()
    hour.minute += minutes
    late = build_board(hour.story.state(hour.minute * 60), add_time(board.now, minutes * 60), 9000, {})
    texts = [row["text"] for row in hour.notifications.due(late, False)["notify"]]
    assert texts == (["s4 is blocked on key 4"] if minutes == 61 else ["s3 is blocked on key 3"])
