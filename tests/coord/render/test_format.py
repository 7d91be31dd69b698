"""Text of other sessions is made safe: no control character reaches a terminal, and no markup a Markdown document."""

import re

import pytest

from coord.render import format as format_module
from coord.render.format import line, markdown_text, session_label, terminal_text, time_text

CONTROL = {
    "control": [*range(0x09), 0x0B, *range(0x0C, 0x20)],
    "delete and C1": [*range(0x7F, 0xA0)],
    "direction": [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "invisible": [0xAD, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF],
    "line ends": [0x2028, 0x2029],
    "surrogates": [0xD800, 0xDFFF],
    "tags": [0xE0000, 0xE0041, 0xE007F],
}


@pytest.mark.parametrize("kind", CONTROL)
def test_control_and_invisible_characters_are_escaped(kind: str) -> None:
    for code in CONTROL[kind]:
        for shown in (terminal_text(f"a{chr(code)}b"), line(f"a{chr(code)}b"), markdown_text(f"a{chr(code)}b")):
            assert chr(code) not in shown, hex(code)
            assert re.fullmatch(r"a\\{1,2}[xuUrt]?[0-9a-f]*b", shown), (hex(code), shown)


@pytest.mark.parametrize("text", ["grün", "日本語", "🔴 ✅", "e\u0301", "a b", "a\nb"])
def test_other_text_is_unchanged(text: str) -> None:
    assert terminal_text(text) == text


def test_line_joins_lines_and_cuts_long_text() -> None:
    assert line("  a\tb \n\n  c\n") == "a b ⏎ c"
    assert line("x" * 120) == "x" * 120
    assert line("x" * 121) == "x" * 119 + "…"
    assert terminal_text("x" * 500) == "x" * 500
    assert terminal_text("x" * 500, 3) == "xx…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("&lt;b&gt; &amp; &#60; a & b", "&amp;lt;b&amp;gt; &amp;amp; &amp;#60; a & b"),
        ("*a* `b` [c](d) | ~e~", "\\*a\\* \\`b\\` \\[c\\](d) \\| \\~e\\~"),
        ("_a_ snake_case \\", "\\_a\\_ snake_case \\\\"),
        ("a\n# b", "a ⏎ # b"),
    ],
)
def test_markdown_text_escapes_all_markup(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


@pytest.mark.slow
def test_no_control_character_is_printable() -> None:
    """`terminal_text` relies on this: it does not search printable text for control characters."""
    letters = [chr(code) for code in range(0x110000)]
    assert not [letter for letter in letters if letter.isprintable() and re.match(format_module._CONTROL, letter)]


NAMES = {
    "amber-otter": "ada",
    "brown-hare": "ben",
    "coral-swift": "ben",
    "dusky-wren": "do it now",
    "eager-finch": "x" * 50,
}


def test_a_session_is_its_name_and_its_id_where_it_has_none() -> None:
    assert session_label("amber-otter", NAMES) == "ada"
    assert session_label("fleet-hawk", NAMES) == "fleet-hawk"
    assert session_label("amber-otter", NAMES, full=True) == "ada (amber-otter)"
    assert session_label("fleet-hawk", NAMES, full=True) == "fleet-hawk"


@pytest.mark.parametrize("session", ["brown-hare", "coral-swift", "dusky-wren", "eager-finch"])
def test_an_unclear_name_is_followed_by_the_id(session: str) -> None:
    """Two sessions have it, it has several words, or it is cut."""
    assert session_label(session, NAMES) == f"{line(NAMES[session], 40)} ({session})"


def test_a_name_that_is_the_id_of_another_session_is_unclear() -> None:
    assert (
        session_label("amber-otter", {"amber-otter": "brown-hare", "brown-hare": "ben"}) == "brown-hare (amber-otter)"
    )


def test_a_time_has_its_date_only_if_that_differs() -> None:
    at = "2026-11-22T12:00:00.000000Z"
    assert time_text(at, at).startswith(time_text(at, "")[len("2026-11-22 ") :])
    assert time_text(at, "2026-11-25T12:00:00.000000Z").startswith("2026-11-2")
