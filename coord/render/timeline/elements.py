"""Functions for SVG elements: add one, outline a bar, draw a symbol."""

import re
from xml.etree.ElementTree import Element, SubElement

from coord.render.timeline.looks import TEXTURES, Look
from coord.render.timeline.parts import BAR, SpanBar
from coord.render.timeline.symbols import END_SHAPES, INK, SHAPES

_NOT_XML = re.compile("[\ufffe\uffff]")


def add_element(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    """Add an SVG element. In attribute names "_" is written as "-", and a "_" at the end is dropped."""
    written = {name.rstrip("_").replace("_", "-"): f"{value}" for name, value in attributes.items()}
    element = SubElement(parent, tag, written)
    if text:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def bar_outline(bar: SpanBar) -> str:
    """Return a bar's outline: pointed if it is still held, notched if it began before the period, else rounded."""
    x0, x1, y, half = round(bar.x0, 1), round(bar.x1, 1), bar.y, BAR / 2
    wide = x1 - x0
    tip, notch = (min(7, wide / 2) if end else 0 for end in (not bar.span.end, bar.began_before))
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


def define_textures(root: Element) -> None:
    """Add the patterns with which a bar is filled: the textures of resources, and the stripes of a shared claim."""
    definitions = add_element(root, "defs")
    for name, shapes in TEXTURES.items():
        pattern = add_element(definitions, "pattern", id=name, width=6, height=6, patternUnits="userSpaceOnUse")
        for tag, attributes in shapes:
            add_element(pattern, tag, "", fill=INK, fill_opacity=0.22, **attributes)
    stripes = {"patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    hatch = add_element(definitions, "pattern", "", id="shared", width=6, height=6, **stripes)
    add_element(hatch, "rect", width=3, height=6, fill="#ffffff", fill_opacity=0.6)


def draw_symbol(group: Element, key: str, look: Look | None = None) -> None:
    """Draw a symbol around the centre of its group: that of a mark, or of the legend."""
    if look:
        for fill in (look.fill, *([f"url(#{look.texture})"] if look.texture else [])):
            add_element(group, "rect", x=-10, y=-6, width=26, height=12, rx=2, fill=fill, stroke=look.edge)
        return
    for tag, attributes in SHAPES.get(key, ()):
        add_element(group, tag, "", **attributes)
    if key.startswith("|"):
        add_element(group, "path", d="M-10 -8H12V8H-10z", fill="#dde3ea")
        add_element(group, "path", d=f"M12 -8{END_SHAPES[key[1:]]}", fill="none", stroke=INK, stroke_width=1.6)
