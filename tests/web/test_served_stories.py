"""The board, a story and the search on the page of a real folder, with the words of the commands."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.page_server import PageServer
from tests.support.repositories import Repo


def test_the_page_has_the_words_of_the_commands(repo: Repo, page: Page, serve: Callable[..., PageServer]) -> None:
    (ada, one), (ben, two) = repo.sessions(2)
    ada.run("coord claim file src/ --note 'landing page'")
    refused = ben.run("coord claim file src/app.py")
    assert refused.code == 1
    ben.run(f"coord send {one} Question 'Is the <b>Stripe</b> key there?'")
    page.goto(serve().address)
    claim = page.locator("#board").get_by_role("link", name="file/src/ - ").first
    expect(claim).to_have_text(re.compile(rf"^file/src/ - {one} · since .* · until .* · for: landing page$"))
    claim.click()
    why = ada.run("coord why file/src/").out
    steps = page.locator("#drawer .step .what")
    expect(steps).to_have_count(2)
    for text in steps.all_text_contents():
        assert text.partition(" — ")[0] in why
    page.locator("#drawer").get_by_role("link", name=f"{two}/2").first.click()
    expect(page.locator("#drawer .title")).to_have_text("file/src/app.py")
    page.keyboard.press("Escape")
    page.locator("#search-text").fill("stripe")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("Is the <b>Stripe</b> key there?")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .said")).to_have_text("Is the <b>Stripe</b> key there?")
    ada.run("coord inbox")
    expect(page.locator("#drawer")).to_contain_text("1 of 1 recipient read it.")
