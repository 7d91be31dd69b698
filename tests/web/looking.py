"""What the tests look for on the page. A timeout only guards against hanging: no test asserts a duration."""

from typing import Any

from playwright.sync_api import Locator, Page

from tests.support.page_server import PageServer

GUARD_MS = 20_000
_SEES = """([text, part]) => [...document.querySelectorAll(part)].some(
  (each) => each.innerText.replace(/\\s+/g, " ").includes(text))"""


def sees(page: Page, text: str, part: str = "main") -> None:
    """Wait until a part of the page shows a text."""
    page.wait_for_function(_SEES, arg=[text, part], timeout=GUARD_MS, polling=10)


def misses(page: Page, text: str, part: str = "main") -> None:
    """Wait until a part of the page does not show a text."""
    page.wait_for_function(f"(given) => !({_SEES})(given)", arg=[text, part], timeout=GUARD_MS, polling=10)


def opened(page: Page, server: PageServer, hash_: str = "") -> Page:
    """Open the page with its key, and wait until it shows the board. `hash_` is then the fragment of the address."""
    page.goto(server.address)
    page.locator("#board h2").wait_for()
    if hash_:
        page.goto(f"{server.base}/#{hash_}")
    return page


def moment(page: Page, at: str = "", step: int = 0) -> dict[str, Any]:
    """Return a moment document as the server gives it."""
    query = f"?at={at}&step={step}".replace("+", "%2B")
    document: dict[str, Any] = page.evaluate("(query) => fetch('/api/moment' + query).then((it) => it.json())", query)
    return document


def need(page: Page, text: str) -> Locator:
    """Return the row of a need that contains a text."""
    return page.locator("#needs li", has_text=text).first
