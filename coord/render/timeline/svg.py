"""The timeline as a picture: one file that needs nothing else, for a report, a browser or a page.

It has its own background, no script, no font and no link to elsewhere; its text is text, and everything that is drawn
has a `title`, which a browser shows when one points at it, and which names the events. What others wrote is shown, not
obeyed: the tree is built element by element, so no text can become markup. Colours are told apart by all eyes, and no
colour is the only sign of anything. Where everything lies is decided in `coord.render.timeline.layout`.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from coord.render.format import line, local_time, plural, session_label
from coord.render.timeline.layout import (
    BAR,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Arrow,
    LaneBand,
    LinkLine,
    SpanBar,
    Symbol,
    lay_out,
    shorten,
    width_of,
)
from coord.render.timeline.scale import period_label, ticks
from coord.render.timeline.symbols import END_SHAPES, MEANINGS, SHAPES
from coord.render.timeline.tooltips import link_tooltip, session_tooltip, span_tooltip, symbol_tooltip
from projections.views.timeline import Timeline

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_INK, _SOFT, _FAINT = "#1f2937", "#5b6675", "#e3e7ec"
_COLOURS = (  # of a bar and of its edge, by Paul Tol's light scheme
    *(("#77aadd", "#3a6ea5"), ("#ee8866", "#b3502e"), ("#eedd88", "#a08a1c"), ("#ffaabb", "#c05570")),
    *(("#44bb99", "#1f7a62"), ("#bbcc33", "#74801a"), ("#99ddff", "#3d8fb8"), ("#c9b3e6", "#7a5aa6")),
)
_NOT_XML = re.compile("[\ufffe\uffff]")
_TITLES = 30  # lines of a title


def render_svg(of: Timeline, missing: Iterable[str] = ()) -> str:
    """The picture; `missing` are sentences on what the log lacks."""
    return _Picture(of, missing).text()


def _add(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    given = {name.rstrip("_").replace("_", "-"): f"{value}" for name, value in attributes.items()}
    element = SubElement(parent, tag, given)
    if text:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


class _Picture:
    """A timeline on its way to being a picture, part by part."""

    def __init__(self, of: Timeline, missing: Iterable[str]) -> None:
        self.of, self.missing, self.placed = of, list(missing), lay_out(of)
        self.root = Element("svg", xmlns="http://www.w3.org/2000/svg")
        resources = dict.fromkeys(block.span.resource for band in self.placed.bands for block in band.blocks)
        self.colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(resources)}
        self.used: set[str] = set()  # what the legend has to explain

    def text(self) -> str:
        """All of it."""
        background = _add(self.root, "rect", width=WIDTH, rx=8, fill="#ffffff")
        definitions = _add(self.root, "defs")
        hatch = _add(definitions, "pattern", id="shared", width=6, height=6, patternUnits="userSpaceOnUse",
                     patternTransform="rotate(45)")  # fmt: skip
        _add(hatch, "rect", width=3, height=6, fill="#ffffff", fill_opacity=0.6)
        self._head()
        self._grid()
        for number, band in enumerate(self.placed.bands):
            self._band(band, number)
        for join in self.placed.joins:
            self._join(join)
        for arrow in self.placed.arrows:
            self._arrow(arrow)
        for band in self.placed.bands:
            self._labels(band)
            self._signs(band)
        if not self.placed.bands:
            self._write(LEFT + 10, TOP + 26, "Nothing happened in this time.", 13, _SOFT)
        height = self._legend(self.placed.bottom + 26)
        background.set("height", f"{height:.0f}")
        self.root.set("viewBox", f"0 0 {WIDTH:.0f} {height:.0f}")
        self.root.set("width", f"{WIDTH:.0f}")
        self.root.set("height", f"{height:.0f}")
        self.root.set("font-family", _FONT)
        indent(self.root, "")
        return tostring(self.root, encoding="unicode") + "\n"

    def _write(self, x: float, y: float, text: str, size: float, fill: str, **more: object) -> Element:
        return _add(self.root, "text", text, x=round(x, 1), y=round(y, 1), font_size=size, fill=fill, **more)

    # --- around the lanes -------------------------------------------------------------------------------------------

    def _head(self) -> None:
        of = self.of
        title = period_label(of.since, of.until)
        claims = len({span.id for lane in of.lanes for row in lane.rows for span in row if span.kind == "claim"})
        counts = ((len(of.lanes), "session"), (claims, "claim"), (len(of.messages), "message"), (of.events, "event"))
        _add(self.root, "title", f"Timeline, {title}")
        self._write(20, 34, "Who held what", 17, _INK, font_weight=600)
        facts = " · ".join(plural(count, noun) for count, noun in counts)
        self._write(LEFT + 10, 34, f"{title}  ·  {facts}", 13, _SOFT)

    def _grid(self) -> None:
        on, y, bottom = self.placed.on, TOP - 14, self.placed.bottom
        day = local_time(on.start).strftime("%Y-%m-%d %Z")
        self._write(20, y, day, 11, _INK, font_weight=600)
        free = 0.0
        for tick in ticks(on, 84):
            _add(self.root, "path", d=f"M{tick.x} {TOP - 8}V{bottom}", stroke="#9aa5b1" if tick.day else _FAINT)
            half = width_of(tick.label, 11) / 2
            if tick.x + half < WIDTH:
                self._write(tick.x, y, tick.label, 11, _SOFT, text_anchor="middle")
            half = width_of(tick.day, 11) / 2
            if tick.day and tick.x - half > free and tick.x + half < WIDTH:
                self._write(tick.x, y - 15, tick.day, 11, _INK, text_anchor="middle", font_weight=600)
                free = tick.x + half + 8

    # --- lanes ------------------------------------------------------------------------------------------------------

    def _band(self, band: LaneBand, number: int) -> None:
        lane, top = band.lane, band.top
        if number % 2 == 0:
            _add(self.root, "rect", x=8, y=top, width=WIDTH - 16, height=band.height, rx=4, fill="#f1f4f8",
                 fill_opacity=0.75)  # fmt: skip
        name = line(lane.name, 40)
        self._write(20, top + 22, shorten(name or lane.session, LEFT - 30, 13), 13, _INK, font_weight=600)
        rest = [lane.session] if name not in ("", lane.session) else []
        for workspace, text in enumerate([*rest, line(lane.client, 40)]):
            self._write(20, top + 37 + 14 * workspace, shorten(text, LEFT - 30, 10.5), 10.5, _SOFT)
        self._lives(band)
        for block in band.blocks:
            self._block(block)

    def _lives(self, band: LaneBand) -> None:
        on, y, lane = self.placed.on, band.axis, band.lane
        if not lane.lives and lane.first_at:
            path = f"M{on.x(lane.first_at)} {y}H{on.x(lane.last_at)}"
            self._titled(_add(self.root, "path", d=path, stroke="#7b8794", stroke_width=2, stroke_dasharray="2 3"),
                         [f"{session_label(lane.session, self.of.names)}, as it was recorded"])  # fmt: skip
        for before, after in pairwise(lane.lives):
            _add(self.root, "path", d=f"M{on.x(before.end)} {y}H{on.x(after.start)}", stroke="#b6bfca",
                 stroke_width=1.5, stroke_dasharray="1 4")  # fmt: skip
        for life in lane.lives:
            x0, x1 = on.x(life.start), on.x(life.end) if life.end else RIGHT - 2
            group = _add(self.root, "g", class_="life", stroke="#7b8794", stroke_width=2, fill="#7b8794")
            self._titled(group, [session_tooltip(life, self.of.names)])
            _add(group, "path", d=f"M{x0} {y}H{x1}")
            if life.start >= on.start:
                _add(group, "circle", cx=x0, cy=y, r=3, fill="#ffffff")
            if life.how == "ended":
                _add(group, "path", d=f"M{x1} {y - 5}v10", stroke_width=3)
                self.used.add("ended")

    def _block(self, block: SpanBar) -> None:
        span, (fill, edge) = block.span, self.colours[block.span.resource]
        group = _add(self.root, "g", class_=span.kind)
        self._titled(group, [span_tooltip(span, self.of.names)])
        x0, x1, y = block.x0, block.x1, block.y
        if span.kind == "wait":
            self.used.add("wait")
            _add(group, "rect", x=x0, y=y + 5, width=round(x1 - x0, 1), height=6, fill="#ffffff", stroke=edge,
                 stroke_dasharray="3 2")  # fmt: skip
            if span.end and span.how != "granted":
                self._end(group, "gave_up", x1, y)
        else:
            outline = _outline(block)
            _add(group, "path", d=outline, fill=fill)
            if span.mode == "shared":
                self.used.add("shared")
                _add(group, "path", d=outline, fill="url(#shared)")
            _add(group, "path", d=outline, fill="none", stroke=edge)
            self.used |= {"claim", "before" if block.began_before else "claim", "claim" if span.end else "open"}
            if span.how in END_SHAPES and x1 - x0 > 9:
                self._end(group, span.how, x1, y)

    def _end(self, group: Element, how: str, x: float, y: float) -> None:
        """How a bar ended, at its end."""
        self.used.add(f"|{how}")
        _add(group, "path", d=f"M{x} {y}{END_SHAPES[how]}", fill="none", stroke=_INK, stroke_width=1.6)

    def _labels(self, band: LaneBand) -> None:
        """The names of bars, over the arrows that pass."""
        for block in band.blocks:
            if block.label:
                inside = block.x0 < block.label_x < block.x1
                under = self.colours[block.span.resource][0] if inside else "#ffffff"
                self._write(block.label_x, block.y + 11.8, block.label, 10, _INK if inside else _SOFT,
                            stroke=under, stroke_width=2.5, stroke_linejoin="round", paint_order="stroke")  # fmt: skip

    def _signs(self, band: LaneBand) -> None:
        for sign in band.signs:
            if sign.kind != "arrow":
                self._sign(sign, band.axis)
            if sign.label:
                bold = {"font_weight": 600} if sign.kind in ("died", "lost", "broken") else {}
                self._write(sign.label_x, band.axis - 6, sign.label, 10, _INK if bold else _SOFT, **bold)

    def _sign(self, sign: Symbol, y: float) -> None:
        self.used.add(sign.kind)
        group = _add(self.root, "g", class_=sign.kind, transform=f"translate({round(sign.x, 1)} {y})")
        self._titled(group, [symbol_tooltip(item, self.of.names) for item in sign.of])
        _draw(group, sign.kind)

    def _join(self, join: LinkLine) -> None:
        kind, x, y0, y1 = join.link.kind, join.x, join.y0, join.y1
        self.used.add("continued" if kind == "continued" else "passed")
        path = f"M{x} {y0}C{x + 16} {y0} {x - 16} {y1} {x} {y1}" if kind != "continued" else f"M{x} {y0}V{y1}"
        shape = _add(self.root, "path", d=path, fill="none", stroke=_INK, stroke_width=1.4, class_="link")
        if kind == "continued":
            shape.set("stroke-dasharray", "2 3")
        self._titled(shape, [link_tooltip(join.link, self.of.names)])

    def _arrow(self, arrow: Arrow) -> None:
        urgent = any(sent.urgency == "high" for sent in arrow.of)
        self.used.add("urgent" if urgent else "arrow")
        x, y0, y1 = round(arrow.x, 1), arrow.y0, arrow.y1
        group = _add(self.root, "g", class_="message")
        self._titled(group, [symbol_tooltip(sent, self.of.names) for sent in arrow.of])
        tip = 7 if y0 < y1 else -7
        colour, thick = ("#b3261e", 2.2) if urgent else ("#475569", 1.3)
        _add(group, "path", d=f"M{x} {y0}V{y1}", stroke="#ffffff", stroke_width=4, stroke_opacity=0.7)
        _add(group, "path", d=f"M{x} {y0}V{y1 - tip / 2}", stroke=colour, stroke_width=thick)
        _add(group, "path", d=f"M{x} {y1}l-4 {-tip}h8z", fill=colour)
        _add(group, "circle", cx=x, cy=y0, r=2.6, fill=colour)

    def _titled(self, element: Element, lines: list[str]) -> None:
        more = [f"… and {len(lines) - _TITLES} more"] if len(lines) > _TITLES else []
        _add(element, "title", "\n".join([*lines[:_TITLES], *more]))

    # --- below the lanes --------------------------------------------------------------------------------------------

    def _legend(self, y: float) -> float:
        """What the signs mean that are in the picture, what is left out, and what is missing; where it ends."""
        notes = [f"Missing from the log: {line(text, 150)}" for text in self.missing[:5]]
        if self.placed.left_out:
            left = ", ".join(self.placed.left_out)
            notes.append(f"Left out for want of room: {left}. A shorter time, with --since and --until, shows more.")
        if self.placed.crowded:
            notes.append("There are too many messages for arrows: they are marked where they were sent.")
        for text in notes:
            self._write(20, y, shorten(text, WIDTH - 40, 11), 11, "#9a3412", font_weight=600)
            y += 18
        y = self._flow([(key, text) for key, text in MEANINGS.items() if key in self.used], y)
        if len(self.colours) > len(_COLOURS):
            text = f"{len(self.colours)} resources share {len(_COLOURS)} colours: point at a bar to see which it is."
            self._write(20, y + 6, text, 11, _SOFT)
            y += 20
        elif self.colours:
            y = self._flow([(f"={name}", line(name, 60)) for name in self.colours], y + 6)
        return y + 4

    def _flow(self, items: list[tuple[str, str]], y: float) -> float:
        """Signs with their meaning, from left to right in lines; where they end."""
        x = 20.0
        for key, text in items:
            wide = 34 + width_of(text, 11) + 12
            if x > 20 and x + wide > WIDTH - 20:
                x, y = 20.0, y + 20
            group = _add(self.root, "g", transform=f"translate({x + 12:.1f} {y:.1f})")
            _draw(group, key, self.colours.get(key[1:]))
            self._write(x + 34, y + 4, text, 11, _SOFT)
            x += wide
        return y + 20


def _outline(block: SpanBar) -> str:
    """A bar's outline: a point where it goes on, a notch where it began before, otherwise rounded."""
    x0, x1, y, half = round(block.x0, 1), round(block.x1, 1), block.y, BAR / 2
    wide = x1 - x0
    tip, notch = (min(7, wide / 2) if end else 0 for end in (not block.span.end, block.began_before))
    round_ = 0 if tip or notch else min(2.5, wide / 2)
    right = (
        f"H{x1 - tip:.1f}l{tip:.1f} {half}l-{tip:.1f} {half}"
        if tip
        else f"H{x1 - round_:.1f}q{round_} 0 {round_} {round_}V{y + BAR - round_}q0 {round_} -{round_} {round_}"
    )
    left = (
        f"H{x0}l{notch:.1f} -{half}z"
        if notch
        else f"H{x0 + round_:.1f}q-{round_} 0 -{round_} -{round_}V{y + round_}q0 -{round_} {round_} -{round_}z"
    )
    return f"M{x0 + round_:.1f} {y}{right}{left}"


def _draw(group: Element, key: str, colours: tuple[str, str] | None = None) -> None:
    """A sign, around the middle of its group: of a mark, or of the legend."""
    if colours:
        _add(group, "rect", x=-10, y=-6, width=26, height=12, rx=2, fill=colours[0], stroke=colours[1])
        return
    for tag, attributes in SHAPES.get(key, ()):
        _add(group, tag, "", **attributes)
    if key.startswith("|"):
        _add(group, "path", d="M-10 -8H12V8H-10z", fill="#dde3ea")
        _add(group, "path", d=f"M12 -8{END_SHAPES[key[1:]]}", fill="none", stroke=_INK, stroke_width=1.6)
