"""The follower of the log: questions that nobody waits for, and pages that name an unknown state."""

from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest

from coord.servers.web.live.follower import Follower, Reader
from coord.servers.web.live.view import LiveView
from coord.servers.web.moments import MomentMaker
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system
from eventlog.events import NEVER
from tests.support.repositories import Repo


class View:
    """A view that shows the number of times that it was caught up."""

    def __init__(self) -> None:
        self.caught_up, self.may_begin, self.fails = 0, Event(), False
        self.next_change, self.version, self.is_visible = NEVER, 0, False
        self.notifications = SimpleNamespace(set_visible=lambda visible: None)

    def refresh(self) -> None:
        self.may_begin.wait()
        if self.fails:
            raise ValueError("a fault")
        self.caught_up += 1

    def needs(self) -> bytes:
        return b"{}"


@pytest.fixture
def view() -> View:
    return View()


def following(repo: Repo, view: View) -> Follower:
    return Follower(cast(LiveView, view), str(repo.log), real_system().wall)


def test_a_question_that_nobody_waits_for_is_not_answered(
    repo: Repo, view: View, capfd: pytest.CaptureFixture[str]
) -> None:
    follower, asked = following(repo, view), list[str]()
    first = follower.ask(lambda _: asked.append("first"))
    given_up = follower.ask(lambda _: asked.append("given up"))
    last = follower.ask(lambda _: asked.append("last"))
    assert given_up.cancel()
    view.may_begin.set()
    first.result(10)
    last.result(10)
    follower.close()
    assert (asked, view.caught_up) == (["first", "last"], 2)
    assert capfd.readouterr().err == ""


def test_a_question_fails_with_the_view(repo: Repo, view: View) -> None:
    follower, view.fails = following(repo, view), True
    view.may_begin.set()
    with pytest.raises(ValueError, match="a fault"):
        follower.ask(lambda _: None).result(10)
    follower.close()


def test_pages_with_unknown_states_share_one_message(repo: Repo) -> None:
    repo.sessions(1)
    system = real_system()
    workspace = find_workspace(system, str(repo.root))
    view = LiveView(system, workspace, MomentMaker(system, workspace, lambda _: "", read_only=True).present)
    view.refresh()
    whole = view.message("")
    assert all(view.message(after) is whole for after in ("1/nobody/1", "999/x/1", "x", "²/x/1"))
    assert view.message(whole.id) is not whole


@pytest.mark.parametrize("fails", [False, True])
def test_a_hidden_page_never_keeps_the_server_from_its_end(
    repo: Repo, view: View, capfd: pytest.CaptureFixture[str], fails: bool
) -> None:
    """Neither if nothing will ever change by time, nor if the log cannot be read because of a fault."""
    view.fails = fails
    view.may_begin.set()
    follower, shown, ended = following(repo, view), Event(), Event()
    follower.join(Reader(lambda _id, data: shown.set() if data else ended.set(), only_needs=True))
    assert fails or shown.wait(10)
    follower.close()
    assert ended.is_set()
    assert "OverflowError" not in capfd.readouterr().err
