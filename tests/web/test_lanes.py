"""The lanes in a browser: pointer, wheel, keys, hidden lanes, filter, moment, earlier time, and text of sessions."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.web.lanes_page import (
    Tables,
    add_bar,
    empty_tables,
    frame,
    instant,
    make_bar,
    make_lane,
    make_mark,
    make_message,
    open_lanes,
    random_tables,
    serve_static,
    timeline_of,
)

_HOSTILE = "<img src=x onerror=\"document.title='owned'\">\u202egnp.exe\u2066 " + "A" * 10_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_static() as address:
        yield address


def small_tables() -> Tables:
    """Two sessions: `ann` holds a.py from minute 10 to 30 and b.py from 40 on, `bob` waits, is refused, and writes."""
    tables = empty_tables()
    tables["lanes"] = {"ann": make_lane("ann", 0), "bob": make_lane("bob", 5), "old": make_lane("old", 1, 4)}
    add_bar(tables, make_bar("ann", "E1", 10, 30, resource="file/a.py", note="fix it"))
    add_bar(tables, make_bar("ann", "E2", 40, resource="file/b.py"))
    add_bar(tables, make_bar("bob", "E3", 20, 30, kind="wait", how="granted", resource="file/a.py", behind=["E1"]))
    add_bar(tables, make_bar("bob", "E3", 30, 50, resource="file/a.py"))
    tables["marks"]["E4 refused "] = make_mark("refused", "E4", 45, "bob", resource="file/b.py", others=["E2"])
    tables["messages"]["E5"] = make_message("E5", 55, "bob", ["ann"], subject="Done soon?")
    return tables


def view(page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = page.evaluate("store.view")
    return shown


def span(page: Page) -> list[float]:
    """Return the shown span in minutes after the start."""
    shown: list[float] = page.evaluate(
        "(start) => [lanes.state.span.start, lanes.state.span.end].map((time) => (time - Date.parse(start)) / 60000)",
        instant(0),
    )
    return shown


def settle(page: Page) -> None:
    page.wait_for_function("() => !lanes.state.moving")
    page.wait_for_timeout(300)
    frame(page)


def said(page: Page) -> str:
    return page.inner_text("#lanes-said")


def shown_lanes(page: Page) -> list[str]:
    names: list[str] = page.evaluate("lanes.state.placed.bands.map((band) => band.lane.session)")
    return names


def point_of(page: Page, key: str) -> tuple[float, float]:
    """Return the middle of a bar, in pixels from the canvas's corner."""
    x, y = page.evaluate(
        """async (key) => {
          const [{ scaleOf }, { boxOf }, { HEAD }] = await Promise.all(
            ["navigation", "placement", "draw"].map((name) => import(`/static/lanes/${name}.js`)));
          const { state } = lanes, item = Object.values(state.model.seen).map((table) => table.get(key)).find(Boolean);
          const [x, y, wide, high] = boxOf(item, state.placed, scaleOf(state), state.edge);
          return [x + wide / 2, y + high / 2 + HEAD - state.scroll];
        }""",
        key,
    )
    return x, y


def canvas_at(page: Page, key: str) -> dict[str, float]:
    x, y = point_of(page, key)
    return {"x": x, "y": y}


BAR = f"E1 claim {instant(10)}"


