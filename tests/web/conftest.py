"""A browser, and a server of the page. All tests here have the marker `web`."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.page_server import PageServer
from tests.support.repositories import Repo

_FLAGS = (
    "--headless --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --no-sandbox"
).split()
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.web)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    return page


@pytest.fixture
def serve(repo: Repo) -> Iterator[Callable[..., PageServer]]:
    """Start `coord web` in the repository, with more words of its command line; it is ended after the test."""
    servers: list[PageServer] = []

    def start(words: str = "", cwd: Path | None = None) -> PageServer:
        servers.append(PageServer(repo, words, cwd))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def steered(repo: Repo, serve: Callable[..., PageServer], page: Page) -> Page:
    """The page of the repository, open."""
    page.goto(serve().address)
    page.locator("#board h2, #board h3, #board section").first.wait_for()
    return page
