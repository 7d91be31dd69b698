"""The board and the messages on the page: the words of the commands, links to stories, the filter."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from coord.render.format import duration_text
from tests.web.panels import ADA, ADDRESS, BEN, Panels, moment, row, story

BOARD = ("board", "messages", "drawer")


def panels(page: Page, **changes: Any) -> Panels:
    return Panels(page, moment(**changes), BOARD, story=lambda _: story()).open()


def lines_of(page: Page, part: str) -> list[str]:
    """The visible lines of a part of the board."""
    return page.locator(f"[data-part={part}] :is(h3, .line, .below)").all_text_contents()


def test_the_board_has_the_words_of_the_commands(page: Page) -> None:
    panels(page)
    assert lines_of(page, "status") == [
        "🟢 ACTIVE SESSIONS",
        f"ada ({ADA}): building church-guidance (25% complete)",
        "BUILD - landing page · last seen 2 min ago",
        f"🟡 silent: ben ({BEN}): blocked on the Stripe API key",
        "🔒 ACTIVE CLAIMS",
        "droplet/church-guidance - ada · since 18:02 UTC · until 22:30 UTC (4 h left) · for: landing page",
        "📨 RECENT MESSAGES",
        "ben to ada, 2 min ago: Question",
        "2 sessions · 1 claim · 12 events · 18:30 UTC",
    ]
    page.get_by_text("All claims (1)").click()
    assert lines_of(page, "claims") == [lines_of(page, "status")[5]]


def test_what_needs_someone_is_on_the_board_of_the_past(page: Page) -> None:
    shown = panels(page)
    head = page.get_by_text("COORDINATION NEEDED")
    expect(head).to_have_count(0)
    shown.view("{ at: '2026-11-22T18:30:00.000000Z' }")
    expect(head).to_be_visible()
    assert lines_of(page, "status")[2] == "    → coord send ben ..."


def test_a_row_opens_its_story_by_click_and_by_enter(page: Page) -> None:
    shown = panels(page)
    page.locator("#board").get_by_role("link", name="droplet/church-guidance").first.click()
    expect(page.locator("#drawer .kind")).to_be_visible()
    page.keyboard.press("Escape")
    link = page.locator("#board").get_by_role("link", name=re.compile("silent: ben"))
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .kind")).to_be_visible()
    assert [given["about"] for name, given in shown.calls if name == "story"] == ["droplet/church-guidance", BEN]
    assert page.evaluate("store.view.open") == BEN


def test_a_row_is_a_link_to_the_page_with_its_story(page: Page) -> None:
    panels(page)
    link = page.locator("#board").get_by_role("link", name="droplet/church-guidance").first
    assert link.get_attribute("href") == f"{ADDRESS}#open=droplet/church-guidance"


def test_the_filter_leaves_the_rows_that_contain_its_text(page: Page) -> None:
    shown = panels(page)
    shown.view("{ filter: { text: 'STRIPE', sessions: [], resources: [] } }")
    expect(page.locator("#board .row")).to_have_count(1)
    expect(page.locator("#messages .message")).to_have_count(1)
    shown.view("{ filter: { text: 'nothing like this', sessions: [], resources: [] } }")
    expect(page.locator("#board")).to_contain_text("Nothing on the board matches the filter.")
    expect(page.locator("#messages")).to_contain_text("No message matches the filter.")
    shown.view(f"{{ filter: {{ text: '', sessions: ['{ADA}'], resources: [] }} }}")
    expect(page.locator("#board [data-part=status] .row")).to_have_count(3)


def test_focus_stays_on_a_row_that_is_drawn_again(page: Page) -> None:
    shown = panels(page)
    page.locator("#board").get_by_role("link", name=re.compile("silent: ben")).focus()
    later = moment()
    later["board"][1]["rows"].reverse()
    shown.receive(later)
    assert page.evaluate("document.activeElement.dataset.about") == BEN
    expect(page.locator("#board .row").first).to_contain_text("silent: ben")


def test_the_same_moment_is_not_drawn_again(page: Page) -> None:
    shown = panels(page)
    page.evaluate("window.first = document.querySelector('#board .row')")
    shown.receive(moment(position="13/x"))
    assert page.evaluate("window.first.isConnected")


def test_texts_of_sessions_never_become_markup(page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><script>window.hacked = 1</script>"
    document = moment(names={ADA: hostile, BEN: "ben"})
    document["messages"][0] |= {"subject": hostile, "body": hostile, "id": f"{BEN}/1"}
    document["board"][1]["rows"] = [row([[hostile, "name"], [hostile, "no such style"]], hostile)]
    shown = Panels(page, document, BOARD, story=lambda _: story(title=hostile, lines=[hostile])).open()
    page.locator("#board").get_by_role("link", name=hostile).first.click()
    expect(page.locator("#drawer .title")).to_have_text(hostile)
    assert page.locator("main img, main script, #drawer img, #drawer script").count() == 0
    assert page.evaluate("window.hacked") is None
    assert [text for text in shown.blocked if "Content Security Policy" in text] == []


def test_messages_show_what_is_open_about_them(page: Page) -> None:
    panels(page)
    first, second = page.locator("#messages .message").all()
    expect(first).to_contain_text("Unread by you")
    expect(first).to_contain_text("Not confirmed by you")
    expect(first.get_by_role("button")).to_have_text(["Reply", "Confirm"])
    expect(second).to_contain_text("Urgent: Blocker")
    expect(second.get_by_role("button")).to_have_count(0)
    first.get_by_role("link", name="Question").click()
    assert page.evaluate("store.view.open") == f"{BEN}/4"


def test_the_focus_stays_where_it_is_as_time_passes(page: Page) -> None:
    """Each minute, the messages and the times of the board are drawn again."""
    shown = panels(page)
    later = moment(at="2026-11-22T18:32:00.000000Z")
    later["board"][2]["rows"][0]["text"][0][0] = "until 22:30 UTC (3 h 58 min left)"
    confirm = page.locator("#messages").get_by_role("button", name="Confirm")
    sender = page.locator("#messages .message").nth(1).get_by_role("link", name="ben")
    claim = page.locator("#board").get_by_role("link", name="droplet/church-guidance").first
    for number, focused in enumerate((confirm, sender, claim)):
        focused.focus()
        shown.receive(later if number % 2 == 0 else moment())
        expect(page.locator("#messages time").first).to_have_text("4 min ago" if number % 2 == 0 else "2 min ago")
        expect(focused).to_be_focused()


def test_the_past_and_a_page_that_only_reads_have_no_actions(page: Page) -> None:
    shown = panels(page)
    for changes in ({"live": False}, {"read_only": True}):
        shown.receive(moment(**changes))
        expect(page.locator("#messages").get_by_role("button", name="Reply")).to_have_count(0)


def test_very_many_messages_are_shown_a_few_at_a_time(page: Page) -> None:
    document = moment()
    message = document["messages"][0]
    document["messages"] = [message | {"id": f"{BEN}/{n}", "body": "long " * 400} for n in range(1, 2001)]
    Panels(page, document, BOARD, story=lambda _: story()).open()
    expect(page.locator("#messages .message")).to_have_count(8)
    page.get_by_role("button", name="Show 20 more of 2000").click()
    expect(page.locator("#messages .message")).to_have_count(28)
    assert len(page.locator("#messages .said").first.inner_text()) < 300


def test_durations_are_rounded_as_the_commands_do(page: Page) -> None:
    panels(page)
    seconds = [0.5, 2.5, 45, 90, 150, 3_570, 3_630, 27_150, 27_210, 90_000]
    texts = page.evaluate("async (all) => all.map((await import('/static/core/format.js')).duration)", seconds)
    assert texts == [duration_text(one) for one in seconds]


def test_long_words_wrap_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    document = moment()
    document["board"][2]["rows"][0]["columns"][0] = [["file/" + "x" * 300, ""]]
    document["messages"][0]["subject"] = "y" * 300
    Panels(page, document, BOARD, story=lambda _: story()).open()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.url == ADDRESS