def test_a_click_opens_what_it_is_about(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    canvas = page.locator(".lanes-view canvas")
    for key, about in ((BAR, "file/a.py"), ("E4 refused ", "E4"), ("E5", "E5")):
        canvas.click(position=canvas_at(page, key))  # type: ignore[arg-type]
        assert view(page)["open"] == about
    canvas.click(position={"x": 40, "y": 50})
    assert view(page)["open"] == "ann"


def test_hover_and_keyboard_show_the_same_words(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    canvas, tip = page.locator(".lanes-view canvas"), page.locator(".lanes-tip")
    canvas.hover(position=canvas_at(page, BAR))  # type: ignore[arg-type]
    hovered = tip.inner_text()
    assert hovered.startswith("ann holds file/a.py · from 08:10:00 · to 08:30:00, 20 min · released")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    canvas.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert said(page) == hovered
    assert tip.inner_text() == hovered
    page.keyboard.press("Enter")
    assert view(page)["open"] == "file/a.py"


def test_keys_move_in_time_order_and_between_lanes(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    page.locator(".lanes-view canvas").focus()
    heard = []
    for key in (
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
        "ArrowRight",
        "ArrowDown",
        "ArrowDown",
        "Home",
        "End",
        "ArrowLeft",
    ):
        page.keyboard.press(key)
        heard.append(said(page).split(" · ")[0])
    assert heard == [
        "ann",
        "ann holds file/a.py",
        "ann holds file/b.py",
        "ann holds file/b.py",
        "old",
        "bob",
        "bob waits for file/a.py",
        "bob writes to ann at 08:55:00: Done soon?",
        "bob was refused file/b.py at 08:45:00",
    ]
    page.keyboard.press("Escape")
    assert said(page) == ""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_wheel_zooms_at_the_pointer(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(1, 6, 60), 600))
    time_at = """(x) => import("/static/lanes/navigation.js").then(({ scaleOf }) => scaleOf(lanes.state).time(x))"""
    box = page.locator(".lanes-view canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 700, box["y"] + 80)
    before, first = page.evaluate(time_at, 700), span(page)
    page.keyboard.down("Control")
    for _ in range(5):
        page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    settle(page)
    shown = span(page)
    assert shown[1] - shown[0] < (first[1] - first[0]) / 2
    assert abs(page.evaluate(time_at, 700) - before) < (shown[1] - shown[0]) * 60_000 / 1000  # less than a pixel


def test_a_drag_pans_and_the_span_goes_into_the_view(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(1, 6, 60), 600), {"from": instant(200), "to": instant(260)})
    box = page.locator(".lanes-view canvas").bounding_box()
    assert box
    x, y = box["x"] + 600, box["y"] + 100
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y, steps=5)
    page.mouse.up()
    settle(page)
    shown = span(page)
    assert shown[1] - shown[0] == pytest.approx(60)
    assert 180 < shown[0] < 195
    assert view(page)["from"].startswith(instant(shown[0])[:20])
    assert view(page)["to"].startswith(instant(shown[1])[:20])
    assert view(page)["open"] == ""


def test_buttons_and_keys_zoom_fit_and_go_to_now(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    page.get_by_role("button", name="Zoom in").click()
    assert span(page)[1] == pytest.approx(60)  # now stays at the right edge
    settle(page)
    assert (view(page)["from"] != "", view(page)["to"]) == (True, "")
    page.locator(".lanes-view canvas").focus()
    page.keyboard.press("Shift+ArrowLeft")
    settle(page)
    assert view(page)["to"] != ""
    page.keyboard.press("l")
    settle(page)
    assert view(page)["to"] == ""
    page.keyboard.press("0")
    settle(page)
    assert (view(page)["from"], view(page)["to"], span(page)) == ("", "", [0, pytest.approx(60)])


def test_now_is_followed_only_at_the_right_edge(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60), {"from": instant(40), "to": ""})
    page.evaluate("(until) => store.receive({ timeline: { until, tables: {} } })", instant(62))
    assert span(page) == [pytest.approx(42), pytest.approx(62)]
    page.evaluate(f"store.setView({{ from: '{instant(10)}', to: '{instant(30)}' }})")
    page.evaluate("(until) => store.receive({ timeline: { until, tables: {} } })", instant(65))
    assert span(page) == [pytest.approx(10), pytest.approx(30)]


def test_ended_sessions_are_hidden_and_counted(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60), {"from": instant(20), "to": instant(50)})
    assert shown_lanes(page) == ["ann", "bob"]
    button = page.get_by_role("button", name="Show 1 session that ended earlier")
    button.click()
    assert view(page)["ended"] is True
    assert shown_lanes(page) == ["ann", "old", "bob"]
    page.get_by_role("button", name="Hide 1 session that ended earlier").click()
    assert shown_lanes(page) == ["ann", "bob"]


def test_nothing_after_the_moment_is_drawn(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    drawn = "() => [lanes.state.found.signs.length, lanes.state.found.arrows.length, lanes.state.edge]"
    assert page.evaluate(drawn)[:2] == [1, 1]
    page.evaluate("(at) => store.setView({ at })", instant(42))
    frame(page)
    assert page.evaluate(drawn) == [0, 0, page.evaluate("(at) => Date.parse(at)", instant(42))]
    page.evaluate("(at) => store.setView({ at })", instant(3))
    frame(page)
    assert shown_lanes(page) == ["ann", "old"]  # bob had not begun
    page.evaluate(
        "([at, doc]) => { store.setView({ at }); store.setMoment(doc); }", ["20260301T080600Z-e1", {"at": instant(6)}]
    )
    frame(page)
    assert shown_lanes(page) == ["ann", "old", "bob"]


def test_a_moment_outside_moves_the_span(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(1, 6, 60), 600), {"from": instant(500), "to": instant(560)})
    page.evaluate("(at) => store.setView({ at })", instant(250))
    shown = span(page)
    assert shown[0] < 250 < shown[1]
    assert shown[1] - shown[0] == pytest.approx(60)


