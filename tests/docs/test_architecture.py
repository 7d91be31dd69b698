"""The architecture page names rooms and functions that exist, and draws the walls where the linter holds them.

`python -m tests.docs.test_architecture` writes the picture and the tables of rooms into the page.
"""

import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGES = ("coord", "projections", "eventlog")
_WIDTH = 88
_NAME = re.compile(r"`((?:coord|projections|eventlog)(?:\.\w+)+)`")


def layers() -> dict[str, list[list[str]]]:
    """Each package's rooms, from the top to the bottom, those of one layer together, as the linter has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers" and "containers" in contract
    }


def picture() -> str:
    """The packages as boxes, the layers of each as lines."""
    lines = []
    for package in PACKAGES:
        lines.append(f"┌─ {package} " + "─" * (_WIDTH - len(package) - 5) + "┐")
        lines += [f"│ {'   '.join(rooms):<{_WIDTH - 4}} │" for rooms in layers()[package]]
        lines += ["└" + "─" * (_WIDTH - 2) + "┘", " " * (_WIDTH // 2) + "↓"]
    return "\n".join(lines[:-1])


def tables() -> Iterator[str]:
    """For each package, its rooms and the first sentence of what each says of itself."""
    for package in PACKAGES:
        yield f"| {package} | |\n| --- | --- |"
        for name in modules(package):
            text = re.sub(r"\s+", " ", importlib.import_module(f"{package}.{name}").__doc__ or "")
            yield f"| `{name}` | {re.split(r'(?<=[.])(?= |$)', text)[0].removesuffix('.')} |"
        yield ""


def modules(package: str) -> list[str]:
    """The rooms of a package that are there."""
    found = [path for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    return sorted(path.stem for path in found if path.stem not in ("__init__", "__main__"))


def test_every_room_has_its_layer_and_its_place_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert picture() in page, "run: python -m tests.docs.test_architecture"
    for package in PACKAGES:
        drawn = {room for rooms in layers()[package] for room in rooms}
        assert drawn - {"__main__"} == set(modules(package))
    for name in (name for package in PACKAGES for name in modules(package)):
        assert f"| `{name}` |" in page, "run: python -m tests.docs.test_architecture"


@pytest.mark.parametrize("name", sorted(set(_NAME.findall(PAGE.read_text(encoding="utf-8")))))
def test_a_name_on_the_page_exists(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        reduce(getattr, parts[length:], module)
        return
    raise AssertionError(name)


def write() -> None:
    """Put the rooms into the page as they are now."""
    page = PAGE.read_text(encoding="utf-8")
    rooms = f"```text\n{picture()}\n```\n\n" + "\n".join(tables()) + "\n"
    page = re.sub(r"```text\n.*?(?=## The way of one event)", lambda _: rooms, page, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
