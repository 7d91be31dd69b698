"""Where everything of a timeline lies in a picture: measures in pixels, and nothing of how it is drawn.

1. Everything lies within the canvas, which is as wide as ever and grows downwards with the lanes.
2. The bars of a lane do not overlap, also those that are drawn longer than they lasted so that they can be seen.
3. No text overlaps another: a label stands where there is room for it, shortened if it must be, or nowhere.
4. What is too much to be seen is left out, and counted: lanes, and rows of a lane. Marks and messages that would cover
   each other become one, which names them; messages that are too many for arrows are marked where they were sent.
"""

from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from msgspec import Struct, field

from coord.render.format import line, plural
from coord.render.timeline.scale import Scale, make_scale
from projections.views.intervals import ClaimInterval
from projections.views.timeline import Lane, Link, Mark, Timeline, TimelineMessage

WIDTH, LEFT, RIGHT, TOP = 1200.0, 190.0, 1176.0, 104.0  # of the canvas; of the lanes
AXIS, ROW, BAR = 25.0, 22.0, 16.0  # from a lane's top to its line; from row to row; a bar's height
MOST_LANES, MOST_ROWS, MOST_BARS, MOST_ARROWS, MOST_RECIPIENTS = 24, 8, 4000, 100, 6
_SHORTEST = 3.0  # a bar's length
_SIGN = 14.0  # a mark's width
_LEAST = 6  # characters of a label that is shortened
_NEAR = 8.0  # arrows that are nearer than this are one, if they join the same lanes

_NARROW, _BROAD = frozenset("ijlftrI1|!.,:;'` ()[]{}/\\-\"·"), frozenset("mwMWGOQ@%&—…→⏎")


def width_of(text: str, size: float) -> float:
    """How wide a text is at most, in the usual fonts without serifs."""
    return sum(map(_width, text)) * size


def _width(char: str) -> float:
    if char in _NARROW:
        return 0.43
    if char in _BROAD or ord(char) > 0x24F:
        return 1.25 if east_asian_width(char) in "WF" else 1.02
    return 0.78 if char.isupper() else 0.66


def shorten(text: str, room: float, size: float, *, end: bool = False) -> str:
    """The text, shortened to the room that there is to its beginning, or its `end`; empty if that would say nothing."""
    if width_of(text, size) <= room:
        return text
    room -= size * 1.02
    kept = 0
    for char in reversed(text) if end else text:
        room -= _width(char) * size
        if room < 0:
            break
        kept += 1
    if kept < _LEAST:
        return ""
    return "…" + text[-kept:].lstrip() if end else text[:kept].rstrip() + "…"


class SpanBar(Struct, kw_only=True):
    """A bar: from `x0` to `x1`, its top at `y`. `label` stands in it, or beside it."""

    span: ClaimInterval
    x0: float
    x1: float
    y: float
    began_before: bool  # the stretch
    label: str = ""
    label_x: float = 0


class Symbol(Struct, kw_only=True):
    """A mark, or several of one kind at one place; `x` is its middle, and `label` stands from `label_x` on."""

    kind: str
    x: float
    of: list[Mark | TimelineMessage]
    label: str = ""
    label_x: float = 0


class Arrow(Struct, kw_only=True):
    """Messages from one lane to another."""

    x: float
    y0: float
    y1: float
    of: list[TimelineMessage]


class LinkLine(Struct, frozen=True):
    """A link from one lane to another, both at `x`; to a bar or to a lane's line."""

    link: Link
    x: float
    y0: float
    y1: float


class LaneBand(Struct, kw_only=True):
    """A lane's part of the picture."""

    lane: Lane
    top: float
    height: float
    blocks: list[SpanBar]
    signs: list[Symbol] = field(default_factory=list)

    @property
    def axis(self) -> float:
        """Where its line is."""
        return self.top + AXIS


class Layout(Struct, kw_only=True):
    """The picture's parts; `left_out` says what is not in it."""

    on: Scale
    bands: list[LaneBand]
    arrows: list[Arrow]
    joins: list[LinkLine]
    left_out: list[str]
    crowded: bool  # too many messages for arrows

    @property
    def bottom(self) -> float:
        """Where the lanes end."""
        return self.bands[-1].top + self.bands[-1].height if self.bands else TOP + 40


