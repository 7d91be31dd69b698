"""The connection of the page: one for all tabs of a browser, hidden and shown tabs, and a server that returns."""

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.web.fakes import NOW, FakeServer, mark, moment, timeline

LATER = "2026-11-22T23:40:00.000000Z"
HIDE = """hidden => {
  Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => hidden ? 'hidden' : 'visible'});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', {get: () => undefined})"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.kill()


def open_tab(context: BrowserContext, server: FakeServer) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    page.goto(server.address)
    expect(page.locator("#folder")).to_have_text("shop")
    return page


def append(server: FakeServer, n: int, needs: int = 0) -> None:
    """Send an event: it is mark number `n` of the timeline."""
    rows = {f"m{n}": mark("refused", f"s-1/{n}", f"2026-11-22T20:00:{n % 60:02d}.000000Z")}
    change = timeline(reset=False, until=LATER, marks=rows)
    server.send({"moment": moment(LATER, f"s-1/{n}", needs=needs), "timeline": change}, f"{n}/s-1/{n}")


def expect_marks(page: Page, count: int) -> None:
    expect(page.locator(".controls .count")).to_have_text(str(count) if count else "none")


def test_two_tabs_share_one_connection(context: BrowserContext, server: FakeServer) -> None:
    first = open_tab(context, server)
    append(server, 10)
    expect_marks(first, 1)
    second = open_tab(context, server)
    expect_marks(second, 1)
    append(server, 11, needs=2)
    for page in (first, second):
        expect_marks(page, 2)
        expect(page).to_have_title("(2) coord · shop")
    assert server.opened == [""]
    assert server.most == 1


def test_the_other_tab_leads_when_the_first_is_closed(context: BrowserContext, server: FakeServer) -> None:
    first, second = open_tab(context, server), open_tab(context, server)
    append(server, 10)
    expect_marks(second, 1)
    server.first = lambda after: ("10/s-1/10", {"moment": moment(), "timeline": timeline(reset=after != "10/s-1/10")})
    first.close()
    server.wait(lambda: len(server.opened) == 2)
    assert server.opened[1] == "after=10%2Fs-1%2F10"
    append(server, 11)
    expect_marks(second, 2)
    server.wait(lambda: len(server.streams) == 1)


def test_hidden_tabs_get_only_what_needs_the_person(context: BrowserContext, server: FakeServer) -> None:
    first, second = open_tab(context, server), open_tab(context, server)
    append(server, 10)
    expect_marks(second, 1)
    first.evaluate(HIDE, True)
    append(server, 11)
    expect_marks(second, 2)
    assert server.opened == [""]
    second.evaluate(HIDE, True)
    server.wait(lambda: server.opened == ["", "only=needs"])
    server.wait(lambda: len(server.streams) == 1)
    server.send({"count": 5, "notify": [{"id": "a", "text": "amber asks you", "urgent": True}]}, event="needs")
    for page in (first, second):
        expect(page).to_have_title("(5) coord · shop")
    server.first = lambda _after: ("9000/s-1/9000", {"moment": moment(needs=1), "timeline": timeline(marks={})})
    second.evaluate(HIDE, False)
    server.wait(lambda: server.opened[2:] == ["after=11%2Fs-1%2F11"])
    for page in (first, second):
        expect(page).to_have_title("(1) coord · shop")
        expect_marks(page, 0)
    server.wait(lambda: len(server.streams) == 1)
    assert server.most <= 2, "the server may notice the end of a stream only after the next began"


def test_a_new_tab_wakes_a_hidden_one(context: BrowserContext, server: FakeServer) -> None:
    first = open_tab(context, server)
    first.evaluate(HIDE, True)
    server.wait(lambda: server.opened == ["", "only=needs"])
    second = open_tab(context, server)
    server.wait(lambda: server.opened == ["", "only=needs", "after=9%2Fs-1%2F9"])
    append(server, 10)
    expect_marks(second, 1)
    second.close()
    server.wait(lambda: server.opened[3:] == ["only=needs"])


def test_a_tab_that_does_not_answer_loses_the_lead(context: BrowserContext, server: FakeServer) -> None:
    """A frozen tab keeps its lock, so the tab that waits for it takes the lock away."""
    frozen = open_tab(context, server)
    frozen.evaluate("""() => {
        window.real = BroadcastChannel.prototype.postMessage;
        BroadcastChannel.prototype.postMessage = () => {};
    }""")
    second = open_tab(context, server)
    server.wait(lambda: len(server.opened) == 2)
    frozen.evaluate("() => { BroadcastChannel.prototype.postMessage = window.real; }")
    server.wait(lambda: len(server.streams) == 1)
    append(server, 10)
    expect_marks(second, 1)
    expect_marks(frozen, 1)


def test_without_locks_each_tab_has_its_own_connection(context: BrowserContext, server: FakeServer) -> None:
    context.add_init_script(WITHOUT_LOCKS)
    first, second = open_tab(context, server), open_tab(context, server)
    append(server, 10)
    expect_marks(first, 1)
    expect_marks(second, 1)
    assert server.opened == ["", ""]
    first.evaluate(HIDE, True)
    server.wait(lambda: server.opened[2:] == ["only=needs"])


def test_a_server_that_is_started_again_misses_nothing(context: BrowserContext, server: FakeServer) -> None:
    first, second = open_tab(context, server), open_tab(context, server)
    append(server, 10)
    expect_marks(first, 1)
    server.kill()
    for page in (first, second):
        expect(page.locator("#problems")).to_contain_text(re.compile(r"Not connected since \d\d:\d\d, trying again\."))
        expect(page).to_have_title("(not connected) coord · shop")
    again = FakeServer(server.port)
    rows = {f"m{n}": mark("lost", f"s-1/{n}", NOW) for n in (10, 11, 12)}
    again.first = lambda after: (
        "12/s-1/12",
        {"moment": moment(needs=1), "timeline": timeline(reset=not after, marks=rows)},
    )
    for page in (first, second):
        expect_marks(page, 3)
        expect(page.locator("#problems")).to_be_empty()
        expect(page).to_have_title("(1) coord · shop")
    assert again.opened[-1] == "after=10%2Fs-1%2F10"
    assert again.most == 1
    again.kill()


def test_a_short_interruption_is_not_shown(context: BrowserContext, server: FakeServer) -> None:
    page = open_tab(context, server)
    page.evaluate("""() => {
        window.told = [];
        const observer = new MutationObserver(() => window.told.push(document.title));
        observer.observe(document.head, {subtree: true, childList: true});
    }""")
    server.drop()
    server.wait(lambda: len(server.opened) == 2)
    append(server, 10)
    expect_marks(page, 1)
    assert not any("not connected" in title for title in page.evaluate("window.told"))


def test_an_error_of_the_server_is_shown(context: BrowserContext, server: FakeServer) -> None:
    page = open_tab(context, server)
    server.status, server.message = 503, "The folder /shop is gone."
    server.drop()
    expect(page.locator("#problems")).to_contain_text("trying again. The folder /shop is gone.")
    server.status = 200
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#problems")).to_be_empty()
    append(server, 10)
    expect_marks(page, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_browser_that_may_not_read_stops_trying(context: BrowserContext, server: FakeServer, status: int) -> None:
    first, second = open_tab(context, server), open_tab(context, server)
    server.status, server.message = status, "no cookie"
    server.drop()
    for page in (first, second):
        expect(page.locator("#problems")).to_contain_text("Open the address that coord web printed.")
    seen = len(server.opened)
    server.status = 200
    first.wait_for_timeout(1500)
    assert len(server.opened) == seen
    second.get_by_role("button", name="Try again").click()
    server.wait(lambda: len(server.opened) == seen + 1)
    for page in (first, second):
        expect(page.locator("#problems")).to_be_empty()


@pytest.mark.parametrize("data", ["{broken", "null"])
def test_events_that_cannot_be_read_are_asked_for_again(page: Page, server: FakeServer, data: str) -> None:
    """The page reports the error to the browser's console, and asks for what follows the last state that it has."""
    page.add_init_script("window.reportError = () => {}")
    page.goto(server.address)
    expect(page.locator("#folder")).to_have_text("shop")
    with server.lock:
        for _query, queue in server.streams:
            queue.put(f"event: state\nid: 10/s-1/10\ndata: {data}\n\n".encode())
    server.wait(lambda: server.opened == ["", "after=9%2Fs-1%2F9"])
    append(server, 10)
    expect_marks(page, 1)


def test_a_link_to_a_moment_waits_for_the_server(context: BrowserContext, server: FakeServer) -> None:
    gate = threading.Event()
    server.moments = lambda at, _step: (gate.wait(5), moment("2026-11-22T20:00:00.000000Z", at))[1]
    page = context.new_page()
    page.goto(f"{server.address}#at=s-1/4")
    gate.set()
    expect(page.locator("#now [role=status]")).to_contain_text("20:00:00, 3 h 30 min ago")
    assert page.evaluate("location.hash") == "#at=s-1/4"
