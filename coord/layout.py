"""Where everything of a timeline lies in a picture: measures in pixels, and nothing of how it is drawn.

1. Everything lies within the canvas, which is as wide as ever and grows downwards with the lanes.
2. The bars of a lane do not overlap, also those that are drawn longer than they lasted so that they can be seen.
3. No text overlaps another: a label stands where there is room for it, shortened if it must be, or nowhere.
4. What is too much to be seen is left out, and counted: lanes, rows of a lane, arrows. Marks and messages that would
   cover each other become one, which names them all.
"""

from collections.abc import Callable, Iterable, Sequence
from unicodedata import east_asian_width

from msgspec import Struct, field

from coord.scale import Scale, scale
from coord.text import line, plural
from projections.spans import Span
from projections.timeline import Lane, Link, Mark, Sent, Timeline

WIDTH, LEFT, RIGHT, TOP = 1200.0, 190.0, 1176.0, 104.0  # of the canvas; of the lanes
AXIS, ROW, BAR = 25.0, 22.0, 16.0  # from a lane's top to its line; from row to row; a bar's height
MOST_LANES, MOST_ROWS, MOST_ARROWS, MOST_RECIPIENTS = 24, 8, 100, 6
_SHORTEST = 3.0  # a bar's length
_SIGN = 14.0  # a mark's width
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


def fitted(text: str, room: float, size: float) -> str:
    """The text, shortened to the room that there is; empty if that would say nothing."""
    if width_of(text, size) <= room:
        return text
    room -= size * 1.02
    kept = 0
    for char in text:
        room -= _width(char) * size
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…" if kept >= 6 else ""


class Block(Struct, kw_only=True):
    """A bar: from `x0` to `x1`, its top at `y`. `label` stands in it, or beside it."""

    span: Span
    x0: float
    x1: float
    y: float
    began_before: bool  # the stretch
    label: str = ""
    label_x: float = 0


class Sign(Struct, kw_only=True):
    """A mark, or several of one kind at one place; `x` is its middle, and `label` stands from `label_x` on."""

    kind: str
    x: float
    of: list[Mark | Sent]
    label: str = ""
    label_x: float = 0


class Arrow(Struct, kw_only=True):
    """Messages from one lane to another."""

    x: float
    y0: float
    y1: float
    of: list[Sent]


class Join(Struct, frozen=True):
    """A link from one lane to another, both at `x`; to a bar or to a lane's line."""

    link: Link
    x: float
    y0: float
    y1: float


class Band(Struct, kw_only=True):
    """A lane's part of the picture."""

    lane: Lane
    top: float
    height: float
    blocks: list[Block]
    signs: list[Sign] = field(default_factory=list)

    @property
    def axis(self) -> float:
        """Where its line is."""
        return self.top + AXIS


class Layout(Struct, kw_only=True):
    """The picture's parts; `left_out` says what is not in it."""

    on: Scale
    bands: list[Band]
    arrows: list[Arrow]
    joins: list[Join]
    left_out: list[str]

    @property
    def bottom(self) -> float:
        """Where the lanes end."""
        return self.bands[-1].top + self.bands[-1].height if self.bands else TOP + 40


def layout(of: Timeline) -> Layout:
    """Place everything."""
    on = scale(of.since, of.until, LEFT + 10, RIGHT - 12)
    lanes, top = _busiest(of), TOP
    bands: list[Band] = []
    for lane in lanes:
        rows = lane.rows[:MOST_ROWS]
        blocks = [b for number, row in enumerate(rows) for b in _row(row, top + AXIS + 9 + number * ROW, on)]
        bands.append(Band(lane=lane, top=top, height=max(62, AXIS + 15 + len(rows) * ROW), blocks=blocks))
        top += bands[-1].height
    by_session = {band.lane.session: band for band in bands}
    arrows, alone, unseen = _arrows(of, by_session, on)
    for session, band in by_session.items():
        band.signs = _signs([m for m in of.marks if m.session == session], alone.get(session, []), on)
    _label(bands, arrows)
    rest = [lane for lane in of.lanes if lane.session not in by_session]
    hidden = sum(len(row) for lane in lanes for row in lane.rows[MOST_ROWS:])
    hidden += sum(len(row) for lane in rest for row in lane.rows)
    marks = sum(mark.session not in by_session for mark in of.marks)
    counts = ((len(rest), "session"), (hidden, "bar"), (marks, "mark"), (unseen, "arrow"))
    return Layout(
        on=on,
        bands=bands,
        arrows=arrows,
        joins=_joins(of, by_session, on),
        left_out=[plural(count, noun) for count, noun in counts if count],
    )


def _busiest(of: Timeline) -> list[Lane]:
    """The lanes to show: those on which most happens, in their order."""
    happened: dict[str, int] = {lane.session: sum(map(len, lane.rows)) for lane in of.lanes}
    items: list[Mark | Sent] = [*of.marks, *of.messages]
    for item in items:
        happened[item.session] += 1
    shown = set(sorted(happened, key=lambda session: -happened[session])[:MOST_LANES])
    return [lane for lane in of.lanes if lane.session in shown]


# --- bars -----------------------------------------------------------------------------------------------------------


def _row(spans: Sequence[Span], y: float, on: Scale) -> list[Block]:
    blocks: list[Block] = []
    free = on.left
    for span in spans:
        x0 = max(on.x(span.start), free)
        x1 = max(on.x(span.end) if span.end else RIGHT - 2, x0 + _SHORTEST)
        blocks.append(Block(span=span, x0=x0, x1=x1, y=y, began_before=span.start < on.start))
        free = x1
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.span.kind == "claim" or block.span.how != "granted":
            _name(block, (after.x0 if after else RIGHT) - block.x1)
    return blocks


