"""A browser, and a server of the page. All tests here have the marker `web`."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. At the end, no script has failed, the Content-Security-Policy has stopped nothing, and everything was
    loaded from this machine.
    """
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"a script failed: {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda request: None if _is_local(request.url) else wrong.append(f"it loaded {request.url}"))
    yield page
    assert wrong == []


def _is_local(url: str) -> bool:
    return url.startswith(("data:", "blob:", "file:", "about:")) or urlsplit(url).hostname in ("127.0.0.1", "localhost")


@pytest.fixture
def serve(repo: Repo) -> Iterator[Callable[..., PageServer]]:
    """Start `coord web` in the repository, with more words of its command line; it is ended after the test."""
    servers: list[PageServer] = []

    def start(words: str = "", **given: Any) -> PageServer:
        servers.append(PageServer(repo, words, **given))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
