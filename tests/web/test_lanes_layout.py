"""Properties of the lanes' pure functions, in a browser: rows, hidden lanes, scale, appearance, items at a point."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.web.lanes_page import (
    Tables,
    add_bar,
    empty_tables,
    instant,
    make_bar,
    make_lane,
    make_message,
    random_tables,
    serve_static,
)

_SNAPSHOT = """(model) => model.order.map((lane) => [
  lane.session, lane.start, lane.end === Infinity ? "open" : lane.end, lane.shown,
  lane.rows.map((row) => row.map((bar) => [bar.key, bar.line])),
  lane.marks.map((mark) => mark.key), lane.sent.map((item) => item.key),
])"""


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that has the modules as `layout`, `span`, `appearance`, `labels` and `placement`."""
    with serve_static() as address:
        page = browser.new_context(timezone_id="Europe/Berlin").new_page()
        page.route("**/empty", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
        page.goto(f"{address}/empty")
        names = ("layout", "span", "appearance", "labels", "placement")
        page.evaluate(
            "async (names) => { for (const name of names) window[name] = await import(`/static/lanes/${name}.js`); }",
            names,
        )
        page.evaluate("async () => { window.toMs = (await import('/static/core/format.js')).toMs; }")
        page.evaluate(f"() => {{ window.snapshot = {_SNAPSHOT}; }}")
        page.evaluate(
            "() => { window.maps = (tables) => Object.fromEntries("
            "Object.entries(tables).map(([name, rows]) => [name, new Map(Object.entries(rows))])); }"
        )
        yield page
        page.context.close()


def packed(modules: Page, tables: Tables) -> dict[str, list[list[list[Any]]]]:
    """Return the rows of each lane, each bar as its key, start and end; an open one ends at infinity."""
    rows: dict[str, list[list[list[Any]]]] = modules.evaluate(
        """(tables) => {
          const model = layout.createModel();
          layout.updateModel(model, maps(tables));
          return Object.fromEntries(model.order.map((lane) => [
            lane.session, lane.rows.map((row) => row.map((bar) => [bar.key, bar.at, Math.min(bar.end, 1e15)]))]));
        }""",
        tables,
    )
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_bars_of_a_row_never_overlap(modules: Page, seed: int) -> None:
    tables = random_tables(seed, sessions=1 + seed, claims=40 + 60 * seed)
    lanes = packed(modules, tables)
    for rows in lanes.values():
        for row in rows:
            assert all(before[2] <= after[1] for before, after in pairwise(row))
    drawn = [bar[0] for rows in lanes.values() for row in rows for bar in row]
    assert sorted(drawn) == sorted(tables["bars"])
    assert all(
        tables["bars"][bar[0]]["session"] == session for session, rows in lanes.items() for row in rows for bar in row
    )


def test_a_wait_is_before_the_claim_it_became(modules: Page) -> None:
    tables = empty_tables()
    for start, claim in ((0, "A"), (1, "B"), (2, "C")):
        add_bar(tables, make_bar("s", claim, start, 10, kind="wait", how="granted"))
        add_bar(tables, make_bar("s", claim, 10, 20))
    rows = [[bar[0].split()[:2] for bar in row] for row in packed(modules, tables)["s"]]
    assert rows == [[[claim, "wait"], [claim, "claim"]] for claim in "ABC"]


def test_times_below_a_millisecond_are_kept(modules: Page) -> None:
    tables = empty_tables()
    for number in range(3):
        start = f"2026-03-01T08:00:00.0001{number}0Z".replace("0Z", "00Z")[:26] + "Z"
        add_bar(tables, make_bar("s", f"E{number}", 0, 1) | {"start": start, "end": start[:-2] + "5Z"})
    assert len(packed(modules, tables)["s"]) == 1


@pytest.mark.parametrize("seed", range(6))
def test_incremental_equals_from_scratch(modules: Page, seed: int) -> None:
    """The same rows, in pieces and with rows that change and vanish, give the same lanes."""
    rng, tables = random.Random(seed), random_tables(seed, 12, 300)
    steps: list[Tables] = []
    shown = empty_tables()
    keys = [(name, key) for name, rows in tables.items() for key in rows]
    rng.shuffle(keys)
    for part in range(8):
        changed = empty_tables()
        for name, key in keys[part::8]:
            row = dict(tables[name][key])
            changed[name][key] = shown[name][key] = row | (
                {"end": "", "how": ""} if name == "bars" and part < 4 else {}
            )
        for name, key in rng.sample([(n, k) for n in shown for k in shown[n]], 10):
            changed[name][key] = None
            shown[name].pop(key)
        steps.append(changed)
    steps.append({name: {key: dict(tables[name][key]) for key in shown[name]} for name in tables})
    same = modules.evaluate(
        """([steps, filter]) => {
          const tables = maps({ lanes: {}, bars: {}, marks: {}, messages: {}, links: {} });
          const model = layout.createModel();
          for (const [n, step] of steps.entries()) {
            for (const [name, rows] of Object.entries(step))
              for (const [key, row] of Object.entries(rows))
                row ? tables[name].set(key, row) : tables[name].delete(key);
            layout.updateModel(model, tables, n % 3 ? {} : filter);
          }
          const scratch = layout.createModel();
          layout.updateModel(model, tables, filter);
          layout.updateModel(scratch, tables, filter);
          const counts = (model) => JSON.stringify([...model.resources].sort());
          return JSON.stringify(snapshot(model)) === JSON.stringify(snapshot(scratch))
            && counts(model) === counts(scratch) && snapshot(model).length > 3;
        }""",
        [steps, {"text": "", "sessions": [], "resources": ["file/src/core/a.py"] if seed % 2 else []}],
    )
    assert same


def test_a_changed_row_repacks_only_its_lane(modules: Page) -> None:
    tables = random_tables(3, 20, 400)
    key, row = next(iter(tables["bars"].items()))
    repacked = modules.evaluate(
        """([tables, key, row]) => {
          const model = layout.createModel(), shown = maps(tables);
          layout.updateModel(model, shown);
          const nothing = layout.updateModel(model, shown);
          shown.bars.set(key, row);
          return [nothing, layout.updateModel(model, shown)];
        }""",
        [tables, key, row | {"how": "expired"}],
    )
    assert repacked == [[], [row["session"]]]


def test_lanes_are_in_order_of_their_first_event(modules: Page) -> None:
    tables = empty_tables()
    for session, start, end in (("late", 30, None), ("early", 1, 5), ("middle", 10, 40)):
        tables["lanes"][session] = make_lane(session, start, end)
    assert list(packed(modules, tables)) == ["early", "middle", "late"]
    tables["lanes"]["late"] = make_lane("late", 30, 50)
    assert list(packed(modules, tables)) == ["early", "middle", "late"]


def test_rows_of_unknown_sessions_have_a_lane(modules: Page) -> None:
    tables = empty_tables()
    add_bar(tables, make_bar("ghost", "E1", 0, 5))
    tables["messages"]["E2"] = make_message("E2", 1, "stranger", ["ghost"])
    assert set(packed(modules, tables)) == {"ghost", "stranger"}


@pytest.mark.parametrize("seed", range(3))
def test_search_finds_the_same_as_a_scan(modules: Page, seed: int) -> None:
    """What is visible, and what is at a point, is found by bisection; a scan of all bars finds the same."""
    same = modules.evaluate(
        """([tables, from, to]) => {
          const model = layout.createModel();
          layout.updateModel(model, maps(tables));
          const placed = layout.placeLanes(model.order, layout.WIDE);
          const start = toMs(from), length = toMs(to) - start;
          const keys = (bars) => bars.map((bar) => bar.key).join();
          let compared = 0;
          for (let n = 0; n < 60; n += 1) {
            const shown = { start: start + (n / 60) * length, end: start + ((n + 1 + n % 7) / 60) * length };
            for (const band of placed.bands) {
              for (const row of band.lane.rows) {
                const scan = row.filter((bar) => bar.end >= shown.start && bar.at <= shown.end);
                if (keys(scan) !== keys(layout.visibleBars(row, shown))) return "bars";
                compared += scan.length;
              }
              const y = band.top + (n / 60) * band.height;
              if (layout.bandAt(placed.bands, y) !== band) return "band";
              const hit = layout.barAt(band, shown.start, y, 0);
              const bars = band.lane.rows.flat().filter((bar) => bar.at <= shown.start && shown.start <= bar.end);
              const there = bars.filter((bar) => bar.line === Math.floor((y - band.first) / band.pitch));
              if (there.length ? !there.includes(hit) : hit) return "bar";
            }
          }
          return compared > 100 || "nothing";
        }""",
        [random_tables(seed, 15, 500), instant(0), instant(600)],
    )
    assert same is True


def test_zoom_and_pan_keep_the_time_under_the_pointer(modules: Page) -> None:
    worst = modules.evaluate(
        """() => {
          const bounds = { start: 0, end: 86400000 };
          let shown = { start: 20000000, end: 60000000 }, worst = 0;
          for (let n = 0; n < 200; n += 1) {
            const x = 200 + (n * 37) % 900, factor = n % 3 ? 1.13 : 1 / 1.2;
            const before = span.makeScale(shown, 190, 1200), time = before.time(x);
            const next = span.zoomSpan(shown, factor, time, bounds);
            if (next.start > bounds.start && next.end < bounds.end)
              worst = Math.max(worst, Math.abs(span.makeScale(next, 190, 1200).x(time) - x));
            const panned = span.panSpan(next, before.time(0) - before.time(5), bounds);
            if (Math.abs((panned.end - panned.start) - (next.end - next.start)) > 0.001) return "length";
            if (panned.start < bounds.start || panned.end > bounds.end + 0.001) return "bounds";
            shown = panned;
          }
          return worst;
        }"""
    )
    assert worst < 0.01


def test_a_span_stays_within_its_bounds(modules: Page) -> None:
    assert modules.evaluate("span.clampSpan({ start: -50000, end: 5000 }, { start: 0, end: 60000 })") == {
        "start": 0,
        "end": 55000,
    }
    assert modules.evaluate("span.clampSpan({ start: 0, end: 1e9 }, { start: 0, end: 60000 })") == {
        "start": 0,
        "end": 60000,
    }
    assert modules.evaluate("span.zoomSpan({ start: 0, end: 9000 }, 1e9, 5000, { start: 0, end: 60000 })") == {
        "start": pytest.approx(5000 - 5000 * 2 / 9),
        "end": pytest.approx(5000 + 4000 * 2 / 9),
    }


@pytest.mark.parametrize("hours", [0.001, 0.02, 0.5, 3, 24, 24 * 7, 24 * 400])
def test_ticks_have_room_and_name_the_day(modules: Page, hours: float) -> None:
    start = 1772400000_000 + 20 * 3_600_000
    ticks = modules.evaluate(
        "([start, end]) => span.ticks(span.makeScale({ start, end }, 0, 1000), 84)", [start, start + hours * 3_600_000]
    )
    assert 1 <= len(ticks) <= 12
    assert all(after["x"] - before["x"] >= 84 for before, after in pairwise(ticks))
    assert all(-0.01 <= tick["x"] <= 1000.01 for tick in ticks)
    assert any(tick["day"] or " " in tick["label"] for tick in ticks) == (hours >= 24)


def test_looks_have_a_colour_a_texture_and_a_label(modules: Page) -> None:
    """No two of the looks share both colour and texture; a bar's look is the same in every browser."""
    looks = modules.evaluate(
        "(names) => names.map((name) => Object.values(appearance.lookOf(name)))", [f"file/{n}" for n in range(2000)]
    )
    pairs = {tuple(look) for look in looks}
    assert len(pairs) == 32
    assert {texture for _colour, texture in pairs} == {"", "dots", "lines", "posts"}
    most = max(looks.count(list(pair)) for pair in pairs)
    assert most < 4 * 2000 / 32
    assert modules.evaluate("['', 'a', 'foobar'].map((text) => appearance.hash(text))") == [
        2166202364,
        3826114868,
        3214771793,
    ]


def test_hostile_text_is_one_short_line(modules: Page) -> None:
    texts = [
        "<img src=x onerror=alert(1)>",
        "a\u202eb\u2066c",
        "x" * 10_000,
        "one\ntwo\tthree",
        "z" + "\u0301" * 500,
        "\ud800",
    ]
    shown = modules.evaluate("(texts) => texts.map((text) => labels.clean(text, 80))", texts)
    assert shown[0] == texts[0]
    assert shown[1] == "a\\u202eb\\u2066c"
    assert shown[2] == "x" * 79 + "…"
    assert shown[3] == "one ⏎ two three"
    assert len(shown[4]) <= 80
    assert all(len(text) <= 80 for text in shown)


def test_lanes_outside_the_span_are_counted(modules: Page) -> None:
    tables = empty_tables()
    for session, start, end in (("over", 0, 10), ("here", 5, 40), ("open", 2, None), ("later", 50, None)):
        tables["lanes"][session] = make_lane(session, start, end)
    folded = modules.evaluate(
        """([tables, start, end]) => {
          const model = layout.createModel();
          layout.updateModel(model, maps(tables));
          const shown = { start: toMs(start), end: toMs(end) };
          const { lanes, ended, later } = layout.lanesInSpan(model, shown, () => false);
          const all = layout.lanesInSpan(model, shown, () => true).lanes;
          return [lanes.map((lane) => lane.session), ended, later, all.length];
        }""",
        [tables, instant(20), instant(30)],
    )
    assert folded == [["open", "here"], 1, 1, 4]


def test_signs_that_would_overlap_are_one(modules: Page) -> None:
    tables = random_tables(2, 3, 900, minutes=60)
    apart = modules.evaluate(
        """([tables, start, end]) => {
          const model = layout.createModel();
          layout.updateModel(model, maps(tables));
          const shown = { start: toMs(start), end: toMs(end) }, scale = span.makeScale(shown, 190, 1200);
          return model.order.map((lane) => {
            const signs = placement.placeSigns(lane, scale, shown, () => true);
            const items = signs.reduce((sum, sign) => sum + sign.items.length, 0);
            const isApart = (sign, n) => !n || sign.x - signs[n - 1].x >= placement.SIGN - 0.001;
            return [items === lane.marks.length + lane.sent.length, signs.every(isApart)];
          });
        }""",
        [tables, instant(-10), instant(70)],
    )
    assert apart == [[True, True]] * 3
