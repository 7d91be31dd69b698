"""The positions of marks and messages in the picture of a timeline: their symbols and arrows."""

from collections.abc import Iterable, Sequence

from coord.render.timeline.parts import RIGHT, Arrow, LaneBand, Symbol
from coord.render.timeline.scale import Scale
from projections.views.timeline.period import Timeline
from projections.views.timeline.rows import Mark, TimelineMessage

MOST_ARROWS, MOST_RECIPIENTS = 100, 6
SYMBOL = 14.0  # the width of a symbol
_NEAR = 8.0  # arrows between the same lanes that are nearer than this are drawn as one


def place_symbols(marks: Iterable[Mark], messages: Iterable[TimelineMessage], scale: Scale) -> list[Symbol]:
    """Place the symbols of a lane. Those of one kind that would overlap become one; the others are moved apart."""
    symbols: list[Symbol] = []
    last: dict[str, Symbol] = {}
    pairs: list[tuple[str, Mark | TimelineMessage]] = [*((m.kind, m) for m in marks), *(("sent", m) for m in messages)]
    for kind, item in sorted(pairs, key=lambda pair: pair[1].at):
        x = scale.x(item.at)
        if kind in last and x - last[kind].x < SYMBOL:
            last[kind].items.append(item)
        else:
            last[kind] = Symbol(kind=kind, x=x, items=[item])
            symbols.append(last[kind])
    edge = scale.left - SYMBOL
    for symbol in symbols:
        symbol.x = edge = max(symbol.x, edge + SYMBOL)
    edge = RIGHT + SYMBOL / 2
    for symbol in reversed(symbols):
        symbol.x = edge = min(symbol.x, edge - SYMBOL)
    return symbols


def place_arrows(
    timeline: Timeline, bands: dict[str, LaneBand], scale: Scale
) -> tuple[list[Arrow], dict[str, list[TimelineMessage]], bool]:
    """Return the arrows, the messages without an arrow by sender, and whether there are too many for arrows."""
    without_arrow: dict[str, list[TimelineMessage]] = {}
    arrows: list[Arrow] = []
    last: dict[tuple[float, float], Arrow] = {}
    for sent in timeline.messages:
        to = [bands[name].axis for name in sent.to if name in bands and name != sent.session]
        if sent.session not in bands or sent.everyone or not 0 < len(to) <= MOST_RECIPIENTS:
            without_arrow.setdefault(sent.session, []).append(sent)
            continue
        for axis in to:
            ends, x = (bands[sent.session].axis, axis), scale.x(sent.at)
            if (before := last.get(ends)) and x - before.x < _NEAR:
                before.messages.append(sent)
            else:
                last[ends] = Arrow(x=_free_x(arrows, x, ends, scale), y0=ends[0], y1=ends[1], messages=[sent])
                arrows.append(last[ends])
    if len(arrows) <= MOST_ARROWS:
        return arrows, without_arrow, False
    for sent in {sent.id: sent for arrow in arrows for sent in arrow.messages}.values():
        without_arrow.setdefault(sent.session, []).append(sent)
    return [], without_arrow, True


def _free_x(arrows: Sequence[Arrow], x: float, ends: tuple[float, float], scale: Scale) -> float:
    """Move an arrow to the right until it does not cover one of the last arrows."""
    top, bottom = sorted(ends)
    for other in arrows[-8:]:
        if abs(other.x - x) < _NEAR and min(other.y0, other.y1) < bottom and top < max(other.y0, other.y1):
            x = other.x + _NEAR
    return min(x, scale.right)
