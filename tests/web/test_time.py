"""The time of the page in a browser: the scrubber, steps, jumps, playing, and the present."""

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.fakes import NOW, FakeServer, Json, mark, moment, timeline

EVENTS = {f"s-1/{n}": f"2026-11-22T{18 + n // 2}:{n % 2 * 30:02d}:00.000000Z" for n in range(1, 10)}
MARKS = {
    "a": mark("refused", "s-1/2", EVENTS["s-1/2"]),
    "b": mark("lost", "s-1/4", EVENTS["s-1/4"]),
    "c": mark("lost", "s-1/4", EVENTS["s-1/4"], resource="src/other.py"),
    "d": mark("died", "s-1/7", EVENTS["s-1/6"], "s-2"),
}


def answer(at: str, step: int) -> Json:
    """Return the moment at an event, a time or now, as a server with nine events does."""
    names = list(EVENTS)
    if at and at not in EVENTS and not re.match(r"\d{4}-", at):
        return {"error": {"code": 2, "message": f"there is no event {at}."}}
    count = names.index(at) + 1 if at in EVENTS else sum(time <= (at or NOW) for time in EVENTS.values())
    count = max(1, min(len(names), count + step))
    event = names[count - 1]
    return moment(EVENTS[event] if step or at in EVENTS else at or NOW, event)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    server.moments = answer
    messages = {
        event: {"id": event, "at": at, "session": "s-1", "to": [], "everyone": True, "subject": "", "urgency": "normal"}
        for event, at in EVENTS.items()
    }
    server.first = lambda _after: (
        "9/s-1/9",
        {"moment": moment(), "timeline": timeline(marks=MARKS, messages=messages)},
    )
    yield server
    server.kill()


@pytest.fixture
def opened(page: Page, server: FakeServer) -> Page:
    page.goto(server.address)
    expect(page.locator(".mark")).to_have_count(3)
    return page


def shown(page: Page) -> str:
    return page.locator("#now [role=status]").inner_text().replace("\n", "")


def expect_at(page: Page, event: str) -> None:
    expect(page.locator("#now [role=status]")).to_contain_text(f"{EVENTS[event][11:19]}, ")
    page.wait_for_url(f"**/#at={event}")


def test_keys_step_by_event_and_return_to_the_present(opened: Page) -> None:
    page = opened
    assert shown(page) == "●Live"
    page.keyboard.press(",")
    expect_at(page, "s-1/8")
    page.keyboard.press(",")
    expect_at(page, "s-1/7")
    page.keyboard.press(".")
    expect_at(page, "s-1/8")
    expect(page.locator("body.past")).to_have_count(1)
    page.keyboard.press("l")
    expect(page.locator("#now [role=status]")).to_contain_text("Live")
    expect(page.locator("body.past")).to_have_count(0)
    page.wait_for_url(lambda url: "#" not in url)


def test_a_step_after_the_last_event_is_the_present(opened: Page) -> None:
    page = opened
    page.keyboard.press(",")
    expect_at(page, "s-1/8")
    page.keyboard.press(".")
    expect_at(page, "s-1/9")
    page.keyboard.press(".")
    expect(page.locator("#now [role=status]")).to_contain_text("Live")


def test_fast_steps_add_up(opened: Page, server: FakeServer) -> None:
    """Steps that are pressed while an answer is awaited are added to it: no event is skipped or repeated."""
    page, gate = opened, threading.Event()
    server.moments = lambda at, step: (gate.wait(5), answer(at, step))[1]
    for _ in range(6):
        page.keyboard.press(",")
    page.keyboard.press(".")
    gate.set()
    expect_at(page, "s-1/4")
    assert server.most_asked == 1


def test_an_error_is_gone_once_another_moment_is_shown(opened: Page) -> None:
    page, error = opened, opened.locator("#time .error")
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    page.evaluate("location.hash = '#at=no-such/1'")
    expect(error).to_have_text("there is no event no-such/1.")
    page.evaluate("location.hash = '#at=s-1/4'")
    expect_at(page, "s-1/4")
    expect(error).to_be_hidden()


