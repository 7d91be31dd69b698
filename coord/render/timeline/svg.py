"""Draw the timeline as one self-contained SVG file.

The file has its own background and no script, font or external link. Every bar, mark and arrow has a `title` with its
events, which a browser shows as a tooltip. The tree is built element by element, so text of other sessions cannot
become markup. The colours are distinguishable for colour-blind readers, and nothing is shown by colour alone.
`coord.render.timeline.layout` computes the positions.
"""

from collections.abc import Iterable
from itertools import pairwise
from xml.etree.ElementTree import Element, indent, tostring

from coord.render.clock import local_time, zone_text
from coord.render.format import line, plural, session_label
from coord.render.timeline.elements import add_element, bar_outline, define_textures, draw_symbol
from coord.render.timeline.labels import BOLD_MARKS
from coord.render.timeline.layout import lay_out
from coord.render.timeline.looks import LOOKS, choose_looks
from coord.render.timeline.measure import BOLD, shorten, width_of
from coord.render.timeline.parts import LEFT, RIGHT, TOP, WIDTH, Arrow, LaneBand, LinkLine, SpanBar, Symbol
from coord.render.timeline.scale import period_label, ticks
from coord.render.timeline.symbols import END_SHAPES, INK, MEANINGS
from coord.render.timeline.tooltips import link_tooltip, session_tooltip, span_tooltip, symbol_tooltip
from projections.views.timeline.period import Timeline

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_SOFT, _FAINT = "#5b6675", "#e3e7ec"
_TITLES = 30  # lines of a tooltip
_RESOURCES = len(LOOKS)  # in the legend


def render_svg(timeline: Timeline, missing: Iterable[str] = ()) -> str:
    """Return the picture; `missing` are sentences about missing parts of the log, shown as notes."""
    return _Picture(timeline, missing).draw()


