"""The labels of bars and symbols in the picture of a timeline: where they fit without covering or being crossed."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from coord.render.format import line
from coord.render.timeline.marks import SYMBOL
from coord.render.timeline.measure import BOLD, shorten, width_of
from coord.render.timeline.parts import BAR, LEFT, RIGHT, Arrow, LaneBand, SpanBar, Symbol
from projections.views.timeline.rows import Mark, TimelineMessage

_SIZE = 10  # of the font
_CLEAR = 5.0  # between a label and a line that would cross it
BOLD_MARKS = ("died", "lost", "broken")  # the marks whose labels are bold
Room = tuple[float, float]  # from x to x


class Crossing(Struct, frozen=True):
    """An arrow or link that crosses lanes at `x`, from `top` to `bottom`."""

    x: float
    top: float
    bottom: float


def label_bars(bars: Sequence[SpanBar], crossings: Sequence[Crossing]) -> None:
    """Label the bars of a lane with their resources, and their notes where these fit."""
    for y, group in groupby(bars, key=lambda bar: bar.y):
        row = list(group)
        lines = sorted(cross.x for cross in crossings if cross.top < y + BAR and cross.bottom > y)
        edge = LEFT + 10  # where the previous bar or its label ends
        for bar, after in zip(row, [*row[1:], None], strict=True):
            if bar.span.kind == "claim" or bar.span.how != "granted":
                _label_bar(bar, edge + 8, (after.x0 if after else RIGHT) - 8, lines)
            edge = max(bar.x1, bar.label_x + width_of(bar.label, _SIZE) if bar.label else 0)


def _label_bar(bar: SpanBar, left: float, right: float, lines: Sequence[float]) -> None:
    """Label a bar in itself, or in the room after or before it; `lines` are the positions of what crosses the row."""
    text = line(bar.span.resource, 80)
    with_note = f"{text} — {line(bar.span.note, 80)}" if bar.span.note else text
    inside = _gaps(bar.x0 + 8, bar.x1 - 14, lines) if bar.span.kind == "claim" else []
    after, before = _gaps(bar.x1 + 16, right, lines)[:1], _gaps(left, bar.x0 - 8, lines)[-1:]
    for label, rooms in ((with_note, inside), (text, inside), (text, after)):
        for start, end in rooms:
            if width_of(label, _SIZE) <= end - start:
                bar.label, bar.label_x = label, start
                return
    for start, end in before:
        if width_of(text, _SIZE) <= end - start:
            bar.label, bar.label_x = text, end - width_of(text, _SIZE)
            return
    start, end = max([*inside, *after], key=lambda room: room[1] - room[0], default=(0.0, 0.0))
    bar.label, bar.label_x = shorten(text, end - start, _SIZE, end=True), start


def _gaps(start: float, end: float, lines: Sequence[float]) -> list[Room]:
    """Return the parts from `start` to `end` between lines, in order. The first and the last can be empty."""
    inside = [x for x in lines if start - _CLEAR < x < end + _CLEAR]
    starts, ends = [start, *(x + _CLEAR for x in inside)], [*(x - _CLEAR for x in inside), end]
    return list(zip(starts, ends, strict=True))


_MARK_LABELS = {
    "died": "presumed dead",
    "lost": "lost",
    "broken": "broken",
    "refused": "refused",
    "void": "not handed over",
}


def _symbol_label(items: Sequence[Mark | TimelineMessage], room: float) -> str:
    """Return the label of a symbol that fits: the subject of a message, or the kind and the resource of a mark."""
    first, more = items[0], f" +{len(items) - 1}" if len(items) > 1 else ""
    if isinstance(first, TimelineMessage):
        subject = shorten(line(first.subject, 60), room - width_of(more, _SIZE), _SIZE)
        return subject and subject + more
    kind = _MARK_LABELS[first.kind]
    size = _SIZE * BOLD if first.kind in BOLD_MARKS else _SIZE
    for text in (f"{kind} {line(first.resource, 80)}".rstrip() + more, kind + more):
        if width_of(text, size) <= room:
            return text
    return ""


def label_symbols(band: LaneBand, arrows: Iterable[Arrow], crossings: Iterable[Crossing]) -> None:
    """Label the symbols and the starts of arrows, up to the next symbol or line on the lane; marks come first."""
    taken = [symbol.x for symbol in band.symbols]
    taken += [cross.x for cross in crossings if cross.top <= band.axis <= cross.bottom]
    starts = [Symbol(kind="arrow", x=a.x, items=list(a.messages)) for a in arrows if a.y0 == band.axis]
    labelled: set[float] = set()
    for symbol in sorted([*band.symbols, *starts], key=lambda symbol: (symbol.kind in ("arrow", "sent"), symbol.x)):
        room = min([x - SYMBOL / 2 for x in taken if x > symbol.x] + [RIGHT]) - symbol.x - SYMBOL / 2 - 8
        symbol.label = "" if symbol.x in labelled else _symbol_label(symbol.items, room)
        symbol.label_x = symbol.x + SYMBOL / 2 + 3
        labelled.add(symbol.x)
    band.symbols += starts