def test_a_screen_reader_hears_another_time_only(opened: Page, server: FakeServer) -> None:
    """Not the same time again because it is longer ago."""
    page, status = opened, opened.locator("#now [role=status]")
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    expect(status).to_have_attribute("aria-live", "polite")
    later = "2026-11-22T23:40:00.000000Z"
    server.send({"moment": moment(later, "s-1/9")}, "9/s-1/9")
    expect(status).to_contain_text("2 h 10 min before now")
    expect(status).to_have_attribute("aria-live", "off")
    page.keyboard.press("p")
    expect_at(page, "s-1/4")
    expect(status).to_have_attribute("aria-live", "polite")


def test_jumps_go_from_problem_to_problem(opened: Page) -> None:
    page = opened
    count = page.locator(".controls .count")
    expect(count).to_have_text("4")
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    expect(count).to_have_text("4 of 4")
    page.keyboard.press("p")
    expect_at(page, "s-1/4")
    expect(count).to_have_text("2 of 4")
    page.get_by_label("Previous problem (key p)").click()
    expect_at(page, "s-1/2")
    page.keyboard.press("p")
    page.keyboard.press("n")
    expect_at(page, "s-1/4")
    page.get_by_label("Next problem (key n)").click()
    expect_at(page, "s-1/7")


def test_the_time_is_below_a_top_that_takes_two_lines(opened: Page) -> None:
    page = opened
    page.set_viewport_size({"width": 1280, "height": 700})
    page.evaluate("document.getElementById('folder').textContent = 'a-name '.repeat(30)")
    page.evaluate("document.querySelector('main').style.height = '2000px'")
    page.evaluate("scrollTo(0, 1500)")
    page.wait_for_function(
        "() => { const top = (id) => document.getElementById(id).getBoundingClientRect();"
        " return scrollY > 1000 && top('top').height > 60 && Math.abs(top('time').top - top('top').bottom) < 2; }"
    )


def test_jumps_can_be_limited_to_one_kind(opened: Page) -> None:
    page = opened
    page.get_by_label("Jump to").select_option("refused")
    expect(page.locator(".mark")).to_have_count(1)
    page.get_by_label("Previous problem (key p)").click()
    expect_at(page, "s-1/2")


def test_a_mark_says_what_happened_and_leads_there(opened: Page) -> None:
    group = opened.locator(".mark.lost")
    assert group.get_attribute("title") == ("20:00:00 alpha lost src/app.py\n20:00:00 alpha lost src/other.py")
    group.click()
    expect_at(opened, "s-1/4")


def test_the_slider_moves_by_pointer_and_keys(opened: Page) -> None:
    page, slider = opened, opened.get_by_role("slider", name="Shown time")
    box = slider.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 10, middle[1])
    page.mouse.down()
    page.mouse.move(*middle, steps=10)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^20:4[45]:\d\d, 2 h 4[56] min ago$"))
    page.wait_for_url(re.compile(r"#at=2026-11-22T20:4[45]:\d\d\.\d{6}Z$"))
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "18:00:00, 5 h 30 min ago")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "18:01:39, 5 h 28 min ago")
    slider.press("PageUp")
    expect(slider).to_have_attribute("aria-valuetext", "18:34:39, 4 h 55 min ago")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "Live")


