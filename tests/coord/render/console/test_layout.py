"""Sections on a terminal: text is cut and wrapped by its width in cells, and columns are aligned."""

import pytest
from rich.cells import cell_len

from coord.render.console.layout import cut, cut_rows, paint, wrap, wrapped_rows
from coord.render.styled import Row, Section, one_line, plain, plain_text, styled

TEXTS = [
    "",
    "plain",
    "🟢 ACTIVE SESSIONS",
    "⚠️  NEEDED",
    "日本語のテキスト",
    "e\u0301a\u0300 accents",
    "a" * 100,
    "🔒" * 40,
    "👩‍👩‍👧‍👦 a family is one character",
    "  - a line of several words, 日本語 and 🔒🔒 among them, and so on",
    "first · a fact of some words · 请问密钥在哪里？我需要它来测试 · and the last of the facts, which is long",
]


@pytest.mark.parametrize("text", TEXTS)
def test_cut_text_fits_for_any_characters(text: str) -> None:
    for columns in range(120):
        shown = plain(cut(styled(text), columns))
        assert cell_len(shown) <= columns
        assert shown == text or columns == 0 or shown.endswith("…")
        assert (shown == text) == (cell_len(text) <= columns)


@pytest.mark.parametrize("text", TEXTS)
def test_wrapped_text_fits_and_loses_nothing(text: str) -> None:
    for columns in range(2, 120):
        rows = [plain(row) for row in wrap(styled(text), columns)]
        assert all(cell_len(row) <= columns for row in rows), (columns, rows)
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")


def test_text_wraps_between_words_and_keeps_its_indent() -> None:
    rows = wrap(styled("one two three four five six seven"), 24)
    assert [plain(row) for row in rows] == ["one two three four five", "    six seven"]


def test_a_short_fact_is_not_broken() -> None:
    rows = wrap(styled("BUILD · blocked on the key · last seen 6 min ago · 2 unread"), 40)
    assert [plain(row) for row in rows] == ["BUILD · blocked on the key ·", "    last seen 6 min ago · 2 unread"]


def test_a_row_does_not_begin_with_chinese_punctuation() -> None:
    rows = wrap(styled("一二三四五六七八九十一二，三四"), 25, 0)
    assert [plain(row) for row in rows] == ["一二三四五六七八九十一", "二，三四"]


CLAIMS = Section(
    "🔒 CLAIMS",
    [
        Row(styled("until 15:20 UTC (4 h left)"), (styled("file/a"), styled("ada", "name")), styled("since 11:20 UTC")),
        Row(styled("until 15:20 UTC (4 h left)"), (styled("file/一二"), styled("benjamin")), styled("since 11:20 UTC")),
        Row(styled("until 15:20 UTC (4 h left)"), (styled("file/" + "long/" * 12), styled("cai"))),
    ],
)


def test_columns_are_aligned_by_cells() -> None:
    assert [plain(row) for row in wrapped_rows([CLAIMS], 120)] == [
        "🔒 CLAIMS",
        "file/a     ada       since 11:20 UTC · until 15:20 UTC (4 h left)",
        "file/一二  benjamin  since 11:20 UTC · until 15:20 UTC (4 h left)",
        "file/" + "long/" * 12,
        "           cai       until 15:20 UTC (4 h left)",
    ]


def test_less_important_text_is_left_out_of_a_narrow_window() -> None:
    assert [plain(row) for row in wrapped_rows([CLAIMS], 60)][1] == "file/a     ada       until 15:20 UTC (4 h left)"


def test_a_long_head_wraps_like_a_row() -> None:
    rows = wrapped_rows([Section("─── A handoff: cai continues where ada stops", [])], 30)
    assert [plain(row) for row in rows] == ["─── A handoff: cai continues", "    where ada stops"]


def test_columns_are_not_aligned_without_room() -> None:
    assert [plain(row) for row in wrapped_rows([CLAIMS], 40)][1:3] == [
        "file/a - ada ·",
        "    until 15:20 UTC (4 h left)",
    ]


@pytest.mark.parametrize("columns", range(2, 130))
def test_rows_fit_any_window(columns: int) -> None:
    for rows in (wrapped_rows([CLAIMS], columns), cut_rows([CLAIMS], columns)):
        assert all(cell_len(plain(row)) <= columns for row in rows)


def test_plain_text_has_one_line_for_each_row() -> None:
    rows = [plain(one_line(row)) for row in CLAIMS.rows]
    assert rows[0] == "file/a - ada · since 11:20 UTC · until 15:20 UTC (4 h left)"
    assert plain_text([CLAIMS, CLAIMS]) == "\n".join(["🔒 CLAIMS", *rows, "", "🔒 CLAIMS", *rows])


def test_styles_are_escape_sequences_only_with_colours() -> None:
    pieces = [("ada", "name"), (": [bold]x[/bold] :smile:", "")]
    assert paint(pieces, colours=False) == "ada: [bold]x[/bold] :smile:"
    assert paint(pieces, colours=True) == "\x1b[1mada\x1b[0m: [bold]x[/bold] :smile:"
