"""The shape of the code: what a reader may rely on in every file."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = sorted(p for package in ("eventlog", "projections", "coord") for p in (ROOT / package).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 320, 60


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_read_in_one_sitting_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the first paragraph of a module says what it is for"
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_packages_cost_nothing_to_import() -> None:
    for package in ("eventlog", "projections", "coord", "coord/cli/commands"):
        tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
        assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_live_files_of_this_repository_are_not_tracked() -> None:
    tracked = subprocess.run(["git", "ls-files", "COORDINATION"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in tracked.stdout.split() if "/log/" in name or "STATUS_BOARD" in name]
