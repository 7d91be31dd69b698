"""The page shows a past moment exactly as `coord status --at` and `coord claims --at` do."""

import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, TimeoutError

from tests.support.page_server import PageServer
from tests.support.repositories import Repo
from tests.web.looking import GUARD_MS, opened

ROOT = Path(__file__).parents[2]
MOMENTS = 50
SHOWN = """() => {
  const texts = (part) => [...document.querySelectorAll(part)].map((each) => each.textContent.replace(/\\s+/g, ""));
  return {
    status: texts("#board .sections :is(h3, .line, .below)"),
    claims: document.querySelector("#board .claims").hidden ? [] : texts("#board .claims :is(.line, .below)"),
  };
}"""
EQUALS = f"(wanted) => JSON.stringify(({SHOWN})()) === JSON.stringify(wanted)"


def the_night(repo: Repo) -> tuple[datetime, datetime]:
    """Put the made-up night of the tutorial into the repository; its beginning and its end."""
    shutil.copytree(ROOT / "docs" / "examples" / "incident" / "COORDINATION" / "log", repo.log, dirs_exist_ok=True)
    times = [datetime.fromisoformat(event["at"].replace("Z", "+00:00")) for event in repo.events()]
    return min(times), max(times)


def test_50_random_moments_are_those_of_the_commands(page: Page, serve: Callable[..., PageServer], repo: Repo) -> None:
    first, last = the_night(repo)
    shell, chance = repo.shell(), random.Random(19)
    opened(page, serve())
    for _ in range(MOMENTS):
        at = first + timedelta(seconds=chance.uniform(0, (last - first).total_seconds()))
        text = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        claims = rows(shell.ok(f"coord claims --at {text} --limit 200"))
        wanted = {"status": rows(shell.ok(f"coord status --at {text}")), "claims": claims}
        page.evaluate("(at) => { location.hash = '#at=' + encodeURIComponent(at); }", text)
        try:
            page.wait_for_function(EQUALS, arg=wanted, timeout=GUARD_MS)
        except TimeoutError:
            assert page.evaluate(SHOWN) == wanted, text


def rows(shown: str) -> list[str]:
    """Return the lines that a command printed, without spaces."""
    return ["".join(row.split()) for row in shown.splitlines() if row.strip()]
