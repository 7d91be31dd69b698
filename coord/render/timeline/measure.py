"""The width of text in a picture, estimated for the usual fonts without serifs."""

from unicodedata import east_asian_width

BOLD = 1.1  # how much wider bold text is
_LEAST = 6  # characters that a shortened text must keep
_NARROW, _BROAD = frozenset("ijlftrI1|!.,:;'` ()[]{}/\\-\"·"), frozenset("mwMWGOQ@%&—…→⏎")


def width_of(text: str, size: float) -> float:
    """Return the greatest width that a text of this font size can have, in pixels."""
    return sum(map(_width, text)) * size


def _width(char: str) -> float:
    if char in _NARROW:
        return 0.43
    if char in _BROAD or ord(char) > 0x24F:
        return 1.25 if east_asian_width(char) in "WF" else 1.02
    return 0.78 if char.isupper() else 0.66


def shorten(text: str, room: float, size: float, *, end: bool = False) -> str:
    """Cut a text to the width `room`, with an ellipsis; keep its beginning, or its end if `end`.

    Return an empty text if fewer than six characters would be left.
    """
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
