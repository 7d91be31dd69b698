"""The limits on the shape of the code: sizes of modules, functions and folders, lengths of test names."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("eventlog", "projections", "coord")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_FOLDER_ENTRIES, MAX_TEST_NAME = 300, 50, 12, 60
NO_CODE = {"__init__.py", "__pycache__", "py.typed"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short_and_have_a_docstring(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "the first paragraph of a module says what the module does"
    assert len(text.splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_folders_have_few_entries(folder: Path) -> None:
    """A folder of commands is exempt: its modules are listed in the help."""
    if "commands" not in folder.relative_to(ROOT).parts:
        assert len([path for path in folder.iterdir() if path.name not in NO_CODE]) <= MAX_FOLDER_ENTRIES


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_packages_have_a_docstring_and_import_nothing(folder: Path) -> None:
    """Importing a package loads nothing that the importer did not ask for: hooks must start fast."""
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert [ast.unparse(node) for node in tree.body[1:] if not isinstance(node, ast.Assign)] == []


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_names_of_tests_are_short(path: Path) -> None:
    names = [function.name for function in functions(path) if function.name.startswith("test_")]
    assert [name for name in names if len(name) > MAX_TEST_NAME] == []


def test_this_repository_does_not_track_its_own_log() -> None:
    tracked = subprocess.run(["git", "ls-files", "COORDINATION"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in tracked.stdout.split() if "/log/" in name or "STATUS_BOARD" in name]
