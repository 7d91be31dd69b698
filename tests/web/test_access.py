"""The page keeps others out, as a browser sees it: its Content-Security-Policy, its key, and another site's page."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.web.looking import opened, sees

INLINE = """() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  document.body.append(script);
  document.body.setAttribute("onclick", "window.ran = true");
  document.body.click();
  const image = document.createElement("img");
  image.src = "https://example.org/leak.png";
  document.body.append(image);
  return window.ran === true;
}"""
FOREIGN = b"""<!doctype html><title>another site</title><form id=f method=post enctype=text/plain action="BASE/api/act">
<input name='{"action":"send","x":"' value='"}'></form><script>
window.done = Promise.allSettled([
  fetch("BASE/api/moment", {credentials: "include"}).then((it) => it.text()),
  fetch("BASE/api/act", {method: "POST", mode: "no-cors", credentials: "include", body: "{}"}).then((it) => it.text()),
  new Promise((yes, no) => {
    const socket = new WebSocket("BASE/api/stream".replace("http", "ws"));
    socket.onopen = () => yes("open");
    socket.onerror = () => no(new Error("closed"));
  }),
]).then((all) => all.map((each) => each.value || ""));
</script>"""


def test_an_injected_script_does_not_run(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    page = context.new_page()
    said: list[str] = []
    leaked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfinished", lambda request: leaked.append(request.url) if "example.org" in request.url else None)
    opened(page, serve())
    assert page.evaluate(INLINE) is False
    page.wait_for_timeout(200)
    stopped = [text for text in said if "Content Security Policy" in text]
    assert len(stopped) >= 3
    assert leaked == []


def test_the_page_without_its_key_shows_nothing(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    repo.shell().ok("coord start --name secret-name")
    server = serve()
    page.goto(server.base)
    page.wait_for_timeout(300)
    assert "secret-name" not in page.content()
    assert page.evaluate("() => fetch('/api/moment').then((it) => it.status)") in (401, 403)


def test_the_key_leaves_the_address(page: Page, serve: Callable[..., PageServer]) -> None:
    server = serve()
    opened(page, server)
    assert server.key not in page.url
    assert server.key not in page.evaluate("() => document.cookie + JSON.stringify(localStorage)")
    page.go_back()
    page.wait_for_timeout(200)
    assert server.key not in page.url


@pytest.fixture
def foreign_site(serve: Callable[..., PageServer]) -> object:
    """Another site on this machine, whose page attacks the server."""
    server = serve()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(FOREIGN.replace(b"BASE", server.base.encode()))

        def log_message(self, *words: object) -> None:
            """Print nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=site.serve_forever, daemon=True).start()
    yield server, f"http://127.0.0.1:{site.server_port}/"
    site.shutdown()
    site.server_close()


def test_another_site_reads_and_changes_nothing(
    context: BrowserContext, foreign_site: tuple[PageServer, str], repo: Repo
) -> None:
    server, address = foreign_site
    opened(context.new_page(), server)  # this browser has the cookie
    before = repo.bytes()
    page = context.new_page()
    page.goto(address)
    assert page.evaluate("() => window.done") == ["", "", ""]
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status))
    page.evaluate("() => document.getElementById('f').submit()")
    page.wait_for_timeout(500)
    assert answers
    assert all(status in (400, 401, 403, 415) for status in answers)
    assert repo.bytes() == before


def test_the_board_without_javascript(browser: object, serve: Callable[..., PageServer], repo: Repo) -> None:
    repo.shell().ok("coord start --name ada")
    server = serve()
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(server.address)
    page.get_by_label("key", exact=False).fill(server.key)
    page.get_by_role("button").first.click()
    page.wait_for_url("**/plain*")
    assert "ada" in page.locator("body").inner_text()
    context.close()


def test_two_browsers_and_two_tabs_show_the_same(
    browser: object, context: BrowserContext, serve: Callable[..., PageServer], repo: Repo
) -> None:
    server = serve()
    other = browser.new_context()  # type: ignore[attr-defined]
    pages = [opened(each, server) for each in (context.new_page(), context.new_page(), other.new_page())]
    repo.shell().ok("coord start --name ada")
    for page in pages:
        sees(page, "ada", "#board")
    other.close()
