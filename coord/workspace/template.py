"""The files that `coord init` copies into a repository. Their source is the wheel or, in a checkout, COORDINATION/."""

import os

from msgspec import Struct

import coord

_NAMES = (".gitignore", "QUICK_START.md", "config.toml")


class TemplateFile(Struct, frozen=True):
    """A file to install: its name inside COORDINATION/, and its bytes."""

    name: str
    content: bytes


def template_files() -> list[TemplateFile]:
    """Return all files to install. In a checkout of coord, COORDINATION/ itself is the source."""
    package = os.path.abspath(coord.__path__[0])
    source = os.path.join(package, "template")
    if not os.path.isdir(source):
        source = os.path.join(os.path.dirname(package), "COORDINATION")
    scripts = sorted(name for name in os.listdir(os.path.join(source, "scripts")) if name.endswith(".sh"))
    return [_read(source, name) for name in (*_NAMES, *(f"scripts/{name}" for name in scripts))]


def _read(source: str, name: str) -> TemplateFile:
    with open(os.path.join(source, name), "rb") as file:
        return TemplateFile(name, file.read())