def test_the_legend_filters_and_lists_every_resource(page: Page, address: str) -> None:
    tables = empty_tables()
    tables["lanes"] = {"ann": make_lane("ann"), "bob": make_lane("bob")}
    for number in range(300):
        add_bar(tables, make_bar("ann", f"E{number}", number / 10, number / 10 + 5, resource=f"file/{number:03}.py"))
    open_lanes(page, address, timeline_of(tables, 60))
    assert page.locator(".legend > .chips button").count() == 12
    page.get_by_text("and 288 more").click()
    page.get_by_label("Find a resource").fill("/27")
    found = page.locator(".legend details .chips button")
    assert found.all_inner_texts() == [f"file/27{n}.py" for n in range(10)]
    found.nth(3).click()
    assert view(page)["filter"]["resources"] == ["file/273.py"]
    assert shown_lanes(page) == ["ann"]
    assert page.evaluate("lanes.state.model.lanes.get('ann').rows.flat().map((bar) => bar.row.resource)") == [
        "file/273.py"
    ]
    pressed = page.locator('.legend > .chips [aria-pressed="true"]')
    assert pressed.inner_text() == "file/273.py"
    page.get_by_role("button", name="Remove the filter").click()
    assert shown_lanes(page) == ["ann", "bob"]


@pytest.mark.parametrize(
    ("given", "lanes"),
    [
        ({"text": "BOB"}, ["bob"]),
        ({"text": "b.py"}, ["ann", "bob"]),
        ({"text": "nothing"}, []),
        ({"sessions": ["ann"]}, ["ann"]),
    ],
)
def test_filters_of_other_parts_choose_lanes(page: Page, address: str, given: dict[str, Any], lanes: list[str]) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60))
    page.evaluate("(filter) => store.setView({ filter: { ...store.view.filter, ...filter } })", given)
    assert shown_lanes(page) == lanes


def test_earlier_time_is_fetched_once_and_merged(page: Page, address: str) -> None:
    tables = small_tables()
    open_lanes(page, address, timeline_of(tables, 60, earlier=True))
    before = empty_tables()
    before["lanes"] = {"ann": make_lane("ann", -90, -60), "eve": make_lane("eve", -100, -30)}
    add_bar(before, make_bar("eve", "E0", -95, -40, resource="file/z.py"))
    earlier = {"since": instant(-120), "until": instant(0), "earlier": False, "tables": before}
    page.evaluate("(earlier) => { window.earlier = earlier; }", earlier)
    page.locator(".lanes-view canvas").focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    settle(page)
    assert page.evaluate("asked") == [instant(0)]
    assert page.evaluate("[store.timeline.since, store.timeline.earlier]") == [instant(-120), False]
    assert (
        page.evaluate("store.timeline.tables.lanes.get('ann').lives.length") == 2
    )  # the known row, with its earlier life
    assert "eve" in page.evaluate("lanes.state.model.order.map((lane) => lane.session)")
    assert page.locator(".lanes-bar [role=status]").inner_text() == ""


def test_a_failure_to_fetch_earlier_time_is_shown(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(small_tables(), 60, earlier=True))
    page.evaluate("() => { api.fetchTimeline = async () => { throw new Error('the log is gone'); }; }")
    page.locator(".lanes-view canvas").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".lanes-bar [role=status]")).to_have_text("Earlier time could not be loaded: the log is gone")
    assert [round(minute) for minute in span(page)][1] - round(span(page)[0]) == 60


def test_text_of_sessions_is_text(page: Page, address: str) -> None:
    tables = empty_tables()
    tables["lanes"]["s1"] = make_lane("s1", name=_HOSTILE, client=_HOSTILE)
    add_bar(tables, make_bar("s1", "E1", 5, 20, resource=_HOSTILE, note=_HOSTILE, agent=_HOSTILE))
    tables["marks"]["E2 refused "] = make_mark("refused", "E2", 30, "s1", resource=_HOSTILE, words=_HOSTILE)
    tables["messages"]["E3"] = make_message("E3", 40, "s1", ["nobody"], subject=_HOSTILE)
    open_lanes(page, address, timeline_of(tables, 60))
    page.get_by_text("Lanes as a list").click()
    canvas = page.locator(".lanes-view canvas")
    canvas.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        assert len(said(page)) < 900
        assert "\u202e" not in said(page)
        assert page.locator(".lanes-tip").inner_text() == said(page)
    assert page.locator("#lanes img").count() == 0
    assert page.title() == "lanes"
    assert max(map(len, page.locator(".lanes-list button").all_inner_texts())) < 900
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".legend > .chips button").click()
    assert view(page)["filter"]["resources"] == [_HOSTILE]


