"""The tables of the guard's view, and the texts that a hook writes without the modules that other commands use."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.guard_index import encode_view, guard_rows, hook_view
from coord.guard import denial
from coord.guard.denial import time_text
from coord.guard.view import HookView, Table, micros_of
from coord.render import format
from coord.workspace.config import Config
from eventlog.events import NEVER, SessionStarted, from_micros, to_micros
from projections.rules.liveness import ObserverHost
from projections.rules.resources import overlap
from tests.support.histories import Story, at
from tests.support.time_zones import zone

HERE = ObserverHost("north", "boot-1", "pid:[1]")
_KEYS = st.text(st.sampled_from('ab/\n\r"\\é*,[]:\x7f\x85 \U0001f600'), max_size=4)
_PARTS = st.sampled_from(["src", "lib", "a.py", "b.py", "**", "*", "*.py", "a?"])
_FILES = st.builds(
    lambda parts, end: f"file/{'/'.join(parts)}{end}",
    st.lists(_PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)
_INSTANTS = st.integers(to_micros("0001-01-01T00:00:00.000000Z"), to_micros(NEVER)).map(from_micros)


@given(st.lists(st.tuples(_KEYS, st.integers())), _KEYS)
def test_a_table_returns_the_values_of_a_key(entries: list[tuple[str, int]], other: str) -> None:
    lines = msgspec.json.Encoder().encode_lines(entries).splitlines(keepends=True)
    table = Table(b"".join(sorted(lines)))
    for key in [other, *dict(entries)]:
        assert sorted(table.get(key)) == sorted(value for name, value in entries if name == key)
    assert sorted(map(tuple, table.entries())) == sorted(entries)


@given(st.lists(_FILES, max_size=8), st.lists(_FILES, max_size=3))
def test_the_rows_near_a_file_are_all_rows_that_overlap(held: list[str], wanted: list[str]) -> None:
    story = Story("amber", "brown")
    for number, resource in enumerate(held):
        story.asks(number + 1, "amber", resource, mode="shared")
    state = story.state(50)
    for resource in wanted:
        whole = HookView(*encode_view(state, Config(), HERE), 0)
        limited = hook_view(state, Config(), HERE, at(99), "brown", [resource])
        expected = [claim.id for claim in state.claims.values() if overlap(claim.resource, resource)]
        for view in (whole, limited):
            near = [row.id for row in view.rows_near(resource) if overlap(row.resource, resource)]
            assert near == expected


def test_a_limited_view_knows_the_sessions_that_it_shows() -> None:
    story = Story("amber", "brown", "coral")
    story.asks(1, "amber", "file/a.py")
    story.asks(2, "coral", "file/b.py")
    state = story.state(50)
    view, whole = (hook_view(state, Config(), HERE, at(3), "brown", files) for files in (["file/a.py"], None))
    assert [vars(view.session(name) or view) for name in ("amber", "brown")] == [
        vars(whole.session(name) or whole) for name in ("amber", "brown")
    ]
    assert view.session("coral") is None
    assert [row.resource for row in whole.rows()] == ["file/a.py", "file/b.py"]
    assert [holder for holder, *_ in whole.held_files()] == ["amber", "coral"]


def test_a_row_of_the_view_is_that_of_the_state() -> None:
    story = Story("amber", "brown")
    story.beats(1, "amber", "fixing", target="the parser")
    story.asks(2, "amber", "file/a.py", worktree="main")
    story.asks(3, "brown", "file/a.py", "waiting", wait_s=60)
    state = story.state(50)
    saved = HookView(*encode_view(state, Config(), HERE), 0).rows()
    built = guard_rows(state, Config(), [*state.claims.values(), *state.waits.values()])
    for row, other in zip(saved, built, strict=True):
        assert denial.row_text(row, row.resource, "brown") == denial.row_text(other, row.resource, "brown")
        assert (row.id, row.ends, row.patience_s) == (other.id, other.ends, other.patience_s)
    assert [row.waiting for row in saved] == [False, True]


def test_a_name_of_two_live_sessions_is_shown_with_the_id() -> None:
    story = Story("amber", "brown", "coral")
    for second, session, name in ((1, "amber", "twin"), (2, "brown", "twin"), (3, "coral", "only")):
        story.tell(second, session, SessionStarted(machine="north", name=name))
        story.asks(second + 3, session, f"file/{session}")
    state = story.state(50)
    texts = [
        denial.row_text(row, row.resource, "").partition(" has ")[0]
        for row in guard_rows(state, Config(), state.claims.values())
    ]
    assert texts == ["twin (amber)", "twin (brown)", "only"]


@given(_INSTANTS)
def test_a_hook_reads_an_instant_like_other_commands(instant: str) -> None:
    assert micros_of(instant) == to_micros(instant)


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Pyongyang", "Africa/Casablanca", "Australia/Lord_Howe"]
)
def test_a_hook_writes_a_time_like_other_commands(name: str) -> None:
    rng = random.Random(name)
    first, last = to_micros("1990-01-01T00:00:00.000000Z"), to_micros("2037-01-01T00:00:00.000000Z")
    with zone(name):
        for _ in range(2000):
            moment = from_micros(rng.randrange(first, last))
            since = from_micros(to_micros(moment) - rng.randrange(2 * 86_400_000_000))
            assert time_text(moment, since) == format.time_text(moment, since)
            assert time_text(moment) == format.time_text(moment, "")
        for extreme in ("0001-01-01T00:00:00.000000Z", NEVER):
            assert time_text(extreme) == format.time_text(extreme, "")


def test_a_hook_calls_an_automatic_claim_like_other_commands() -> None:
    assert denial.UNTIL_COMMITTED == format.UNTIL_COMMITTED


@given(st.text(max_size=100), st.integers(5, 90))
def test_a_hook_writes_a_line_like_other_commands(text: str, limit: int) -> None:
    assert denial._line(text, limit) == format.line(text, limit)


def test_the_text_of_a_hostile_claim_is_one_line() -> None:
    story = Story("amber")
    story.asks(1, "amber", "file/\x1b[2J\nevil”")
    (row,) = guard_rows(story.state(50), Config(), story.state().claims.values())
    fields: dict[str, Any] = vars(row) | {"note": "a”\nb"}
    text = denial.row_text(type(row).read(fields), row.resource, "")
    assert text.isprintable()
    assert text.count("“") == text.count("”") - 1, "the quotation is not closed by the note"
