"""The page is usable by everyone: on a phone, by keyboard alone, with a screen reader, and without motion."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.web.looking import misses, opened, sees
from tests.web.test_past import the_night

WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOVES = """() => document.getAnimations().filter((each) => each.playState === "running").length
  + [...document.querySelectorAll("*")].filter((each) => {
      const style = getComputedStyle(each);
      return style.transitionDuration.split(",").some((time) => parseFloat(time) > 0.011)
        || (style.animationName !== "none" && parseFloat(style.animationDuration) > 0.011);
    }).length"""


def busy(repo: Repo) -> None:
    """Fill the board with sessions, claims, messages and things that need the person."""
    ada, ben = repo.shell(), repo.shell()
    ada.ok("coord start --name ada")
    ben.ok("coord start --name ben-with-a-rather-long-name-that-does-not-fit-on-a-phone")
    ada.ok("coord claim file src/a/very/long/path/that/has/many/folders/and/a/long/name_of_a_module.py 4")
    ben.run("coord claim file src/a/very/long/path/that/has/many/folders/and/a/long/name_of_a_module.py --wait 0")
    ben.ok('coord heartbeat waiting deploy --blocked-on "the Stripe API key"')
    ben.ok('coord send broadcast Blocker "Need the Stripe API key" --urgency high --needs-ack')


def violations(page: Page) -> str:
    """Return what axe-core finds wrong, as text; empty if nothing."""
    results = Axe().run(page)
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(
    browser: Browser, serve: Callable[..., PageServer], repo: Repo, scheme: str, width: int
) -> None:
    busy(repo)
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 800},
        bypass_csp=True,  # axe-core is a script that the tests inject
    )
    page = opened(context.new_page(), serve())
    sees(page, "Stripe API key", "#needs")
    assert violations(page) == "", "the page"
    page.locator("#board a[data-about]").first.click()
    page.locator("#drawer .story li, #drawer .story p").first.wait_for()
    assert violations(page) == "", "with a story"
    page.keyboard.press("Escape")
    page.locator("#needs li button").first.click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == "", "with a dialog"
    page.keyboard.press("Escape")
    page.locator("#time [role=slider]").focus()
    page.keyboard.press("ArrowLeft")
    sees(page, "Not live:", "#top")
    assert violations(page) == "", "at a past moment"
    context.close()


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, serve: Callable[..., PageServer], repo: Repo) -> None:
    the_night(repo)
    busy(repo)
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = opened(context.new_page(), serve())
    sees(page, "Stripe API key", "#needs")
    assert page.evaluate(WIDE) <= 0
    page.locator("#board a[data-about]").first.tap()
    page.locator("#drawer .story").wait_for()
    assert page.evaluate(WIDE) <= 0
    page.locator("#drawer .close").tap()
    page.locator("#needs li button").first.tap()
    page.get_by_role("dialog").wait_for()
    assert page.evaluate(WIDE) <= 0
    context.close()


def test_nothing_moves_with_reduced_motion(browser: Browser, serve: Callable[..., PageServer], repo: Repo) -> None:
    busy(repo)
    context = browser.new_context(reduced_motion="reduce")
    page = opened(context.new_page(), serve())
    page.locator("#board a[data-about]").first.click()
    page.locator("#drawer .story").wait_for()
    assert page.evaluate(MOVES) == 0
    context.close()


def focus_by_tab(page: Page, selector: str, limit: int = 120) -> None:
    """Press Tab until an element has the focus, which must be visible."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("(it) => document.activeElement.matches(it)", selector):
            assert page.evaluate("() => document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_the_whole_story_without_a_mouse(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    ben = repo.shell()
    ben.ok("coord start --name ben")
    ben.ok("coord claim file src/app.py")
    ben.ok('coord heartbeat waiting deploy --blocked-on "the Stripe API key"')
    opened(page, serve())
    sees(page, "the Stripe API key", "#needs")
    focus_by_tab(page, "#needs li button")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    focus_by_tab(page, "dialog textarea, [role=dialog] textarea") if not page.evaluate(
        "() => document.activeElement.matches('textarea')"
    ) else None
    page.keyboard.type("It is in the vault.")
    focus_by_tab(page, "dialog button:not([disabled]), [role=dialog] button:not([disabled])")
    while "Send" not in page.evaluate("() => document.activeElement.textContent"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    misses(page, "the Stripe API key", "#needs ul")
    page.keyboard.press("Escape")
    focus_by_tab(page, "#board a[data-about]")
    page.keyboard.press("Enter")
    page.locator("#drawer:not([hidden])").wait_for()
    assert page.evaluate("() => document.getElementById('drawer').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.locator("#drawer").wait_for(state="hidden")
    focus_by_tab(page, "#time [role=slider], #time button")
    page.locator("#time [role=slider]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => location.hash.includes('at=')")
    page.keyboard.press("End")
    page.wait_for_function("() => !location.hash.includes('at=')")
    ben.ok("coord claim file src/later.py")
    sees(page, "src/later.py", "#board")