def _name(block: Block, beside: float) -> None:
    """Write what it is on into a bar, or beside it: whole if that can be, and with what it is for."""
    size, text = 10, line(block.span.resource, 80)
    more = f"{text} — {line(block.span.note, 80)}" if block.span.note else text
    inside = block.x1 - block.x0 - 22 if block.span.kind == "claim" else 0
    for label, room, x in (
        (more, inside, block.x0 + 8),
        (text, inside, block.x0 + 8),
        (text, beside - 24, block.x1 + 16),
    ):
        if width_of(label, size) <= room:
            block.label, block.label_x = label, x
            return
    room, x = max((inside, block.x0 + 8), (beside - 24, block.x1 + 16))
    block.label, block.label_x = fitted(text, room, size), x


# --- marks and messages ---------------------------------------------------------------------------------------------


def _signs(marks: Iterable[Mark], alone: Iterable[Sent], on: Scale) -> list[Sign]:
    """The marks of a lane from left to right, those that fall together in one, the others pushed aside."""
    found: list[Sign] = []
    last: dict[str, Sign] = {}
    pairs: list[tuple[str, Mark | Sent]] = [*((m.kind, m) for m in marks), *(("sent", s) for s in alone)]
    for kind, item in sorted(pairs, key=lambda pair: pair[1].at):
        x = on.x(item.at)
        if kind in last and x - last[kind].x < _SIGN:
            last[kind].of.append(item)
        else:
            last[kind] = Sign(kind=kind, x=x, of=[item])
            found.append(last[kind])
    edge = on.left - _SIGN
    for sign in found:
        sign.x = edge = max(sign.x, edge + _SIGN)
    edge = RIGHT + _SIGN / 2
    for sign in reversed(found):
        sign.x = edge = min(sign.x, edge - _SIGN)
    return found


def _arrows(of: Timeline, bands: dict[str, Band], on: Scale) -> tuple[list[Arrow], dict[str, list[Sent]], int]:
    """The arrows; the messages that are a sign on their sender's lane; how many arrows are left out, the oldest."""
    alone: dict[str, list[Sent]] = {}
    pairs: list[tuple[Sent, str]] = []
    for sent in of.messages:
        to = [name for name in sent.to if name != sent.session]
        if sent.everyone or not 0 < len(to) <= MOST_RECIPIENTS:
            alone.setdefault(sent.session, []).append(sent)
        else:
            pairs += [(sent, name) for name in to]
    arrows: list[Arrow] = []
    last: dict[tuple[float, float], Arrow] = {}
    unseen = 0
    for sent, name in pairs:
        if sent.session not in bands or name not in bands:
            unseen += 1
            continue
        ends = (bands[sent.session].axis, bands[name].axis)
        x = on.x(sent.at)
        if (before := last.get(ends)) and x - before.x < _NEAR:
            before.of.append(sent)
            continue
        last[ends] = Arrow(x=_beside(arrows, x, ends, on), y0=ends[0], y1=ends[1], of=[sent])
        arrows.append(last[ends])
    return arrows[-MOST_ARROWS:], alone, unseen + sum(len(arrow.of) for arrow in arrows[:-MOST_ARROWS])


def _beside(arrows: Sequence[Arrow], x: float, ends: tuple[float, float], on: Scale) -> float:
    """Where an arrow does not lie on one of the last ones."""
    top, bottom = sorted(ends)
    for other in arrows[-8:]:
        if abs(other.x - x) < _NEAR and min(other.y0, other.y1) < bottom and top < max(other.y0, other.y1):
            x = other.x + _NEAR
    return min(x, on.right)


_SAYS: dict[str, Callable[[Mark], str]] = {
    "died": lambda mark: "presumed dead",
    "lost": lambda mark: f"lost {mark.resource}",
    "broken": lambda mark: f"{mark.resource} broken",
    "refused": lambda mark: f"refused {mark.resource}",
    "void": lambda mark: f"{mark.resource} not handed over",
}


def _label(bands: Iterable[Band], arrows: Sequence[Arrow]) -> None:
    """Say beside each mark what it is, and the subject beside each message, where nothing stands in the way."""
    for band in bands:
        taken = [sign.x for sign in band.signs]
        taken += [a.x for a in arrows if min(a.y0, a.y1) <= band.axis <= max(a.y0, a.y1)]
        own = [Sign(kind="arrow", x=a.x, of=list(a.of)) for a in arrows if a.y0 == band.axis]
        said: set[float] = set()
        for sign in sorted([*band.signs, *own], key=lambda sign: (sign.kind in ("arrow", "sent"), sign.x)):
            room = min([x - _SIGN / 2 for x in taken if x > sign.x] + [RIGHT]) - sign.x - _SIGN / 2 - 8
            first = sign.of[0]
            text = first.subject if isinstance(first, Sent) else _SAYS[first.kind](first)
            more = f" +{len(sign.of) - 1}" if len(sign.of) > 1 else ""
            text = "" if sign.x in said else fitted(line(text, 60), room - width_of(more, 10), 10)
            sign.label, sign.label_x = text and text + more, sign.x + _SIGN / 2 + 3
            said.add(sign.x)
        band.signs += own


def _joins(of: Timeline, bands: dict[str, Band], on: Scale) -> list[Join]:
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
            found.append(Join(link, min(old[0].x1, new[0].x0), y0, y1))
        else:
            found.append(Join(link, on.x(link.at), y0, y1))
    return found


def lane_label(lane: Lane) -> list[str]:
    """What stands to the left of a lane: the session as people know it, its id, its client."""
    name = line(lane.name, 40)
    return [name or lane.session, *([lane.session] if name else []), line(lane.client, 40)]
