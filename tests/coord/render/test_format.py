"""What others wrote is shown: in a terminal nothing of it is obeyed, in Markdown nothing of it is markup."""

import re

import pytest

from coord.render import format as words
from coord.render.format import line, markdown_text, terminal_text

OBEYED = {
    "control": [*range(0x09), 0x0B, *range(0x0C, 0x20)],
    "delete and C1": [*range(0x7F, 0xA0)],
    "direction": [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "unseen": [0xAD, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF],
    "line ends": [0x2028, 0x2029],
    "half a character": [0xD800, 0xDFFF],
    "tags": [0xE0000, 0xE0041, 0xE007F],
}


@pytest.mark.parametrize("kind", OBEYED)
def test_what_a_terminal_would_obey_or_hide_is_shown(kind: str) -> None:
    for code in OBEYED[kind]:
        for shown in (terminal_text(f"a{chr(code)}b"), line(f"a{chr(code)}b"), markdown_text(f"a{chr(code)}b")):
            assert chr(code) not in shown, hex(code)
            assert re.fullmatch(r"a\\{1,2}[xuUrt]?[0-9a-f]*b", shown), (hex(code), shown)


@pytest.mark.parametrize("text", ["grün", "日本語", "🔴 ✅", "e\u0301", "a b", "a\nb"])
def test_all_else_is_shown_as_it_is(text: str) -> None:
    assert terminal_text(text) == text


def test_a_line_is_one_and_is_cut_where_it_is_too_long() -> None:
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
def test_in_markdown_nothing_is_markup(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


@pytest.mark.slow
def test_nothing_that_is_obeyed_is_printable() -> None:
    """So a text that is printable is not searched for it."""
    letters = [chr(code) for code in range(0x110000)]
    assert not [letter for letter in letters if letter.isprintable() and re.match(words._CONTROL, letter)]
