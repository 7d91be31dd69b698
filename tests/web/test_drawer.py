"""The drawer of the page: stories with their rules, links between them, the Back button, and the keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.panels import ADA, BEN, Panels, message_story, moment, session_story, story

STORIES = {"droplet/church-guidance": story(), ADA: session_story(), f"{BEN}/4": message_story()}
UNKNOWN = {"kind": "", "steps": [], "lines": [], "rules": [], "links": {}}


def panels(page: Page, **stories: Any) -> Panels:
    def answer(given: dict[str, str]) -> Any:
        about = given["about"]
        known = STORIES | stories
        return known.get(about) or story(about=about, title=about, error=f"nothing is known about {about}.", **UNKNOWN)

    return Panels(page, moment(), ("board", "messages", "drawer"), story=answer).open()


def opened(page: Page, about: str = "droplet/church-guidance", **stories: Any) -> Panels:
    """The panels with an open story."""
    shown = panels(page, **stories)
    shown.view(f"{{ open: {about!r} }}")
    page.locator("#drawer .kind").wait_for(state="attached")
    return shown


def test_each_step_has_its_rule_and_its_event(page: Page) -> None:
    opened(page)
    steps = page.locator("#drawer .step")
    expect(steps).to_have_count(3)
    expect(steps.nth(0).locator(".what")).to_have_text("ada asks for it for 4 h and gets it — landing page")
    expect(steps.nth(1)).to_contain_text("but was told: granted")
    expect(steps.nth(2)).to_contain_text("time passes")
    rule = steps.nth(2).get_by_role("button", name="rule 3")
    rule.click()
    expect(steps.nth(2)).to_contain_text("a claim ends when it is released, expires or is broken")
    expect(rule).to_have_attribute("aria-expanded", "true")
    page.get_by_text("The rules that decided (2)").click()
    expect(page.get_by_text("rule 2: a request is granted if")).to_be_visible()


def test_ids_lead_to_their_stories_and_back(page: Page) -> None:
    opened(page)
    back = page.get_by_role("button", name="Back")
    expect(back).to_be_hidden()
    page.locator("#drawer .lines").get_by_role("link", name="ada").click()
    expect(page.locator("#drawer .title")).to_have_text("ada")
    expect(page.locator("#drawer")).to_contain_text("What it did")
    page.locator("#drawer .step").first.get_by_role("link", name=f"{ADA}/8").click()
    expect(page.locator("#drawer .error")).to_have_text(f"nothing is known about {ADA}/8.")
    back.click()
    back.click()
    expect(page.locator("#drawer .title")).to_have_text("droplet/church-guidance")
    expect(back).to_be_hidden()


def test_a_name_inside_another_word_is_not_a_link(page: Page) -> None:
    lines = ["ada, adamant, file/ada/x and ada's ada.md are 5 words of which 2 name ada"]
    opened(page, **{"port/1": story(lines=lines, steps=[])}, about="port/1")
    expect(page.locator("#drawer .lines a")).to_have_text(["ada", "ada", "ada"])


def test_a_message_shows_its_text_and_its_readers(page: Page) -> None:
    opened(page, f"{BEN}/4")
    drawer = page.locator("#drawer")
    expect(drawer.locator(".said")).to_have_text("Do you need the email templates?")
    expect(drawer).to_contain_text("1 of 1 recipient read it.")
    expect(drawer).to_contain_text("ada: read it at 18:29:00 UTC")
    expect(drawer.get_by_role("link", name=f"{ADA}/4")).to_be_visible()


def test_the_longest_body_is_cut_until_asked_for(page: Page) -> None:
    body = "word " * 209_715
    opened(page, "port/1", **{"port/1": message_story(body)})
    said = page.locator("#drawer .said")
    assert len(said.inner_text()) < 5000
    page.get_by_role("button", name="Show all 1,048,575 characters").click()
    assert page.evaluate("document.querySelector('#drawer .said').textContent.length") == len(body)


def test_a_step_takes_the_whole_page_to_its_time(page: Page) -> None:
    shown = opened(page)
    step = page.locator("#drawer .step").nth(1)
    with page.expect_request(lambda request: "at=" in request.url):
        step.get_by_role("button", name="show the page at this moment").click()
    assert page.evaluate("store.view.at") == f"{BEN}/2"
    assert shown.calls[-1] == ("story", {"about": "droplet/church-guidance", "at": f"{BEN}/2"})


def test_focus_moves_in_and_returns(page: Page) -> None:
    panels(page)
    link = page.locator("#board").get_by_role("link", name="droplet/church-guidance").first
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .title")).to_be_focused()
    page.locator("#drawer .kind").wait_for()
    expect(page.locator("#drawer .title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Close").click()
    expect(link).to_be_focused()


def test_escape_closes_the_story_from_anywhere_on_the_page(page: Page) -> None:
    opened(page)
    page.locator("#messages a").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(page.locator("#messages a").first).to_be_focused()


def test_the_drawer_lies_beside_the_page_on_a_wide_screen(page: Page) -> None:
    opened(page)
    drawer, main = page.locator("#drawer").bounding_box(), page.locator("main").bounding_box()
    assert drawer
    assert main
    assert main["x"] + main["width"] <= drawer["x"] + 1
    expect(page.locator("#drawer")).to_have_attribute("role", "complementary")


def test_the_drawer_covers_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page)
    box = page.locator("#drawer").bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, 360)
    expect(page.locator("#drawer")).to_have_attribute("aria-modal", "true")
    assert page.evaluate("document.querySelector('main').inert")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Escape")
    assert not page.evaluate("document.querySelector('main').inert")


def test_new_events_are_read_into_an_open_story(page: Page) -> None:
    changed = story()
    about = "droplet/church-guidance"
    shown = opened(page, about, **{about: changed})
    page.get_by_text("The rules that decided (2)").click()
    link = page.locator("#drawer .lines").get_by_role("link", name="ada")
    link.focus()
    changed["lines"] = ["ada lets it go"]
    shown.receive(moment(position="13/x"))
    expect(page.locator("#drawer .lines")).to_have_text("ada lets it go", timeout=10_000)
    expect(link).to_be_focused()
    assert page.locator("#drawer .rules").get_attribute("open") is not None
    count = len(shown.calls)
    shown.receive(moment(position="13/x"))
    page.wait_for_timeout(600)
    assert len(shown.calls) == count


@pytest.mark.parametrize(("about", "labels"), [("droplet/church-guidance", ["Release", "Hand over"]), (BEN, ["Write"])])
def test_the_actions_fit_what_is_open(about: str, labels: list[str], page: Page) -> None:
    shown = opened(page, about, **{BEN: story(about=BEN, kind="session", holders=[])})
    expect(page.locator("#drawer .acts button")).to_have_text(labels)
    shown.receive(moment(read_only=True, position="14/x"))
    expect(page.locator("#drawer .acts button")).to_have_count(0)


def test_an_error_of_the_server_is_shown(page: Page) -> None:
    shown = panels(page)
    shown.answers["story"] = lambda _: {"error": {"code": 4, "message": "the log is locked"}}
    page.route("**/api/story*", lambda route: route.fulfill(status=503, json=shown.answers["story"]({})))
    shown.view("{ open: 'port/1' }")
    expect(page.locator("#drawer .error")).to_have_text("the log is locked")


def test_a_page_opened_with_a_story_shows_it(page: Page) -> None:
    opened(page, "port/9")
    expect(page.locator("#drawer .error")).to_have_text("nothing is known about port/9.")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
