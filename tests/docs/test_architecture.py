"""The architecture page shows the packages and folders that exist, in the order that the linter checks.

`python -m tests.docs.test_architecture` writes the tree of modules into the page. The picture is written by hand.
`tests.docs.test_names` checks that the dotted names on the page exist.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGES = ("coord", "projections", "eventlog")
_PATH = re.compile(r"`((?:coord|projections|eventlog|tests|docs)/[\w./]*)`")
_TREE = re.compile(r"(?<=The same as a tree, with the modules:\n\n```text\n).*?(?=\n```)", re.DOTALL)
_WIDTH = 100


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def contract_layers(package: str) -> list[set[str]]:
    """A package's layers from the top to the bottom, as the import contract lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract.get("containers") == [package]
    ]
    return [{name.strip() for name in layer.split("|")} for layer in contract["layers"]]


def drawn_layers(package: str) -> list[set[str]]:
    """A package's layers as the picture shows them: the names between two lines are one layer."""
    box = page().partition(f"┌─ {package} ")[2].partition("└")[0]
    layers = [re.findall(r"^│ (\w+)", part, re.MULTILINE) for part in box.split("├")]
    return [set(names) for names in layers]


def parts_of(folder: Path) -> list[str]:
    """The modules and packages in a folder; a package ends in a slash. Modules that begin with `_` are left out."""
    modules = [path.stem for path in folder.glob("*.py") if not path.name.startswith("_")]
    packages = [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    return sorted(modules) + sorted(packages)


def tree() -> str:
    """The three packages, two levels deep."""
    lines: list[str] = []
    for package in PACKAGES:
        parts = parts_of(ROOT / package)
        lines += _entry(f"{package}/", parts)
        for name in parts:
            if name.endswith("/"):
                lines += _entry(f"  {name}", parts_of(ROOT / package / name))
    return "\n".join(lines)


def _entry(head: str, parts: list[str]) -> Iterator[str]:
    first, *rest = wrap("  ".join(parts), _WIDTH - 15) or [""]
    yield f"{head:<15}{first}".rstrip()
    yield from (f"{'':<15}{line}" for line in rest)


@pytest.mark.parametrize("package", PACKAGES)
def test_picture_shows_the_packages_that_exist(package: str) -> None:
    drawn = {name for layer in drawn_layers(package) for name in layer}
    assert drawn - {"__main__"} == {name.rstrip("/") for name in parts_of(ROOT / package)}


@pytest.mark.parametrize("package", PACKAGES)
def test_picture_has_the_order_of_the_import_contract(package: str) -> None:
    assert drawn_layers(package) == contract_layers(package)


def test_tree_shows_the_modules_that_exist() -> None:
    assert tree() in page(), "run: python -m tests.docs.test_architecture"


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(page()))))
def test_path_on_the_page_exists(path: str) -> None:
    assert (ROOT / path).exists()


if __name__ == "__main__":
    PAGE.write_text(_TREE.sub(lambda _: tree(), page()), encoding="utf-8")
