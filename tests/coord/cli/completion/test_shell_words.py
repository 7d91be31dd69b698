"""Words of bash: an unfinished line is split as bash splits it, and a quoted word means the same text to bash."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.cli.completion.shell_words import Word, quoted_word, split_words, without_unchanged

EVIL = [
    "$(touch x)",
    "`touch x`",
    "a b",
    "a'b",
    'a"b',
    "a\\b",
    "a;b",
    "a&&b",
    "*?[x]",
    "~root",
    "#a",
    "!!",
    "ü ß",
    "{a,b}",
]
BREAKS = " \t\n\"'><=;|&(:"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("coord cl", ["coord", "cl"]),
        ("coord claim ", ["coord", "claim", ""]),
        ("coord  'a b' \"c $d\" e\\ f", ["coord", "a b", "c $d", "e f"]),
        ('coord "a\\"b\\n', ["coord", 'a"b\\n']),
        ("ls; cd x && coord why a", ["coord", "why", "a"]),
        ("x=$(coord why a", ["coord", "why", "a"]),
        ("coord claim '", ["coord", "claim", ""]),
        ("coord claim \\", ["coord", "claim", ""]),
        ("coord log >out", ["coord", "log", "out"]),
        ("", [""]),
    ],
)
def test_a_line_is_split_at_the_words_of_bash(line: str, words: list[str]) -> None:
    assert [word.text for word in split_words(line)] == words


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), min_size=1))
def test_a_quoted_word_is_read_as_the_same_text(text: str) -> None:
    for quote in ("", "'", '"'):
        quoted = quoted_word(text, quote)
        assert quoted is None or split_words(quote + quoted)[-1].text == text


@given(st.text(max_size=40))
def test_any_line_has_a_word_at_the_cursor(line: str) -> None:
    assert split_words(line)


def test_bash_reads_a_quoted_word_as_the_same_text() -> None:
    """Nothing in it is expanded or run, with any quotation mark."""
    for quote in ("", "'", '"'):
        quoted = {text: quoted_word(text, quote) for text in EVIL}
        typed = " ".join(f"{quote}{each}{quote}" for each in quoted.values() if each is not None)
        script = f"printf '%s\\n' {typed}"
        printed = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True).stdout
        assert printed.splitlines() == [text for text, each in quoted.items() if each is not None]
    assert quoted_word("a!b", '"') is None
    assert quoted_word("a'b", "'") is None


def test_only_the_part_after_a_word_break_is_replaced() -> None:
    """Bash replaces what follows the last `:` or `=`."""
    assert without_unchanged("service/db:5432", Word("service/db:54", "service/db:54"), BREAKS) == "5432"
    assert without_unchanged("--session=one", Word("--session=o", "--session=o"), BREAKS) == "one"
    assert without_unchanged("service/db:5432", Word("service/db:54", "service/db:54"), " ") == "service/db:5432"
    assert without_unchanged("b:5432", Word("'b:54", "b:54", "'"), BREAKS) == "b:5432"
    assert without_unchanged("b:5432", Word("'b':54", "b:54"), BREAKS) is None
