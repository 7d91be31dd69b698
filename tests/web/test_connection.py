"""The connection of the page: one for all tabs, no missed event after a restart, and quick catching up."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import BrowserContext, Page

from benchmarks.history import Author
from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.web.looking import opened, sees

_GAP_MICROS = 100
HIDE = """(hidden) => {
  const values = { hidden, visibilityState: hidden ? "hidden" : "visible" };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(document, name, { configurable: true, get: () => value });
  }
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def connections(server: PageServer) -> int:
    """The number of open connections to the server."""
    port = int(server.base.rpartition(":")[2])
    rows = [line.split() for name in ("tcp", "tcp6") for line in _rows(name)]
    return sum(row[3] == "01" and int(row[1].rpartition(":")[2], 16) == port for row in rows)


def write_events(repo: Repo, count: int) -> None:
    """Write events of twenty sessions of another machine. They end now."""
    time.sleep(count * _GAP_MICROS / 1e6 + 0.5)  # so that they are later than what the page shows
    Author(str(repo.log)).write(count, time.time_ns() // 1000, gap=_GAP_MICROS)


def _rows(name: str) -> list[str]:
    with suppress(OSError), open(f"/proc/net/{name}") as file:
        return file.read().splitlines()[1:]
    return []


def test_a_restarted_server_is_found_and_nothing_is_missed(
    page: Page, serve: Callable[..., PageServer], repo: Repo
) -> None:
    server = serve()
    opened(page, server)
    shell = repo.shell()
    shell.ok("coord start --name ada")
    sees(page, "ada", "#board")
    server.kill()
    shell.ok("coord claim droplet written-while-it-was-down 4")
    sees(page, "Not connected", "#problems")
    server.start()
    sees(page, "written-while-it-was-down", "#board")
    shell.ok("coord claim droplet written-later 4")
    sees(page, "written-later", "#board")


def test_all_tabs_of_a_browser_share_one_connection(
    context: BrowserContext, serve: Callable[..., PageServer], repo: Repo
) -> None:
    server = serve()
    pages = [opened(context.new_page(), server) for _ in range(3)]
    repo.shell().ok("coord start --name ada")
    for page in pages:
        sees(page, "ada", "#board")
    streams = [each for each in pages if each.evaluate("() => performance.getEntriesByType('resource').length")]
    assert len(streams) == 3
    assert server_streams(server) == 1
    pages[0].close()
    repo.shell().ok("coord start --name ben")
    for page in pages[1:]:
        sees(page, "ben", "#board")
    assert server_streams(server) == 1


def server_streams(server: PageServer) -> int:
    """The number of connections that stay open when nothing is asked: the streams."""
    deadline = time.monotonic() + 15
    while connections(server) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)  # a browser keeps idle connections for some seconds, and the server closes them
    return connections(server)


def test_a_hidden_page_catches_up_with_20000_events(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    server = serve()
    opened(page, server)
    shell = repo.shell()
    shell.ok("coord start --name ada")
    sees(page, "ada", "#board")
    page.evaluate(HIDE, True)
    write_events(repo, 20_000)
    shell.ok("coord claim droplet the-last-one 4")
    page.wait_for_timeout(1000)
    began = time.monotonic()
    page.evaluate(HIDE, False)
    sees(page, "the-last-one", "#board")
    print(f"shown again after 20,000 events: {1000 * (time.monotonic() - began):.0f} ms")
    print(f"the server has used {server.memory_bytes('VmHWM') >> 20} MiB at most")
    print(f"the tab uses {page.evaluate('() => performance.memory.usedJSHeapSize') >> 20} MiB")
    assert server_streams(server) <= 1


def test_a_port_is_closed_after_ctrl_c(serve: Callable[..., PageServer]) -> None:
    server = serve()
    port = int(server.base.rpartition(":")[2])
    server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
