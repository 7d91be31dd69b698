"""The positions of everything in the picture of a timeline, in pixels. `coord.render.timeline.svg` draws it.

1. Everything lies within the canvas. Its width is fixed, and its height grows with the lanes.
2. The bars of a lane do not overlap, even where a short one is drawn longer so that it can be seen.
3. No text overlaps another, and no arrow crosses one. A label is placed where there is room for it, shortened if
   necessary, or left out.
4. Lanes and rows that do not fit are left out and counted. Marks or messages that would cover each other share one
   symbol. If there are too many messages for arrows, each is a symbol on its sender's lane.
"""

from collections.abc import Sequence

from coord.render.format import plural
from coord.render.timeline.labels import Crossing, label_bars, label_symbols
from coord.render.timeline.marks import place_arrows, place_symbols
from coord.render.timeline.parts import AXIS, BAR, LEFT, RIGHT, ROW, TOP, LaneBand, Layout, LinkLine, SpanBar
from coord.render.timeline.scale import Scale, make_scale
from projections.views.intervals.values import ClaimInterval
from projections.views.timeline.period import Lane, Timeline
from projections.views.timeline.rows import Mark, TimelineMessage

MOST_LANES, MOST_ROWS, MOST_BARS = 24, 8, 4000
_SHORTEST = 3.0  # the least length of a bar


def lay_out(timeline: Timeline) -> Layout:
    """Place everything of a timeline."""
    scale = make_scale(timeline.since, timeline.until, LEFT + 10, RIGHT - 12)
    lanes = _busiest(timeline)
    most = _rows_that_fit(lanes)
    bands = _bands(lanes, most, scale)
    by_session = {band.lane.session: band for band in bands}
    arrows, without_arrow, crowded = place_arrows(timeline, by_session, scale)
    for session, band in by_session.items():
        marks = [mark for mark in timeline.marks if mark.session == session]
        band.symbols = place_symbols(marks, without_arrow.get(session, []), scale)
    links = _link_lines(timeline, by_session, scale)
    lines = [*((arrow.x, arrow.y0, arrow.y1) for arrow in arrows), *((link.x, link.y0, link.y1) for link in links)]
    crossings = [Crossing(x, min(y0, y1), max(y0, y1)) for x, y0, y1 in lines]
    for band in bands:
        label_bars(band.bars, crossings)
        label_symbols(band, arrows, crossings)
    return Layout(
        scale=scale,
        bands=bands,
        arrows=arrows,
        links=links,
        left_out=_left_out(timeline, lanes, most),
        crowded=crowded,
    )


def _busiest(timeline: Timeline) -> list[Lane]:
    """Return the lanes to show: those with the most bars, marks and messages, in their order."""
    counts: dict[str, int] = {lane.session: sum(map(len, lane.rows)) for lane in timeline.lanes}
    items: list[Mark | TimelineMessage] = [*timeline.marks, *timeline.messages]
    for item in items:
        counts[item.session] += 1
    shown = set(sorted(counts, key=lambda session: -counts[session])[:MOST_LANES])
    return [lane for lane in timeline.lanes if lane.session in shown]


def _rows_that_fit(lanes: Sequence[Lane]) -> int:
    """Return how many rows of each lane to show, so that the total of bars stays within `MOST_BARS`."""
    for most in range(MOST_ROWS, 1, -1):
        if sum(len(row) for lane in lanes for row in lane.rows[:most]) <= MOST_BARS:
            return most
    return 1


def _bands(lanes: Sequence[Lane], most: int, scale: Scale) -> list[LaneBand]:
    """Place the lanes below each other, each with at most `most` rows of bars."""
    bands: list[LaneBand] = []
    top = TOP
    for lane in lanes:
        rows = lane.rows[:most]
        bars = [bar for number, row in enumerate(rows) for bar in _bars(row, top + AXIS + 9 + number * ROW, scale)]
        bands.append(LaneBand(lane=lane, top=top, height=max(62, AXIS + 15 + len(rows) * ROW), bars=bars))
        top += bands[-1].height
    return bands


def _left_out(timeline: Timeline, lanes: Sequence[Lane], most: int) -> list[str]:
    """Return the counts of the sessions, bars and marks that are not in the picture."""
    shown = {lane.session for lane in lanes}
    hidden = [lane for lane in timeline.lanes if lane.session not in shown]
    bars = sum(len(row) for lane in lanes for row in lane.rows[most:])
    bars += sum(len(row) for lane in hidden for row in lane.rows)
    items: list[Mark | TimelineMessage] = [*timeline.marks, *timeline.messages]
    marks = sum(item.session not in shown for item in items)
    counts = ((len(hidden), "session"), (bars, "bar"), (marks, "mark"))
    return [plural(count, noun) for count, noun in counts if count]


def _bars(spans: Sequence[ClaimInterval], y: float, scale: Scale) -> list[SpanBar]:
    """Place the bars of one row."""
    bars: list[SpanBar] = []
    free = scale.left
    for span in spans:
        x0 = max(scale.x(span.start), free)
        x1 = max(scale.x(span.end) if span.end else RIGHT - 2, x0 + _SHORTEST)
        bars.append(SpanBar(span=span, x0=x0, x1=x1, y=y, began_before=span.start < scale.start))
        free = x1
    return bars


def _link_lines(timeline: Timeline, bands: dict[str, LaneBand], scale: Scale) -> list[LinkLine]:
    """Place the links whose two ends are in the picture."""
    lines = []
    for link in timeline.links:
        if link.session not in bands or link.to not in bands:
            continue
        y0, y1 = bands[link.session].axis, bands[link.to].axis
        if link.kind == "continued":
            lines.append(LinkLine(link, scale.x(link.at), y0, y1))
            continue
        old = [bar for bar in bands[link.session].bars if bar.span.id == link.claim and bar.span.cause == link.id]
        new = [bar for bar in bands[link.to].bars if bar.span.id == link.became and bar.span.start == link.at]
        if old and new:
            y0, y1 = old[0].y + BAR / 2, new[0].y + BAR / 2
            lines.append(LinkLine(link, min(old[0].x1, new[0].x0), y0, y1))
    return lines
