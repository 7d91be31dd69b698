"""Draw the cost of commands against what grows, as one self-contained SVG file."""

import math
import statistics
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from benchmarks.commands import Curves

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 64, 56  # margins around the plot
_INK, _SOFT, _FAINT = "#1f2937", "#5b6675", "#e3e7ec"
_COLOURS = ("#3a6ea5", "#b3502e", "#1f7a62", "#7a5aa6")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def cost_svg(curves: Curves, target: float) -> str:
    """Return the plot of `curves`. The target, in L, is a dashed line."""
    return _Plot(curves, target).draw()


class _Plot:
    """The plot while it is drawn."""

    def __init__(self, curves: Curves, target: float) -> None:
        self.grows = curves.grows
        self.curves = {
            name: {amount: values for amount, values in sorted(line.items()) if values}
            for name, line in curves.lines.items()
        }
        self.target = target
        self.amounts = sorted({amount for line in self.curves.values() for amount in line})
        highest = max([target, *(_quartiles(values)[2] for line in self.curves.values() for values in line.values())])
        self.top = math.ceil(highest * 1.1 * 4) / 4
        self.root = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}",
                            width=f"{WIDTH}", height=f"{HEIGHT}")  # fmt: skip
        self.root.set("font-family", _FONT)

    def draw(self) -> str:
        self._add("title", f"Cost of a command by {self.grows}")
        self._add("rect", width=WIDTH, height=HEIGHT, rx=8, fill="#ffffff")
        self._write(20, 28, f"What a command costs, by {self.grows}", 15, _INK, "start")
        units = "whole process, in units of L = python -c 'import click, msgspec'; medians and quartiles"
        self._write(20, 46, units, 11, _SOFT, "start")
        self._axes()
        ends = sorted(self._line(name, colour) for name, colour in zip(self.curves, _COLOURS, strict=False))
        free = 0.0
        for y, name, colour in ends:
            free = max(y, free + 15)
            self._write(WIDTH - RIGHT + 10, free + 4, name, 12, colour, "start")
        indent(self.root, "")
        return tostring(self.root, encoding="unicode") + "\n"

    def _x(self, amount: int) -> float:
        low, high = math.log10(self.amounts[0]), math.log10(self.amounts[-1])
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(amount) - low) / (high - low or 1), 1)

    def _y(self, cost: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * cost / self.top, 1)

    def _add(self, tag: str, text: str = "", **attributes: object) -> Element:
        written = {name.replace("_", "-"): f"{value}" for name, value in attributes.items()}
        element = SubElement(self.root, tag, written)
        element.text = text or None
        return element

    def _write(self, x: float, y: float, text: str, size: float, fill: str, anchor: str) -> None:
        self._add("text", text, x=x, y=y, font_size=size, fill=fill, text_anchor=anchor)

    def _axes(self) -> None:
        end = WIDTH - RIGHT
        step = 0.25 if self.top <= 2 else 0.5 if self.top <= 5 else math.ceil(self.top / 8)
        for i in range(int(self.top / step) + 1):
            y = self._y(i * step)
            self._add("path", d=f"M{LEFT} {y}H{end}", stroke=_FAINT if i else _SOFT)
            self._write(LEFT - 8, y + 4, f"{i * step:g} L", 11, _SOFT, "end")
        for amount in self.amounts:
            x = self._x(amount)
            self._add("path", d=f"M{x} {HEIGHT - BOTTOM}v5", stroke=_SOFT)
            self._write(x, HEIGHT - BOTTOM + 20, f"{amount:,}", 11, _SOFT, "middle")
        self._write((LEFT + end) / 2, HEIGHT - 14, self.grows, 12, _SOFT, "middle")
        y = self._y(self.target)
        self._add("path", d=f"M{LEFT} {y}H{end}", stroke=_INK, stroke_dasharray="5 4")
        self._write(LEFT + 6, y - 5, f"target: {self.target:g} L", 11, _INK, "start")

    def _line(self, name: str, colour: str) -> tuple[float, str, str]:
        """Draw a curve; return the y where it ends, with its name and colour."""
        points = []
        for amount, values in self.curves[name].items():
            low, median, high = _quartiles(values)
            x, y = self._x(amount), self._y(median)
            points.append((x, y))
            self._add(
                "path", d=f"M{x} {self._y(low)}V{self._y(high)}", stroke=colour, stroke_width=4, stroke_opacity=0.3
            )
            dot = self._add("circle", cx=x, cy=y, r=3.5, fill=colour)
            SubElement(dot, "title").text = f"{name}, {amount:,}: {median:.2f} L"
        if points:
            path = "L".join(f"{x} {y}" for x, y in points)
            self._add("path", d=f"M{path}", fill="none", stroke=colour, stroke_width=2)
        return (points[-1][1] if points else 0.0, name, colour)


def _quartiles(values: list[float]) -> list[float]:
    return statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
