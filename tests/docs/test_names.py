"""The modules and files that are named in docs, docstrings and comments exist.

Names are found by their form, so a module that moves needs no change here.
"""

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("coord", "eventlog", "projections", "tests")
_MODULE = re.compile(rf"(?<![\w./-])((?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+)(?![\w/]|-\w)")
_PATH = re.compile(r"(?<![\w./~-])((?:tests|docs)/[\w./-]*\.(?:json|md|py|sh|svg|toml|txt))\b")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_NO_MODULES = {"coord.sh", "coord.json"}  # files of users


def pages() -> list[Path]:
    """The Markdown files of the docs."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "COORDINATION").glob("*.md")])


def sources() -> list[Path]:
    """All Python files, except the mutants."""
    found = [path for package in (*PACKAGES, "docs") for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if ROOT / "tests" / "mutants" not in path.parents)


def prose(source: str) -> Iterator[str]:
    """The comments and docstrings of a module, including those of constants."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def text_of(path: Path) -> str:
    """The prose of a file. Fenced examples are left out, because they name files of users."""
    text = path.read_text(encoding="utf-8")
    return "\n".join(prose(text)) if path.suffix == ".py" else _FENCED.sub("", text)


@cache
def exists(name: str) -> bool:
    """Whether a dotted name is a module or something in a module."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if part in getattr(found, "__annotations__", {}):
                return True  # a field of a class
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def missing_in(text: str) -> list[str]:
    """The modules and files that a text names and that do not exist."""
    modules = [name for name in set(_MODULE.findall(text)) - _NO_MODULES if not exists(name)]
    return sorted(modules + [name for name in set(_PATH.findall(text)) if not (ROOT / name).exists()])


def test_every_module_and_file_that_is_named_exists() -> None:
    missing = {}
    for path in (*pages(), *sources()):
        if missing_in(path.read_text(encoding="utf-8")):  # only then is it worth parsing the file
            missing[str(path.relative_to(ROOT))] = missing_in(text_of(path))
    assert {path: names for path, names in missing.items() if names} == {}


def test_a_wrong_name_is_found() -> None:
    source = (
        '"""See `coord.nowhere`."""\nX = 1  # see tests/nowhere.py\n"""As `eventlog.local.lock.nothing` has it."""\n'
    )
    text = "\n".join(prose(source))
    assert _MODULE.findall(text) == ["coord.nowhere", "eventlog.local.lock.nothing"]
    assert not exists("coord.nowhere")
    assert not exists("eventlog.local.lock.nothing")
    assert exists("eventlog.local.lock.locked")
    assert _PATH.findall(text) == ["tests/nowhere.py"]
