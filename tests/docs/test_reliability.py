"""The reliability page lists every attack with its counts and its tests.

`python -m tests.docs.test_reliability` writes the table into the page.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.attacks import ATTACKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "reliability.md"
_ROWS = re.compile(r"(?<=\| made by \|\n\| --- \| --- \| --- \| --- \| --- \| --- \| --- \|\n)(?:\|.*\n)*")


def table() -> str:
    """The rows of the page's table, computed from the tests."""
    makers = made_by()
    rows = []
    for number, attack in ATTACKS.items():
        tests = "<br>".join(f"`{path}`{where}" for path, where in makers[number])
        promises = ", ".join(map(str, attack.promises))
        counts = f"{attack.unit} | {attack.usual:,} | {attack.long:,}"
        rows.append(f"| {number} | {attack.what} | {promises} | {counts} | {tests} |\n")
    return "".join(rows)


@cache
def made_by() -> dict[int, list[tuple[str, str]]]:
    """The test files of each attack, with a sign for those that `make test` does not run at all (●) or only in part
    (◐).
    """
    found: dict[int, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        marks: dict[int, set[bool]] = {}
        for number, machine in _attacks_in(ast.parse(path.read_text(encoding="utf-8"))):
            marks.setdefault(number, set()).add(machine)
        for number, where in marks.items():
            sign = {True: " ●", False: ""}[where == {True}] if len(where) == 1 else " ◐"
            found.setdefault(number, []).append((str(path.relative_to(ROOT)), sign))
    return found


def _attacks_in(tree: ast.Module) -> Iterator[tuple[int, bool]]:
    """The numbers in `law(N)` and `pytest.mark.attack(N)` of each test, and whether `make test` leaves it out."""
    everywhere = [node for node in tree.body if isinstance(node, ast.Assign)]
    all_machine = any("machine" in ast.unparse(node) for node in everywhere if "pytestmark" in ast.unparse(node))
    for test in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for mark in test.decorator_list:
            number = re.match(r"(?:pytest\.mark\.attack|law)\((\d+)", ast.unparse(mark))
            if number:
                named = (ast.unparse(one) for one in test.decorator_list)
                yield int(number[1]), all_machine or "pytest.mark.machine" in named


def test_the_page_lists_every_attack_with_counts_and_tests() -> None:
    found = _ROWS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "run: python -m tests.docs.test_reliability"


def test_every_attack_that_a_test_names_is_on_the_page() -> None:
    assert made_by().keys() <= ATTACKS.keys()


if __name__ == "__main__":
    PAGE.write_text(_ROWS.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"), count=1), encoding="utf-8")