def lay_out(of: Timeline) -> Layout:
    """Place everything."""
    on = make_scale(of.since, of.until, LEFT + 10, RIGHT - 12)
    lanes, top = _busiest(of), TOP
    bands: list[LaneBand] = []
    most = _rows_that_fit(lanes)
    for lane in lanes:
        rows = lane.rows[:most]
        blocks = [b for number, row in enumerate(rows) for b in _row(row, top + AXIS + 9 + number * ROW, on)]
        bands.append(LaneBand(lane=lane, top=top, height=max(62, AXIS + 15 + len(rows) * ROW), blocks=blocks))
        top += bands[-1].height
    by_session = {band.lane.session: band for band in bands}
    arrows, alone, crowded = _arrows(of, by_session, on)
    for session, band in by_session.items():
        band.signs = _signs([m for m in of.marks if m.session == session], alone.get(session, []), on)
    _label(bands, arrows)
    rest = [lane for lane in of.lanes if lane.session not in by_session]
    hidden = sum(len(row) for lane in lanes for row in lane.rows[most:])
    hidden += sum(len(row) for lane in rest for row in lane.rows)
    items: list[Mark | TimelineMessage] = [*of.marks, *of.messages]
    marks = sum(item.session not in by_session for item in items)
    counts = ((len(rest), "session"), (hidden, "bar"), (marks, "mark"))
    return Layout(
        on=on,
        bands=bands,
        arrows=arrows,
        joins=_joins(of, by_session, on),
        left_out=[plural(count, noun) for count, noun in counts if count],
        crowded=crowded,
    )


def _busiest(of: Timeline) -> list[Lane]:
    """The lanes to show: those on which most happens, in their order."""
    happened: dict[str, int] = {lane.session: sum(map(len, lane.rows)) for lane in of.lanes}
    items: list[Mark | TimelineMessage] = [*of.marks, *of.messages]
    for item in items:
        happened[item.session] += 1
    shown = set(sorted(happened, key=lambda session: -happened[session])[:MOST_LANES])
    return [lane for lane in of.lanes if lane.session in shown]


def _rows_that_fit(lanes: Sequence[Lane]) -> int:
    """How many rows of each lane are shown, so that there are not too many bars in all."""
    for most in range(MOST_ROWS, 1, -1):
        if sum(len(row) for lane in lanes for row in lane.rows[:most]) <= MOST_BARS:
            return most
    return 1


# --- bars -----------------------------------------------------------------------------------------------------------


def _row(spans: Sequence[ClaimInterval], y: float, on: Scale) -> list[SpanBar]:
    blocks: list[SpanBar] = []
    free = on.left
    for span in spans:
        x0 = max(on.x(span.start), free)
        x1 = max(on.x(span.end) if span.end else RIGHT - 2, x0 + _SHORTEST)
        blocks.append(SpanBar(span=span, x0=x0, x1=x1, y=y, began_before=span.start < on.start))
        free = x1
    edge = LEFT + 10  # where the bar before ends, or its label
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.span.kind == "claim" or block.span.how != "granted":
            _name(block, block.x0 - edge, (after.x0 if after else RIGHT) - block.x1)
        edge = max(block.x1, block.label_x + width_of(block.label, 10) if block.label else 0)
    return blocks


def _name(block: SpanBar, before: float, beside: float) -> None:
    """Write what it is on into a bar, beside it or before it: whole if that can be, and with what it is for."""
    size, text = 10, line(block.span.resource, 80)
    more = f"{text} — {line(block.span.note, 80)}" if block.span.note else text
    inside = (block.x1 - block.x0 - 22 if block.span.kind == "claim" else 0, block.x0 + 8)
    right = (beside - 24, block.x1 + 16)
    left = (before - 16, block.x0 - 8 - width_of(text, size))
    for label, (room, x) in ((more, inside), (text, inside), (text, right), (text, left)):
        if width_of(label, size) <= room:
            block.label, block.label_x = label, x
            return
    room, x = max(inside, right)
    block.label, block.label_x = shorten(text, room, size, end=True), x


# --- marks and messages ---------------------------------------------------------------------------------------------


def _signs(marks: Iterable[Mark], alone: Iterable[TimelineMessage], on: Scale) -> list[Symbol]:
    """The marks of a lane from left to right, those that fall together in one, the others pushed aside."""
    found: list[Symbol] = []
    last: dict[str, Symbol] = {}
    pairs: list[tuple[str, Mark | TimelineMessage]] = [*((m.kind, m) for m in marks), *(("sent", s) for s in alone)]
    for kind, item in sorted(pairs, key=lambda pair: pair[1].at):
        x = on.x(item.at)
        if kind in last and x - last[kind].x < _SIGN:
            last[kind].of.append(item)
        else:
            last[kind] = Symbol(kind=kind, x=x, of=[item])
            found.append(last[kind])
    edge = on.left - _SIGN
    for sign in found:
        sign.x = edge = max(sign.x, edge + _SIGN)
    edge = RIGHT + _SIGN / 2
    for sign in reversed(found):
        sign.x = edge = min(sign.x, edge - _SIGN)
    return found