def test_the_list_says_what_is_visible_and_is_bounded(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(4, 80, 2000), 600))
    page.get_by_text("Lanes as a list").click()
    buttons = page.locator(".lanes-list button")
    expect(buttons).to_have_count(60 + 100)
    assert "more: zoom in or filter to list them." in page.locator(".lanes-list li").last.inner_text()
    buttons.nth(1).click()
    assert view(page)["open"]


def test_nothing_is_drawn_while_nothing_changes(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(1, 20, 200), 600))
    settle(page)
    page.evaluate(
        """() => {
          window.frames_asked = 0;
          const ask = window.requestAnimationFrame.bind(window);
          window.requestAnimationFrame = (done) => { window.frames_asked += 1; return ask(done); };
        }"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("frames_asked") == 0
    page.evaluate("(until) => store.receive({ timeline: { until, tables: {} } })", instant(601))
    assert page.evaluate("frames_asked") == 1


def test_rows_grow_while_panning_and_shrink_afterwards(page: Page, address: str) -> None:
    """A lane is as high as its visible bars need; while the span moves, it only grows."""
    tables = empty_tables()
    tables["lanes"]["ann"] = make_lane("ann")
    add_bar(tables, make_bar("ann", "E0", 0, 300, resource="file/long.py"))
    for number in range(5):
        add_bar(tables, make_bar("ann", f"E{number + 1}", 100, 110, resource=f"file/{number}.py"))
    rows = "lanes.state.placed.bands[0].rows"
    open_lanes(page, address, timeline_of(tables, 300), {"from": instant(10), "to": instant(70)})
    assert page.evaluate(rows) == 1
    page.evaluate("() => { window.setTimeout = (done) => { window.settled = done; }; }")
    page.locator(".lanes-view canvas").focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowLeft"):
        for _ in range(9):
            page.keyboard.press(key)
        frame(page)
        assert page.evaluate(rows) == 6
    page.evaluate("settled()")
    assert page.evaluate(rows) == 1


@pytest.mark.parametrize("width", [360, 1280])
def test_many_lanes_scroll_within_the_width(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    open_lanes(page, address, timeline_of(random_tables(1, 60, 600), 600))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    canvas = page.locator(".lanes-view canvas")
    canvas.focus()
    page.keyboard.press("ArrowDown")
    for _ in range(5):
        page.keyboard.press("PageDown")
    band = page.evaluate("[lanes.state.scroll, lanes.state.placed.bySession.get(lanes.state.selected.session).top]")
    assert band[0] > 0
    assert band[0] <= band[1] <= band[0] + 740


def test_a_tap_opens_and_a_pinch_zooms(page: Page, address: str) -> None:
    open_lanes(page, address, timeline_of(random_tables(1, 6, 60), 600))
    before = span(page)
    page.evaluate(
        """() => {
          const canvas = document.querySelector(".lanes-view canvas"), box = canvas.getBoundingClientRect();
          canvas.setPointerCapture = () => {};
          const send = (type, pointerId, x) => canvas.dispatchEvent(new PointerEvent(type, {
            pointerId, pointerType: "touch", clientX: box.left + x, clientY: box.top + 90, bubbles: true }));
          send("pointerdown", 1, 500);
          send("pointerdown", 2, 600);
          for (let n = 1; n <= 10; n += 1) {
            send("pointermove", 1, 500 - 10 * n);
            send("pointermove", 2, 600 + 10 * n);
          }
          send("pointerup", 1, 400);
          send("pointerup", 2, 700);
        }"""
    )
    shown = span(page)
    assert shown[1] - shown[0] == pytest.approx((before[1] - before[0]) / 3, rel=0.02)
    assert view(page)["open"] == ""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_axe_finds_nothing_in_the_lanes(browser: Browser, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    open_lanes(
        page, address, timeline_of(random_tables(5, 9, 60, 240), 240), {"from": instant(100), "to": instant(200)}
    )
    for words in ("more", "What the signs mean", "Lanes as a list"):
        page.locator("#lanes summary").get_by_text(words).click()
    page.locator(".legend > .chips button").first.click()
    page.locator(".lanes-view canvas").focus()
    page.keyboard.press("ArrowDown")
    found = [
        f"{rule['id']}: {[node['html'] for node in rule['nodes']][:3]}"
        for rule in Axe().run(page).response["violations"]
    ]
    context.close()
    assert [text for text in found if not text.startswith(("page-has-heading-one", "landmark"))] == []
