"""The search of the page: a field with a list of results that the keyboard reaches."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.web.panels import ADA, BEN, NOW, Panels, moment, story


def results(kind: str, label: str, *texts: str) -> dict[str, Any]:
    rows = [{"about": f"{ADA}/{n}", "at": NOW, "text": text} for n, text in enumerate(texts, 1)]
    return {"kind": kind, "label": label, "results": rows}


EVENTS = results("events", "Other events", *(f"ada builds page {n}" for n in range(1, 11)))
SESSION = {"kind": "sessions", "label": "Sessions", "results": [{"about": BEN, "at": NOW, "text": f"ben ({BEN})"}]}


def panels(page: Page, *groups: dict[str, Any], **more: Any) -> Panels:
    def answer(given: dict[str, str]) -> Any:
        return {"text": given["text"], "groups": list(groups), "older": False, "error": "", **more}

    return Panels(page, moment(), ("search", "drawer", "board"), search=answer, story=lambda _: story()).open()


def test_results_are_grouped_and_enter_opens_the_first(page: Page) -> None:
    panels(page, EVENTS, SESSION)
    page.keyboard.press("/")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    field.type("ada builds")
    expect(page.get_by_role("listbox")).to_be_visible()
    expect(page.locator("#search-found .group")).to_have_text(["Sessions", "Other events"])
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    assert page.evaluate("store.view.open") == BEN
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_enter_before_the_answer_opens_the_first_result(page: Page) -> None:
    panels(page, SESSION)
    page.get_by_role("combobox").fill("ben")
    page.keyboard.press("Enter")
    page.wait_for_function("() => store.view.open")
    assert page.evaluate("store.view.open") == BEN


def test_arrows_move_through_all_results(page: Page) -> None:
    panels(page, EVENTS)
    field = page.get_by_role("combobox")
    field.fill("page")
    options = page.get_by_role("option")
    expect(options).to_have_count(8)  # six, the rest, and the filter
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.nth(2).get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate("store.view.open") == f"{ADA}/2"


def test_more_results_of_a_group_are_shown_on_request(page: Page) -> None:
    panels(page, EVENTS)
    page.get_by_role("combobox").fill("page")
    page.get_by_role("option", name="4 more").click()
    expect(page.get_by_role("option")).to_have_count(11)
    expect(page.get_by_role("listbox")).to_be_visible()


def test_the_last_result_filters_the_page_and_a_chip_ends_that(page: Page) -> None:
    panels(page)
    page.get_by_role("combobox").fill("stripe")
    expect(page.locator("#search-found")).to_contain_text("Nothing contains “stripe”.")
    page.get_by_role("option", name="Show only what contains “stripe” on this page").click()
    expect(page.locator("#board .row")).to_have_count(1)
    page.get_by_role("button", name="Only “stripe”").click()
    expect(page.locator("#board [data-part=status] .row")).to_have_count(5)


def test_escape_closes_the_list_and_not_the_drawer(page: Page) -> None:
    shown = panels(page, SESSION)
    shown.view("{ open: 'port/1' }")
    page.get_by_role("combobox").fill("ben")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator("#drawer")).to_be_visible()


def test_errors_and_older_results_are_shown(page: Page) -> None:
    panels(page, EVENTS, older=True, error="coord log took more than 20 s, and was ended.")
    page.get_by_role("combobox").fill("page")
    expect(page.locator("#search-found .error")).to_have_text("coord log took more than 20 s, and was ended.")
    expect(page.locator("#search-found")).to_contain_text("Older events match too")


def test_only_the_last_text_is_searched_for(page: Page) -> None:
    shown = panels(page, SESSION)
    field = page.get_by_role("combobox")
    field.press_sequentially("brave", delay=10)
    expect(page.get_by_role("option").first).to_be_visible()
    assert [given["text"] for name, given in shown.calls if name == "search"] == ["brave"]


def test_markup_in_results_stays_text(page: Page) -> None:
    panels(page, results("messages", "Messages", "x <b>bold</b> <script>window.hacked = 1</script>"))
    page.get_by_role("combobox").fill("bold")
    expect(page.get_by_role("option").first).to_contain_text("<b>bold</b>")
    expect(page.locator("#search-found mark")).to_have_text("bold")
    assert page.evaluate("window.hacked") is None


def test_a_result_after_the_shown_moment_goes_to_its_time(page: Page) -> None:
    shown = panels(page, SESSION)
    before = "2026-11-22T17:00:00.000000Z"
    page.evaluate("(at) => { store.setView({ at }); store.setMoment({ ...store.moment, at }); }", before)
    page.get_by_role("combobox").fill("ben")
    page.keyboard.press("Enter")
    page.wait_for_function("() => store.view.open")
    assert page.evaluate("store.view.at") == NOW
    shown.view("{ open: '', at: '' }")
