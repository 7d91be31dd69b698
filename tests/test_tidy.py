"""The limits on the shape of the code: sizes of modules, functions and folders, lengths of test names."""

import ast
import gzip
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.javascript import functions as javascript_functions
from tests.support.javascript import without_texts

ROOT = Path(__file__).parent.parent
PACKAGES = ("eventlog", "projections", "coord")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_FOLDER_ENTRIES, MAX_TEST_NAME = 300, 50, 12, 60
NO_CODE = {"__init__.py", "__pycache__", "py.typed"}
PAGE = ROOT / "coord" / "servers" / "web"
SCRIPTS, STYLES = (sorted((PAGE / "static").rglob(f"*.{ext}")) for ext in ("js", "css"))
TEMPLATES = sorted((PAGE / "templates").glob("*.html"))
MAX_PAGE_BYTES = 150_000
AS_MARKUP = (
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|eval|Function)\b|document\.write|srcdoc"
)
INLINE = r"<style|<script(?![^>]*\bsrc=)|\s(style|on[a-z]+)\s*="


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


def test_scripts_and_styles_of_the_page_are_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*SCRIPTS, *STYLES]}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}
    folders = {path.parent for path in [*SCRIPTS, *STYLES]}
    assert [folder for folder in folders if len(list(folder.iterdir())) > MAX_FOLDER_ENTRIES] == []
    functions = {
        f"{name_of(path)}:{name}": lines
        for path in SCRIPTS
        for name, lines in javascript_functions(path.read_text(encoding="utf-8"))
    }
    assert {name: lines for name, lines in functions.items() if lines > MAX_FUNCTION_LINES} == {}


def test_exported_javascript_has_comments() -> None:
    bare = [
        f"{name_of(path)}: {match[1]}"
        for path in SCRIPTS
        for match in re.finditer(
            r"(?<!\*/\n)^export (?:async )?(?:function|class) (\w+)", path.read_text("utf-8"), re.M
        )
    ]
    assert bare == []


def test_the_page_makes_no_markup_from_text() -> None:
    """What sessions wrote is set as text, so nothing can become an element or a script."""
    assert {
        name_of(path): found for path in SCRIPTS if (found := re.findall(AS_MARKUP, without_texts(_text(path))))
    } == {}
    assert [name_of(path) for path in SCRIPTS if re.search(r"setAttribute\([\"']style", _text(path))] == []
    assert [name_of(path) for path in TEMPLATES if re.search(INLINE, _text(path), re.IGNORECASE)] == []
    elsewhere = r"(src|href|action)=[\"'](?!/|#|data:|\{\{)|url\((?!#)|@import"
    assert [name_of(path) for path in [*TEMPLATES, *STYLES] if re.search(elsewhere, _text(path))] == []


def test_the_page_is_light() -> None:
    """The page without data, as a browser loads it: compressed."""
    files = [*SCRIPTS, *STYLES, PAGE / "templates" / "page.html", PAGE / "static" / "icon.svg"]
    sizes = {name_of(path): len(gzip.compress(path.read_bytes())) for path in files}
    assert sum(sizes.values()) <= MAX_PAGE_BYTES, sizes


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_this_repository_does_not_track_its_own_log() -> None:
    tracked = subprocess.run(["git", "ls-files", "COORDINATION"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in tracked.stdout.split() if "/log/" in name or "STATUS_BOARD" in name]
