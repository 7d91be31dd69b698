"""The reliability page has every attack with its counts, and the tests that make it.

`python -m tests.docs.test_reliability` writes the table into the page.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.attacks import ATTACKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "reliability.md"
_ROWS = re.compile(r"(?<=\| made by \|\n\| --- \| --- \| --- \| --- \| --- \| --- \| --- \|\n)(?:\|.*\n)*")


def table() -> str:
    """The rows of the page's table, as the tests say them."""
    makers = made_by()
    rows = []
    for number, attack in ATTACKS.items():
        tests = "<br>".join(f"`{path}`" for path in makers.get(number, ())) or "nothing yet"
        promises = ", ".join(map(str, attack.promises))
        counts = f"{attack.unit} | {attack.usual:,} | {attack.long:,}"
        rows.append(f"| {number} | {attack.what} | {promises} | {counts} | {tests} |\n")
    return "".join(rows)


@cache
def made_by() -> dict[int, list[str]]:
    """The files of tests that say which attack they make."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number in sorted(set(_attacks_in(ast.parse(path.read_text(encoding="utf-8"))))):
            found.setdefault(number, []).append(str(path.relative_to(ROOT)))
    return found


def _attacks_in(tree: ast.Module) -> Iterator[int]:
    """The numbers in `law(N)` and `pytest.mark.attack(N)`, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("law", "attack") and isinstance(node.args[0].value, int):
                yield node.args[0].value


def test_the_page_has_every_attack_its_counts_and_its_tests() -> None:
    found = _ROWS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "python -m tests.docs.test_reliability writes it anew"


def test_no_test_belongs_to_an_attack_that_the_page_does_not_know() -> None:
    assert made_by().keys() <= ATTACKS.keys()


if __name__ == "__main__":
    PAGE.write_text(_ROWS.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"), count=1), encoding="utf-8")
