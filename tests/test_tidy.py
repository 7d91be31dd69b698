"""The limits on the shape of the code: sizes of modules, functions and folders, lengths of test names."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


def test_modules_are_short_and_have_a_docstring() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in MODULES}
    assert [name for name, text in texts.items() if not ast.get_docstring(ast.parse(text))] == []
    lengths = {name: len(text.splitlines()) for name, text in texts.items()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{name_of(path)}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in MODULES
        for function in functions(path)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_folders_have_few_entries() -> None:
    """A folder of commands is exempt: its modules are listed in the help."""
    entries = {
        name_of(folder): [path.name for path in folder.iterdir() if path.name not in NO_CODE]
        for folder in FOLDERS
        if "commands" not in folder.relative_to(ROOT).parts
    }
    assert {name: names for name, names in entries.items() if len(names) > MAX_FOLDER_ENTRIES} == {}


def test_packages_have_a_docstring_and_import_nothing() -> None:
    """Importing a package loads nothing that the importer did not ask for: hooks must start fast."""
    for folder in FOLDERS:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), folder
        assert [ast.unparse(node) for node in tree.body[1:] if not isinstance(node, ast.Assign)] == [], folder


def test_names_of_tests_are_short() -> None:
    names = [function.name for path in TESTS for function in functions(path) if function.name.startswith("test_")]
    assert [name for name in names if len(name) > MAX_TEST_NAME] == []


def test_this_repository_does_not_track_its_own_log() -> None:
    tracked = subprocess.run(["git", "ls-files", "COORDINATION"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in tracked.stdout.split() if "/log/" in name or "STATUS_BOARD" in name]
