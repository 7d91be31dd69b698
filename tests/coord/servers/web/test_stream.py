"""The stream of a real server: each page gets every event, also after a restart, a sleep or a change of the log."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeAlias

import pytest

from benchmarks.history import Author
from coord.workspace.system import real_system
from eventlog.events import VERSION, Event, SessionHeartbeat, from_micros, to_micros
from tests.support.journals import writer
from tests.support.page_stream import OpenPage
from tests.support.pages import PageServer, serving
from tests.support.repositories import Repo

OpenPages: TypeAlias = Callable[..., OpenPage]


@pytest.fixture
def server(repo: Repo) -> Iterator[PageServer]:
    repo.sessions(1)
    with serving(repo) as server:
        yield server


@pytest.fixture
def open_page() -> Iterator[OpenPages]:
    """Open a page that is closed after the test."""
    pages: list[OpenPage] = []

    def connect(server: PageServer, query: str = "", **options: bool) -> OpenPage:
        pages.append(OpenPage(server, query, **options))
        return pages[-1]

    yield connect
    for page in pages:
        page.close()


def session_of(repo: Repo) -> str:
    """The id of the oldest session."""
    return str(repo.events()[0]["session"])


def append(repo: Repo, count: int) -> int:
    """Append events of the oldest session at once, and return how many events there are."""
    session = session_of(repo)
    with closing(writer(repo.log, session)) as journal:
        last = max(to_micros(real_system().wall()), to_micros(journal.position.at) + 1)
        made = [(journal.n + i, from_micros(last + i), f"step {journal.n + i}") for i in range(count)]
        journal.extend(
            [
                Event(v=VERSION, at=at, session=session, n=n, payload=SessionHeartbeat(action=action))
                for n, at, action in made
            ]
        )
    return len(repo.events())


def assert_whole(page: OpenPage, server: PageServer) -> None:
    """Check that a page has what a new one gets."""
    fresh = OpenPage(server)
    first = fresh.next()
    assert first.timeline["reset"]
    assert page.tables == fresh.tables
    assert page.id == fresh.id
    fresh.close()


def test_the_first_message_is_whole(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    first = page.next()
    assert (page.retry, first.event, first.timeline["reset"]) == ("1000", "state", True)
    assert first.id == first.timeline["position"] == f"1/{session_of(repo)}/1"
    assert list(first.timeline["tables"]["lanes"]) == [session_of(repo)]
    assert (first.moment["events"], first.moment["problems"]) == (1, [])


def test_each_event_arrives_in_order(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    for count in range(2, 12):
        append(repo, 1)
        message = page.wait_for(count)
        assert not message.timeline["reset"]
        assert message.id == f"{count}/{session_of(repo)}/{count}"
    numbers = [message.moment["events"] for message in page.messages]
    assert numbers == sorted(numbers)
    assert_whole(page, server)


def test_a_burst_arrives_in_few_messages(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    page.wait_for(append(repo, 500))
    assert len(page.messages) < 50
    assert_whole(page, server)


def test_a_page_misses_nothing_when_the_server_is_killed(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    """It gets what changed since its last state, although the new server never sent it that state."""
    page = open_page(server)
    page.next()
    page.wait_for(append(repo, 3))
    server.end(signal.SIGKILL)
    count = append(repo, 5)
    with serving(repo) as restarted:
        page.connect(restarted)
        message = page.wait_for(count)
        assert not message.timeline["reset"]
        assert_whole(page, restarted)


def test_a_page_that_slept_gets_what_changed(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    """The state can also be named in the address, as a page that was hidden does it."""
    page = open_page(server)
    page.next()
    page.close()
    count = append(repo, 5)
    page.query = f"?after={page.id}"
    page.id = ""
    page.connect(server)
    message = page.wait_for(count)
    assert not message.timeline["reset"]
    assert_whole(page, server)


@pytest.mark.slow
def test_a_page_can_sleep_for_20000_events(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    page.close()
    now = to_micros(real_system().wall())
    Author(str(repo.log), machine=real_system().here.machine).write(20_000, now, gap=1)
    page.connect(server)
    message = page.wait_for(20_001)
    assert not message.timeline["reset"]
    assert_whole(page, server)


@pytest.mark.parametrize("after", ["1/other/1", "2/x/1", "-1/x/1", "1", "/", "9" * 400, "1/x/1/2026", "%00"])
def test_an_unknown_state_gets_everything(server: PageServer, after: str, open_page: OpenPages) -> None:
    page = open_page(server, f"?after={after}")
    assert page.next().timeline["reset"]


def test_many_pages_get_every_event(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    pages = [open_page(server) for _ in range(40)]
    count = append(repo, 3)
    for page in pages:
        page.wait_for(count)
        assert page.tables == pages[0].tables
        assert page.id == pages[0].id


def test_a_slow_page_gets_the_newest_state(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    """Messages that it has not taken do not accumulate: it gets few, and the last one is the newest state."""
    slow, quick = open_page(server, receives_little=True), open_page(server)
    for _ in range(30):
        count = append(repo, 1)
        quick.wait_for(count)
    slow.wait_for(count)
    assert len(slow.messages) <= len(quick.messages)
    assert slow.tables == quick.tables


def test_a_hidden_browser_gets_only_what_needs_its_person(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server, "?only=needs")
    first = page.next()
    assert (first.event, first.id) == ("needs", "")
    assert first.data["count"] == len(first.data["notify"])


def test_a_page_is_told_that_the_folder_was_removed(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    shutil.move(repo.folder, repo.root / "moved")
    while not (problems := page.next().moment["problems"]):
        pass
    assert "was removed" in problems[0]
    assert page.tables["lanes"]
    shutil.move(repo.root / "moved", repo.folder)
    while page.next().moment["problems"]:
        pass
    page.wait_for(append(repo, 1))
    assert_whole(page, server)


def test_a_page_follows_a_log_that_begins(repo: Repo, open_page: OpenPages) -> None:
    shutil.rmtree(repo.log)
    with serving(repo) as server:
        page = open_page(server)
        first = page.next()
        assert (first.moment["events"], page.tables["lanes"]) == (0, {})
        ((_, session),) = repo.sessions(1)
        while session not in page.tables["lanes"]:
            page.next()
        assert_whole(page, server)


def test_a_rewritten_journal_resets_the_page(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    page.wait_for(append(repo, 3))
    path = repo.log / f"{session_of(repo)}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    while page.next().moment["events"] != 2:
        pass
    assert page.messages[-1].timeline["reset"]
    assert_whole(page, server)


def test_a_damaged_journal_is_shown(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    page = open_page(server)
    page.next()
    page.wait_for(append(repo, 3))
    session = session_of(repo)
    path = repo.log / f"{session}.jsonl"
    with path.open("ab") as file:
        file.write(b"this is no event\n")
    while not (problems := page.next().moment["problems"]):
        pass
    assert session in problems[0]


def test_a_page_of_a_folder_that_cannot_be_written(repo: Repo, open_page: OpenPages) -> None:
    repo.sessions(1)
    append(repo, 2)
    shutil.rmtree(repo.folder / ".cache")
    os.chmod(repo.folder, 0o555)
    try:
        with serving(repo) as server:
            page = open_page(server)
            assert page.next().moment["events"] == 3
            page.wait_for(append(repo, 1))
    finally:
        os.chmod(repo.folder, 0o755)


def test_an_earlier_part_ends_where_the_page_begins(repo: Repo, server: PageServer) -> None:
    append(repo, 3)
    times = [event["at"] for event in repo.events()]
    answer = server.get(f"/api/timeline?until={times[1]}")
    assert answer.status == 200
    assert (answer.json["since"], answer.json["until"], answer.json["earlier"]) == (times[0], times[1], False)
    assert answer.json["tables"]["lanes"][session_of(repo)]["last_at"] == times[1]
    assert server.get("/api/timeline?until=soon").status == 400


def test_a_page_that_disconnects_costs_nothing(repo: Repo, server: PageServer, open_page: OpenPages) -> None:
    """Without an open page, the log is not even read: the next page still gets everything."""
    pages = [open_page(server) for _ in range(5)]
    for page in pages:
        page.next()
        page.close()
    count = append(repo, 20)
    page = open_page(server)
    assert page.next().moment["events"] == count
