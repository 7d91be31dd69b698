"""The state of the page in a browser: changes of the timeline, earlier spans, limits, and subscribers that fail."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.web.fakes import FakeServer

Json = dict[str, Any]
TABLES = ("lanes", "bars", "marks", "messages", "links")
IMPORT = "const t = await import('/static/core/timeline.js'), s = await import('/static/core/store.js');"
AS_ROWS = (
    "timeline => ({...timeline, tables: "
    "Object.fromEntries(Object.entries(timeline.tables).map(([name, table]) => [name, [...table].sort()]))})"
)


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    server = FakeServer()
    page.goto(server.address)
    yield page
    page.goto("about:blank")
    server.kill()


def run(page: Page, code: str, argument: Any = None) -> Any:
    """Run JavaScript with the modules `t` (timeline) and `s` (store), `rows` (a timeline as JSON) and `data`."""
    return page.evaluate(f"async data => {{ {IMPORT} const rows = {AS_ROWS}; {code} }}", argument)


def at(n: int) -> str:
    return f"2026-11-22T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}.000000Z"


def random_change(rng: random.Random, n: int) -> Json:
    """Return changes of a few rows; about one in eight replaces everything."""
    tables: dict[str, Json] = {name: {} for name in TABLES}
    for _ in range(rng.randrange(8)):
        key = f"k{rng.randrange(12)}"
        tables[rng.choice(TABLES)][key] = (
            None if rng.random() < 0.3 else {"at": at(n), "n": rng.randrange(99), "lives": []}
        )
    reset = n == 0 or rng.random() < 0.12
    return {"reset": reset, "since": at(n) if reset else at(0), "until": at(n), "earlier": reset, "tables": tables}


def merged(changes: list[Json]) -> Json:
    """Return several changes as one, as the server sends them when a browser was slow."""
    starts = [index for index, change in enumerate(changes) if change["reset"]]
    kept = changes[starts[-1] :] if starts else changes
    tables: dict[str, Json] = {name: {} for name in TABLES}
    for change in kept:
        for name in TABLES:
            tables[name] |= change["tables"][name]
    return {**kept[0], "until": kept[-1]["until"], "tables": tables}


@pytest.mark.parametrize("seed", range(6))
def test_changes_give_the_same_timeline_in_any_grouping(page: Page, seed: int) -> None:
    rng = random.Random(seed)
    changes = [random_change(rng, n) for n in range(40)]
    groups, rest = [], list(changes)
    while rest:
        size = rng.randrange(1, 9)
        groups.append(merged(rest[:size]))
        rest = rest[size:]
    results = run(
        page,
        """return data.map(changes => {
            const timeline = t.emptyTimeline();
            for (const change of changes) t.applyChanges(timeline, change);
            return rows(timeline);
        });""",
        [changes, groups, [merged(changes)]],
    )
    assert results[0] == results[1] == results[2]


def test_a_whole_timeline_passes_to_another_tab(page: Page) -> None:
    changes = [random_change(random.Random(8), n) for n in range(20)]
    one, other = run(
        page,
        """const one = t.emptyTimeline(), other = t.emptyTimeline();
        for (const change of data) t.applyChanges(one, change);
        t.applyChanges(other, structuredClone(t.asReset(one)));
        return [rows(one), rows(other)];""",
        changes,
    )
    assert one == other


def test_an_earlier_span_keeps_the_known_rows(page: Page) -> None:
    life, before = {"start": at(50), "end": ""}, {"start": at(5), "end": at(9)}
    lane = {"session": "s", "first_at": at(50), "last_at": at(60), "lives": [life]}
    earlier = {**lane, "first_at": at(5), "last_at": at(9), "lives": [before]}
    live = {
        "reset": True,
        "since": at(40),
        "until": at(60),
        "earlier": True,
        "tables": {"lanes": {"s": lane}, "marks": {"m": {"at": at(41)}}},
    }
    span = {
        "since": at(2),
        "until": at(40),
        "earlier": False,
        "tables": {"lanes": {"s": earlier}, "marks": {"m": {"at": "x"}, "o": {"at": at(3)}}},
    }
    result = run(
        page,
        """const timeline = t.emptyTimeline();
        t.applyChanges(timeline, data[0]);
        t.addEarlier(timeline, data[1]);
        return rows(timeline);""",
        [live, span],
    )
    assert result["since"] == at(2)
    assert result["until"] == at(60)
    assert not result["earlier"]
    assert result["tables"]["lanes"] == [["s", {**lane, "first_at": at(5), "lives": [before, life]}]]
    assert result["tables"]["marks"] == [["m", {"at": at(41)}], ["o", {"at": at(3)}]]


def test_old_rows_are_dropped_beyond_a_limit(page: Page) -> None:
    sizes, since, earlier, open_bars = run(
        page,
        """const timeline = t.emptyTimeline(), at = n => new Date(n * 1000).toISOString().replace('Z', '000Z');
        timeline.since = at(0);
        const sizes = [];
        for (let n = 1; n <= 500; n += 1) {
            timeline.tables.marks.set(`m${n}`, {at: at(n)});
            timeline.tables.bars.set(`b${n}`, {start: at(n), end: n % 50 ? at(n + 1) : ''});
            t.dropOldRows(timeline, 100);
            sizes.push(timeline.tables.marks.size + timeline.tables.bars.size);
        }
        const open = [...timeline.tables.bars.values()].filter(bar => !bar.end).length;
        return [sizes, timeline.since, timeline.earlier, open];""",
    )
    assert max(sizes) <= 102
    assert since > "1970-01-01T00:06:00"
    assert earlier
    assert open_bars == 10


def test_an_error_in_one_part_leaves_the_others(page: Page) -> None:
    heard = run(
        page,
        """const store = s.createStore(), heard = [];
        window.reportError = error => heard.push(error.message);
        store.subscribe(() => { throw new Error('broken'); });
        store.subscribe(changed => heard.push([...changed].sort().join()));
        store.receive({moment: {counts: {needs: 2}}});
        store.setView({at: 'a/1'});
        store.receive({moment: {counts: {needs: 3}}});
        store.setView({at: ''});
        return [heard, store.count, store.moment === store.live];""",
    )
    assert heard == [
        ["broken", "count,live,moment", "broken", "view", "broken", "count,live", "broken", "moment,view"],
        3,
        True,
    ]


def test_names_of_rows_are_only_keys(page: Page) -> None:
    """Keys that mean something to JavaScript are keys like any other."""
    result = run(
        page,
        """const timeline = t.emptyTimeline();
        t.applyChanges(timeline, JSON.parse(data));
        return [rows(timeline).tables, ({}).at === undefined];""",
        '{"reset": true, "since": "", "until": "", "tables": {"marks": {"__proto__": {"at": "1"},'
        ' "constructor": {"at": "2"}}, "__proto__": {"x": 1}, "other": {"y": 1}}}',
    )
    assert result == [
        {
            "lanes": [],
            "bars": [],
            "marks": [["__proto__", {"at": "1"}], ["constructor", {"at": "2"}]],
            "messages": [],
            "links": [],
        },
        True,
    ]