def test_a_drag_has_one_request_at_a_time_and_the_newest_wins(opened: Page, server: FakeServer) -> None:
    page, slider = opened, opened.get_by_role("slider", name="Shown time")
    late = threading.Event()

    def slow_at_first(at: str, step: int) -> Json:
        if not late.is_set():
            late.wait(0.7)
        return answer(at, step)

    server.moments = slow_at_first
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => window.seen.push(document.querySelector('#now').innerText))
            .observe(document.querySelector('#now'), {subtree: true, childList: true, characterData: true});
    }""")
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 20, y)
    page.mouse.down()
    for x in range(30, 900, 15):
        page.mouse.move(box["x"] + x, y)
        page.wait_for_timeout(12)
    late.set()
    page.mouse.up()
    expect(page.locator("#time")).to_have_attribute("aria-busy", "false")
    page.wait_for_timeout(400)
    assert len(server.asked) < 30
    last = server.asked[-1]
    assert page.evaluate("location.hash.slice(4)").replace(":", "%3A") in last
    assert page.evaluate("window.seen.length") > 0


def test_an_answer_that_comes_late_is_never_shown(opened: Page, server: FakeServer) -> None:
    page, gate = opened, threading.Event()
    server.moments = lambda at, step: (gate.wait(3) if at == "s-1/2" else None, answer(at, step))[1]
    page.evaluate("location.hash = '#at=s-1/2'")
    server.wait(lambda: bool(server.asked))
    page.evaluate("location.hash = '#at=s-1/5'")
    expect_at(page, "s-1/5")
    gate.set()
    page.wait_for_timeout(200)
    expect_at(page, "s-1/5")
    page.evaluate("location.hash = '#at=s-1/2'")
    server.moments = lambda at, step: (gate.wait(3), answer(at, step))[1]
    page.keyboard.press("l")
    page.wait_for_timeout(200)
    assert shown(page) == "●Live"


def test_an_unknown_time_is_an_error_and_the_page_stays(opened: Page) -> None:
    page = opened
    page.evaluate("location.hash = '#at=nobody/17'")
    expect(page.locator("#time [role=alert]")).to_have_text("there is no event nobody/17.")
    assert shown(page) == "●Live"
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    expect(page.locator("#time [role=alert]")).to_be_hidden()


def test_playing_moves_along_the_changes_to_the_present(opened: Page, server: FakeServer) -> None:
    page = opened
    page.evaluate("location.hash = '#at=2026-11-22T19:10:00.000000Z'")
    expect(page.locator("body.past")).to_have_count(1)
    page.get_by_label("Speed").select_option("600")
    page.keyboard.press("k")
    expect(page.get_by_label("Pause (key k)")).to_be_visible()
    expect(page.locator("#now [role=status]")).to_contain_text("Live", timeout=20_000)
    expect(page.get_by_label("Play (key k)")).to_be_visible()
    asked = [query.split("=")[1].replace("%3A", ":") for query in server.asked]
    assert asked[1:] == [at for at in EVENTS.values() if at > "2026-11-22T19:10"]


def test_a_pause_and_a_jump_stop_playing(opened: Page) -> None:
    page = opened
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(page.get_by_label("Play (key k)")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("p")
    expect(page.get_by_label("Play (key k)")).to_be_visible()
    expect_at(page, "s-1/4")


def test_keys_do_nothing_in_a_field_and_are_listed(opened: Page) -> None:
    page = opened
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys of this page")
    expect(dialog).to_contain_text("Go to the next event")
    page.keyboard.press(",")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'field'}))")
    page.locator("#field").press_sequentially("?,.npkl")
    assert shown(page) == "●Live"
    assert page.locator("dialog").count() == 0


def test_new_events_do_not_move_a_page_that_shows_the_past(opened: Page, server: FakeServer) -> None:
    page = opened
    page.keyboard.press(",")
    expect_at(page, "s-1/8")
    later = "2026-11-22T23:40:00.000000Z"
    server.send(
        {"moment": moment(later, "s-1/10", needs=4), "timeline": timeline(reset=False, until=later)}, "10/s-1/10"
    )
    expect(page).to_have_title("(4) coord · shop")
    expect(page.locator("#now [role=status]")).to_contain_text("22:00:00, 1 h 40 min ago")


def test_the_back_button_returns_to_the_moment_before(opened: Page) -> None:
    page = opened
    page.keyboard.press("p")
    expect_at(page, "s-1/7")
    page.wait_for_timeout(400)
    page.keyboard.press("p")
    expect_at(page, "s-1/4")
    page.go_back()
    expect_at(page, "s-1/7")
    page.go_back()
    expect(page.locator("#now [role=status]")).to_contain_text("Live")
    page.go_forward()
    expect_at(page, "s-1/7")
