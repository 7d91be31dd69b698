"""A timeline has everything in its period once, and so does its picture."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.render.timeline.layout import lay_out
from coord.render.timeline.parts import RIGHT
from coord.render.timeline.svg import render_svg
from eventlog.events import NEVER, ClaimRequested, Event
from projections.rules.fold import as_of, fold
from projections.rules.state import Decision, State
from projections.views.intervals.analysis import analyze_history
from projections.views.point_in_time import after_event, after_instant
from projections.views.timeline.period import Timeline, build_timeline
from tests.support.histories import at, histories, seconds
from tests.support.timeline_geometry import SVG, check_geometry

pytestmark = pytest.mark.slow

_MARKS = ("died", "lost", "broken", "refused", "void")


@st.composite
def periods(draw: st.DrawFn) -> tuple[list[Event], int, str]:
    """A history, the number of its events before the period, and the end of the period."""
    events = draw(histories(max_events=30))
    until = at(seconds(events[-1].at) + draw(st.sampled_from((0, 1, 90, 9000))))
    return events, draw(st.integers(0, len(events)) | st.just(0)), until


def _timeline(period: tuple[list[Event], int, str]) -> Timeline:
    events, first, until = period
    since = after_event(events[first - 1]) if first else after_instant("")
    return build_timeline(analyze_history(events, until), since, until)


def _decisions(period: tuple[list[Event], int, str]) -> list[Decision]:
    """The decisions in the period: those of a fold that continues from its beginning."""
    events, first, until = period
    found: list[Decision] = []
    state = fold(State(), events[:first])
    as_of(fold(state, events[first:], found.append), until, found.append)
    return found


@given(periods())
def test_every_refusal_loss_break_and_void_handover_is_one_mark(period: tuple[list[Event], int, str]) -> None:
    """A request that was told granted is marked as lost, and not also as refused."""
    told = {event.id: event.payload.told for event in period[0] if isinstance(event.payload, ClaimRequested)}
    expected = Counter(
        (said.what, said.cause, said.claim, said.session)
        for said in _decisions(period)
        if said.what in _MARKS and (said.what != "refused" or told[said.claim] != "granted")
    )
    marks = _timeline(period).marks
    assert Counter((m.kind, m.id, m.claim, m.session) for m in marks if m.kind != "died") == expected


@given(periods())
def test_every_death_is_one_mark(period: tuple[list[Event], int, str]) -> None:
    events, first, _ = period
    state, expected = fold(State(), events[:first]), []
    for event in events[first:]:
        before = {name: session.status for name, session in state.sessions.items()}
        fold(state, [event])
        expected += [(event.id, s.id) for s in state.sessions.values() if before.get(s.id) != s.status == "dead"]
    assert [(mark.id, mark.session) for mark in _timeline(period).marks if mark.kind == "died"] == expected


@given(periods())
def test_every_claim_and_wait_is_one_bar_in_its_lane(period: tuple[list[Event], int, str]) -> None:
    """These are the claims and waits at the beginning of the period, and those that start in it."""
    events, first, _ = period
    before = as_of(fold(State(), events[:first]), events[first - 1].at) if first else State()
    expected = Counter([("claim", c.id, c.session, c.granted_at) for c in before.claims.values()])
    expected += Counter([("wait", w.id, w.session, w.asked_at) for w in before.waits.values()])
    kinds = {"granted": "claim", "waiting": "wait"}
    begun = [said for said in _decisions(period) if said.what in kinds]
    expected += Counter((kinds[said.what], said.claim, said.session, said.at) for said in begun)
    found = [(lane.session, span) for lane in _timeline(period).lanes for row in lane.rows for span in row]
    assert Counter((span.kind, span.id, session, span.start) for session, span in found) == expected
    assert all(session == span.session for session, span in found)


@given(periods())
def test_the_bars_of_a_row_do_not_overlap_in_time(period: tuple[list[Event], int, str]) -> None:
    for lane in _timeline(period).lanes:
        for row in lane.rows:
            assert all((before.end or NEVER) <= after.start for before, after in pairwise(row))


@given(periods())
def test_every_session_has_one_lane_in_order_of_arrival(period: tuple[list[Event], int, str]) -> None:
    events, first, _ = period
    found = _timeline(period)
    sessions = [lane.session for lane in found.lanes]
    order = list(dict.fromkeys(event.actor for event in events))
    assert sessions == sorted(sessions, key=order.index)
    assert len(set(sessions)) == len(sessions)
    assert {event.actor for event in events[first:]} <= set(sessions)
    for link in found.links:
        assert {link.session, link.to} <= set(sessions)
    assert {mark.session for mark in found.marks} <= set(sessions)


# --- the picture ----------------------------------------------------------------------------------------------------


@given(periods())
def test_the_bars_of_a_lane_do_not_overlap_in_the_picture(period: tuple[list[Event], int, str]) -> None:
    for band in lay_out(_timeline(period)).bands:
        for a, b in combinations(band.bars, 2):
            assert a.y != b.y or a.x1 <= b.x0 or b.x1 <= a.x0
        assert all(band.top < bar.y and bar.x1 <= RIGHT for bar in band.bars)


@given(periods())
def test_the_tooltips_of_a_picture_name_everything_once(period: tuple[list[Event], int, str]) -> None:
    found = _timeline(period)
    expected: Counter[tuple[str, str]] = Counter(
        (span.kind, span.id) for lane in found.lanes for row in lane.rows for span in row
    )
    expected.update((mark.kind, mark.id) for mark in found.marks)
    assert Counter(_titles(fromstring(render_svg(found)))) == expected


def _titles(root: Element) -> Iterator[tuple[str, str]]:
    for group in root.iter(f"{SVG}g"):
        if group.get("class") in ("claim", "wait", *_MARKS):
            title = group.find(f"{SVG}title")
            assert title is not None
            for row in (title.text or "").splitlines():
                yield str(group.get("class")), row.partition(":")[0]


@given(periods())
def test_everything_is_on_the_canvas_and_no_texts_overlap(period: tuple[list[Event], int, str]) -> None:
    check_geometry(render_svg(_timeline(period)))
