"""The reference pages match the code, and every example on them is valid."""

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from coord.cli.registry import COMMAND_GROUPS

ROOT = Path(__file__).resolve().parents[2]
_OPERATORS = set("|&;()<>")


PAGES = ROOT / "docs" / "reference"
sys.path.insert(0, str(PAGES))  # the scripts import each other, as when one of them is run
generate: Any = importlib.import_module("generate")
commands_page: Any = importlib.import_module("commands_page")
NAMES = [name for group in COMMAND_GROUPS.values() for name in group]


def test_the_reference_pages_are_up_to_date() -> None:
    assert not generate.stale(), "run: python docs/reference/generate.py"


@pytest.mark.slow
def test_an_outdated_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "events.md").write_text("old\n")
    assert generate.main(["--check"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_text_and_an_example(name: str) -> None:
    text, examples = commands_page.help_of(commands_page.load(name))
    assert text.endswith((".", ")")), text
    assert "\b" not in text
    assert any(_calls(example, name) for example in examples), f"`coord {name} --help` shows no example of it"


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_means(name: str) -> None:
    for option in commands_page.load(name).params:
        if isinstance(option, click.Option):
            assert option.help, f"coord {name} {option.opts[0]}"


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid(name: str) -> None:
    _, examples = commands_page.help_of(commands_page.load(name))
    for example in examples:
        for called, arguments in _calls(example):
            commands_page.load(called).make_context(called, arguments)  # raises for an unknown option


def test_the_page_lists_the_variables_that_the_code_reads() -> None:
    read = {
        name
        for path in (ROOT / "coord").rglob("*.py")
        for name in re.findall(r"""\benv(?:iron)?(?:\.get\(|\[)"(\w+)\"""", path.read_text(encoding="utf-8"))
    }
    assert read == set(commands_page.ENVIRONMENT)


def _calls(example: str, name: str = "") -> list[tuple[str, list[str]]]:
    """The calls of `coord` in a line of shell: each command (or only the one named) with its arguments."""
    lexer = shlex.shlex(example, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    calls: list[list[str]] = []
    inside = False
    for word in lexer:
        if set(word) <= _OPERATORS:
            inside = False
        elif inside:
            calls[-1].append(word)
        elif word == "coord":
            inside = True
            calls.append([])
    return [(words[0], words[1:]) for words in calls if words and name in ("", words[0])]
