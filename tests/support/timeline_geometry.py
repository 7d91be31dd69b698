"""Check where the texts and marks of a timeline's picture are."""

import re
from itertools import combinations
from xml.etree.ElementTree import Element, fromstring

from coord.render.timeline.measure import BOLD, width_of
from coord.render.timeline.parts import WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def check_geometry(picture: str) -> None:
    """Check that no texts overlap, that no arrow crosses one, and that everything is on the canvas."""
    root = fromstring(picture)
    height = float(root.get("height", "0"))
    boxes = [_box(text) for text in root.iter(f"{SVG}text")]
    for x0, y0, x1, y1 in boxes:
        assert x0 >= 0
        assert x1 <= WIDTH
        assert y0 >= 0
        assert y1 <= height
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "message":
            for x, y0, y1 in re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", "".join(map(_place, group))):
                top, bottom = sorted((float(y0), float(y1)))
                for box in boxes:
                    assert not (box[0] < float(x) < box[2] and box[1] < bottom and top < box[3]), (box, x, top, bottom)
    for element in root.iter():
        for x, y in re.findall(r"(?:M|translate\()(-?[\d.]+) (-?[\d.]+)", _place(element)):
            assert element.tag != f"{SVG}path" or x.startswith("-") or (float(x) <= WIDTH and float(y) <= height)


def _place(element: Element) -> str:
    return f"{element.get('d', '')} {element.get('transform', '')}"


def _box(text: Element) -> tuple[float, float, float, float]:
    size, x, y = (float(text.get(name, "0")) for name in ("font-size", "x", "y"))
    wide = width_of(text.text or "", size * BOLD if text.get("font-weight") else size)
    if text.get("text-anchor") == "middle":
        x -= wide / 2
    return (x, y - 0.8 * size, x + wide, y + 0.25 * size)