class _Picture:
    """The picture while it is drawn, part by part."""

    def __init__(self, timeline: Timeline, missing: Iterable[str]) -> None:
        self.timeline, self.missing, self.layout = timeline, list(missing), lay_out(timeline)
        self.root = Element("svg", xmlns="http://www.w3.org/2000/svg")
        self.looks = choose_looks([bar.span.resource for bar in band.bars] for band in self.layout.bands)
        self.used: set[str] = set()  # keys of the legend's entries to show

    def draw(self) -> str:
        """Draw everything and return the SVG text."""
        background = add_element(self.root, "rect", width=WIDTH, rx=8, fill="#ffffff")
        define_textures(self.root)
        self._head()
        self._grid()
        for number, band in enumerate(self.layout.bands):
            self._band(band, number)
        for link in self.layout.links:
            self._link(link)
        for arrow in self.layout.arrows:
            self._arrow(arrow)
        for band in self.layout.bands:
            self._labels(band)
            self._symbols(band)
        if not self.layout.bands:
            self._write(LEFT + 10, TOP + 26, "Nothing happened in this period.", 13, _SOFT)
        height = self._legend(self.layout.bottom + 26)
        background.set("height", f"{height:.0f}")
        self.root.set("viewBox", f"0 0 {WIDTH:.0f} {height:.0f}")
        self.root.set("width", f"{WIDTH:.0f}")
        self.root.set("height", f"{height:.0f}")
        self.root.set("font-family", _FONT)
        indent(self.root, "")
        return tostring(self.root, encoding="unicode") + "\n"

    def _write(self, x: float, y: float, text: str, size: float, fill: str, **more: object) -> Element:
        return add_element(self.root, "text", text, x=round(x, 1), y=round(y, 1), font_size=size, fill=fill, **more)

    # --- around the lanes -------------------------------------------------------------------------------------------

    def _head(self) -> None:
        timeline = self.timeline
        title = period_label(timeline.since, timeline.until)
        spans = [span for lane in timeline.lanes for row in lane.rows for span in row]
        claims = len({span.id for span in spans if span.kind == "claim"})
        counts = (
            *((len(timeline.lanes), "session"), (claims, "claim")),
            *((len(timeline.messages), "message"), (timeline.events, "event")),
        )
        add_element(self.root, "title", f"Timeline, {title}")
        self._write(20, 34, "Who held what", 17, INK, font_weight=600)
        facts = " · ".join(plural(count, noun) for count, noun in counts)
        self._write(LEFT + 10, 34, shorten(f"{title}  ·  {facts}", WIDTH - LEFT - 30, 13), 13, _SOFT)

    def _grid(self) -> None:
        scale, y, bottom = self.layout.scale, TOP - 14, self.layout.bottom
        start = local_time(scale.start)
        day = f"{start:%Y-%m-%d} {zone_text(start)}"
        self._write(20, y, day, 11, INK, font_weight=600)
        free = 0.0
        for tick in ticks(scale, 84):
            add_element(self.root, "path", d=f"M{tick.x} {TOP - 8}V{bottom}", stroke="#9aa5b1" if tick.day else _FAINT)
            half = width_of(tick.label, 11) / 2
            if tick.x + half < WIDTH:
                self._write(tick.x, y, tick.label, 11, _SOFT, text_anchor="middle")
            half = width_of(tick.day, 11 * BOLD) / 2
            middle = min(tick.x, WIDTH - 8 - half)
            if tick.day and middle - half > free:
                self._write(middle, y - 15, tick.day, 11, INK, text_anchor="middle", font_weight=600)
                free = middle + half + 8

    # --- lanes ------------------------------------------------------------------------------------------------------

    def _band(self, band: LaneBand, number: int) -> None:
        lane, top = band.lane, band.top
        if number % 2 == 0:
            add_element(
                self.root,
                "rect",
                x=8,
                y=top,
                width=WIDTH - 16,
                height=band.height,
                rx=4,
                fill="#f1f4f8",
                fill_opacity=0.75,
            )
        name = line(lane.name, 40)
        self._write(20, top + 22, shorten(name or lane.session, LEFT - 30, 13 * BOLD), 13, INK, font_weight=600)
        rest = [lane.session] if name not in ("", lane.session) else []
        for number_below, text in enumerate([*rest, line(lane.client, 40)]):
            self._write(20, top + 37 + 14 * number_below, shorten(text, LEFT - 30, 10.5), 10.5, _SOFT)
        self._lives(band)
        for bar in band.bars:
            self._bar(bar)

    def _lives(self, band: LaneBand) -> None:
        scale, y, lane = self.layout.scale, band.axis, band.lane
        if not lane.lives and lane.first_at:
            path = f"M{scale.x(lane.first_at)} {y}H{scale.x(lane.last_at)}"
            dashes = add_element(self.root, "path", d=path, stroke="#7b8794", stroke_width=2, stroke_dasharray="2 3")
            name = session_label(lane.session, self.timeline.names)
            self._titled(dashes, [f"{name}: events without a session start"])
        for before, after in pairwise(lane.lives):
            add_element(
                self.root,
                "path",
                d=f"M{scale.x(before.end)} {y}H{scale.x(after.start)}",
                stroke="#b6bfca",
                stroke_width=1.5,
                stroke_dasharray="1 4",
            )
        for life in lane.lives:
            x0, x1 = scale.x(life.start), scale.x(life.end) if life.end else RIGHT - 2
            group = add_element(self.root, "g", class_="life", stroke="#7b8794", stroke_width=2, fill="#7b8794")
            self._titled(group, [session_tooltip(life, self.timeline.names)])
            add_element(group, "path", d=f"M{x0} {y}H{x1}")
            if life.start >= scale.start:
                add_element(group, "circle", cx=x0, cy=y, r=3, fill="#ffffff")
            if life.how == "ended":
                add_element(group, "path", d=f"M{x1} {y - 5}v10", stroke_width=3)
                self.used.add("ended")

    def _bar(self, bar: SpanBar) -> None:
        span, look = bar.span, self.looks[bar.span.resource]
        group = add_element(self.root, "g", class_=span.kind)
        self._titled(group, [span_tooltip(span, self.timeline.names)])
        x0, x1, y = bar.x0, bar.x1, bar.y
        if span.kind == "wait":
            self.used.add("wait")
            add_element(
                group,
                "rect",
                x=x0,
                y=y + 5,
                width=round(x1 - x0, 1),
                height=6,
                fill="#ffffff",
                stroke=look.edge,
                stroke_dasharray="3 2",
            )
            if span.end and span.how != "granted":
                self._end(group, "gave_up", x1, y)
        else:
            outline = bar_outline(bar)
            add_element(group, "path", d=outline, fill=look.fill)
            if look.texture:
                add_element(group, "path", d=outline, fill=f"url(#{look.texture})")
            if span.mode == "shared":
                self.used.add("shared")
                add_element(group, "path", d=outline, fill="url(#shared)")
            add_element(group, "path", d=outline, fill="none", stroke=look.edge)
            self.used |= {"claim", "before" if bar.began_before else "claim", "claim" if span.end else "open"}
            if span.how in END_SHAPES and x1 - x0 > 9:
                self._end(group, span.how, x1, y)

    def _end(self, group: Element, how: str, x: float, y: float) -> None:
        """Draw at the end of a bar how it ended."""
        self.used.add(f"|{how}")
        add_element(group, "path", d=f"M{x} {y}{END_SHAPES[how]}", fill="none", stroke=INK, stroke_width=1.6)

    def _labels(self, band: LaneBand) -> None:
        for bar in band.bars:
            if bar.label:
                fill = INK if bar.x0 < bar.label_x < bar.x1 else _SOFT
                self._write(bar.label_x, bar.y + 11.8, bar.label, 10, fill)

    def _symbols(self, band: LaneBand) -> None:
        for symbol in band.symbols:
            if symbol.kind != "arrow":
                self._symbol(symbol, band.axis)
            if symbol.label:
                bold = {"font_weight": 600} if symbol.kind in BOLD_MARKS else {}
                self._write(symbol.label_x, band.axis - 6, symbol.label, 10, INK if bold else _SOFT, **bold)

    def _symbol(self, symbol: Symbol, y: float) -> None:
        self.used.add(symbol.kind)
        group = add_element(self.root, "g", class_=symbol.kind, transform=f"translate({round(symbol.x, 1)} {y})")
        self._titled(group, [symbol_tooltip(item, self.timeline.names) for item in symbol.items])
        draw_symbol(group, symbol.kind)

    def _link(self, link: LinkLine) -> None:
        kind, x, y0, y1 = link.link.kind, link.x, link.y0, link.y1
        self.used.add("continued" if kind == "continued" else "passed")
        path = f"M{x} {y0}C{x + 16} {y0} {x - 16} {y1} {x} {y1}" if kind != "continued" else f"M{x} {y0}V{y1}"
        shape = add_element(self.root, "path", d=path, fill="none", stroke=INK, stroke_width=1.4, class_="link")
        if kind == "continued":
            shape.set("stroke-dasharray", "2 3")
        self._titled(shape, [link_tooltip(link.link, self.timeline.names)])

    def _arrow(self, arrow: Arrow) -> None:
        urgent = any(sent.urgency == "high" for sent in arrow.messages)
        self.used.add("urgent" if urgent else "arrow")
        x, y0, y1 = round(arrow.x, 1), arrow.y0, arrow.y1
        group = add_element(self.root, "g", class_="message")
        self._titled(group, [symbol_tooltip(sent, self.timeline.names) for sent in arrow.messages])
        tip = 7 if y0 < y1 else -7
        colour, thick = ("#b3261e", 2.2) if urgent else ("#475569", 1.3)
        add_element(group, "path", d=f"M{x} {y0}V{y1}", stroke="#ffffff", stroke_width=4, stroke_opacity=0.7)
        add_element(group, "path", d=f"M{x} {y0}V{y1 - tip / 2}", stroke=colour, stroke_width=thick)
        add_element(group, "path", d=f"M{x} {y1}l-4 {-tip}h8z", fill=colour)
        add_element(group, "circle", cx=x, cy=y0, r=2.6, fill=colour)

    def _titled(self, element: Element, lines: list[str]) -> None:
        """Give an element a tooltip."""
        more = [f"… and {len(lines) - _TITLES} more"] if len(lines) > _TITLES else []
        add_element(element, "title", "\n".join([*lines[:_TITLES], *more]))

    # --- below the lanes --------------------------------------------------------------------------------------------

    def _legend(self, y: float) -> float:
        """Write the notes, the symbols' meanings and the resources' colours; return the y where they end."""
        notes = [f"Missing from the log: {line(text, 150)}" for text in self.missing[:5]]
        if self.layout.left_out:
            left_out = ", ".join(self.layout.left_out)
            notes.append(f"Left out, for lack of room: {left_out}. Show less time with --since and --until.")
        if self.layout.crowded:
            notes.append("Too many messages for arrows: each is marked where it was sent.")
        for text in notes:
            self._write(20, y, shorten(text, WIDTH - 40, 11 * BOLD), 11, "#9a3412", font_weight=600)
            y += 18
        y = self._flow([(key, text) for key, text in MEANINGS.items() if key in self.used], y)
        if self.looks:
            y = self._flow([(f"={name}", line(name, 60)) for name in list(self.looks)[:_RESOURCES]], y + 6)
        if len(self.looks) > _RESOURCES:
            text = f"… and {len(self.looks) - _RESOURCES} more resources: point at a bar to see its resource."
            self._write(20, y, text, 11, _SOFT)
            y += 20
        return y + 4

    def _flow(self, items: list[tuple[str, str]], y: float) -> float:
        """Write symbols with their meanings, in lines from left to right; return the y where they end."""
        x = 20.0
        for key, text in items:
            wide = 34 + width_of(text, 11) + 12
            if x > 20 and x + wide > WIDTH - 20:
                x, y = 20.0, y + 20
            group = add_element(self.root, "g", transform=f"translate({x + 12:.1f} {y:.1f})")
            draw_symbol(group, key, self.looks.get(key[1:]))
            self._write(x + 34, y + 4, text, 11, _SOFT)
            x += wide
        return y + 20
