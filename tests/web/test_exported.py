"""The page of a span in one file, opened from the disk."""

import random
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, TimeoutError

from tests.support.processes import Shell
from tests.support.repositories import Repo
from tests.web.looking import GUARD_MS, sees
from tests.web.test_past import EQUALS, SHOWN, rows, the_night

MOMENTS = 20


def exported(repo: Repo, words: str = "") -> tuple[Path, Shell]:
    """Export the page of the made-up night; the file, and a shell in the repository."""
    the_night(repo)
    shell, file = repo.shell(), repo.home / "night.html"
    shell.ok(f"coord web --export {file} --since '2026-11-22 21:00 UTC' --until '2026-11-23 01:00 UTC' {words}")
    return file, shell


def test_the_file_shows_each_moment_as_the_commands_do(page: Page, repo: Repo) -> None:
    file, shell = exported(repo)
    page.goto(file.as_uri())
    page.locator("#board .line").first.wait_for()
    events = [event for event in repo.events() if "2026-11-22T21:00" < event["at"] < "2026-11-23T01:00"]
    for event in random.Random(19).sample(events, MOMENTS):
        name = f"{event['session']}/{event['n']}"
        claims = rows(shell.ok(f"coord claims --at {name} --limit 200"))
        wanted = {"status": rows(shell.ok(f"coord status --at {name}")), "claims": claims}
        page.evaluate("(at) => { location.hash = '#at=' + encodeURIComponent(at); }", name)
        try:
            page.wait_for_function(EQUALS, arg=wanted, timeout=GUARD_MS)
        except TimeoutError:
            assert page.evaluate(SHOWN) == wanted, name


def test_the_file_has_stories_and_a_search(page: Page, repo: Repo) -> None:
    file, shell = exported(repo)
    page.goto(file.as_uri())
    page.locator("#board .line").first.wait_for()
    session = repo.of_type("session.started")[0]["session"]
    page.evaluate("(about) => { location.hash = '#open=' + encodeURIComponent(about); }", session)
    for line in shell.ok(f"coord why {session} --at '2026-11-23 01:00 UTC'").splitlines()[:2]:
        sees(page, " ".join(line.split()), "#drawer")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type(session[:8])
    page.locator("#search [role=option]").first.wait_for()


def test_nothing_can_be_done_from_the_file(page: Page, repo: Repo) -> None:
    file, _ = exported(repo)
    page.goto(file.as_uri())
    page.locator("#board .line").first.wait_for()
    assert page.locator("#needs button:visible").count() == 0


def test_the_file_runs_no_other_script_and_loads_nothing(context: BrowserContext, repo: Repo) -> None:
    file, _ = exported(repo)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#board .line").first.wait_for()
    ran = """() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return window.ran === true;
    }"""
    assert page.evaluate(ran) is False
    assert page.evaluate("() => fetch('data:text/plain,x').then(() => 'sent', () => 'stopped')") == "stopped"


def test_a_span_that_is_too_long_is_refused(repo: Repo) -> None:
    from tests.web.test_connection import write_events

    write_events(repo, 20_500)
    result = repo.shell().run(f"coord web --export {repo.home}/night.html")
    assert result.code == 2
    assert "at most 20000" in result.err
    assert "--since" in result.err
    assert not (repo.home / "night.html").exists()


def test_the_report_writes_the_same_page(page: Page, repo: Repo) -> None:
    the_night(repo)
    file = repo.home / "night.html"
    span = "--since '2026-11-22 21:00 UTC' --until '2026-11-23 01:00 UTC'"
    assert "Wrote" in repo.shell().ok(f"coord report {span} --html {file}")
    page.goto(file.as_uri())
    page.locator("#board .line").first.wait_for()