def _arrows(
    of: Timeline, bands: dict[str, LaneBand], on: Scale
) -> tuple[list[Arrow], dict[str, list[TimelineMessage]], bool]:
    """The arrows; the messages that are a sign on their sender's lane; and whether there are too many for arrows."""
    alone: dict[str, list[TimelineMessage]] = {}
    arrows: list[Arrow] = []
    last: dict[tuple[float, float], Arrow] = {}
    for sent in of.messages:
        to = [bands[name].axis for name in sent.to if name in bands and name != sent.session]
        if sent.session not in bands or sent.everyone or not 0 < len(to) <= MOST_RECIPIENTS:
            alone.setdefault(sent.session, []).append(sent)
            continue
        for axis in to:
            ends, x = (bands[sent.session].axis, axis), on.x(sent.at)
            if (before := last.get(ends)) and x - before.x < _NEAR:
                before.of.append(sent)
            else:
                last[ends] = Arrow(x=_beside(arrows, x, ends, on), y0=ends[0], y1=ends[1], of=[sent])
                arrows.append(last[ends])
    if len(arrows) <= MOST_ARROWS:
        return arrows, alone, False
    for sent in {sent.id: sent for arrow in arrows for sent in arrow.of}.values():
        alone.setdefault(sent.session, []).append(sent)
    return [], alone, True


def _beside(arrows: Sequence[Arrow], x: float, ends: tuple[float, float], on: Scale) -> float:
    """Where an arrow does not lie on one of the last ones."""
    top, bottom = sorted(ends)
    for other in arrows[-8:]:
        if abs(other.x - x) < _NEAR and min(other.y0, other.y1) < bottom and top < max(other.y0, other.y1):
            x = other.x + _NEAR
    return min(x, on.right)


_MARK_LABELS = {
    "died": "presumed dead",
    "lost": "lost",
    "broken": "broken",
    "refused": "refused",
    "void": "not handed over",
}


def _words(of: Sequence[Mark | TimelineMessage], room: float) -> str:
    """What a sign says in the room that there is: of a mark its resource too, of a message its subject."""
    first, more = of[0], f" +{len(of) - 1}" if len(of) > 1 else ""
    if isinstance(first, TimelineMessage):
        subject = shorten(line(first.subject, 60), room - width_of(more, 10), 10)
        return subject and subject + more
    for text in (
        f"{_MARK_LABELS[first.kind]} {line(first.resource, 80)}".rstrip() + more,
        _MARK_LABELS[first.kind] + more,
    ):
        if width_of(text, 10) <= room:
            return text
    return ""


def _label(bands: Iterable[LaneBand], arrows: Sequence[Arrow]) -> None:
    """Say beside each mark what it is, and the subject beside each message, where nothing stands in the way."""
    for band in bands:
        taken = [sign.x for sign in band.signs]
        taken += [a.x for a in arrows if min(a.y0, a.y1) <= band.axis <= max(a.y0, a.y1)]
        own = [Symbol(kind="arrow", x=a.x, of=list(a.of)) for a in arrows if a.y0 == band.axis]
        said: set[float] = set()
        for sign in sorted([*band.signs, *own], key=lambda sign: (sign.kind in ("arrow", "sent"), sign.x)):
            room = min([x - _SIGN / 2 for x in taken if x > sign.x] + [RIGHT]) - sign.x - _SIGN / 2 - 8
            sign.label, sign.label_x = "" if sign.x in said else _words(sign.of, room), sign.x + _SIGN / 2 + 3
            said.add(sign.x)
        band.signs += own


def _joins(of: Timeline, bands: dict[str, LaneBand], on: Scale) -> list[LinkLine]:
    found = []
    for link in of.links:
        if link.session not in bands or link.to not in bands:
            continue
        y0, y1 = bands[link.session].axis, bands[link.to].axis
        if link.kind != "continued":
            old = [b for b in bands[link.session].blocks if b.span.id == link.claim and b.span.cause == link.id]
            new = [b for b in bands[link.to].blocks if b.span.id == link.became and b.span.start == link.at]
            if not old or not new:
                continue
            y0, y1 = old[0].y + BAR / 2, new[0].y + BAR / 2
            found.append(LinkLine(link, min(old[0].x1, new[0].x0), y0, y1))
        else:
            found.append(LinkLine(link, on.x(link.at), y0, y1))
    return found
