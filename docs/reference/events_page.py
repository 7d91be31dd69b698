"""The page of the types of events, from their structs."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Annotated, Literal, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo
from source_text import MADE, annotations, comments, table

from eventlog import events


def events_page() -> str:
    """Return the page of the types of events."""
    parts = [
        "# Events\n",
        MADE,
        f"The types of events, version {events.VERSION}. [The protocol](../explanation/protocol.md) explains how the "
        "lines of journals are linked\nand ordered, and what the events mean.\n",
        "Names contain units: `_s` means seconds. A field that has its default value is not written. A field without a "
        "default is\nalways written.\n",
        "## The line\n",
        "A line is this object with `hash` as its last key, followed by a line feed.\n",
        *_fields(events.Event),
        "## The events\n",
    ]
    for payload in get_args(events.AnyPayload):
        if payload is not events.Unknown:
            parts += [f"### {payload.__struct_config__.tag}\n", _doc(payload), *_fields(payload)]
    parts += ["### Any other type\n", _doc(events.Unknown)]
    for part in (events.Anchor, events.Imported):
        parts += [f"## {part.__name__}\n", _doc(part), *_fields(part)]
    return "\n".join([*parts, *_forms()])


def _doc(struct: type[msgspec.Struct]) -> str:
    return inspect.cleandoc(struct.__doc__ or "") + "\n"


def _fields(struct: type[msgspec.Struct]) -> list[str]:
    notes, written = comments(events, struct.__name__), annotations(events, struct.__name__)
    rows = [
        (f"`{field.encode_name}`", _form(written[field.name], field.type), _default(field), notes.get(field.name, ""))
        for field in msgspec.structs.fields(struct)
    ]
    return list(table(("field", "form", "default", "means"), rows)) if rows else []


def _form(written: str, form: object) -> str:
    """Return the form of a field: its name in the code, or its constraints if it has no name."""
    if written == "AnyPayload":
        return "one of the events below; `type` says which"
    if written.startswith("Annotated"):
        return constraints(form)
    words = re.sub(r"^tuple\[(\w+), \.\.\.\]", r"a list of \1", written).replace("dict[str, object]", "an object")
    words = re.sub(r'Literal\[("\w+")\]', r"\1", words).replace(" | None", " or null").replace(" | ", " or ")
    return re.sub(r'("?\b[A-Z]\w+|"\w+"|\bbool\b|\bint\b)', r"`\1`", words)


def _default(field: FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f"`{json.dumps(field.default)}`"
    return "`{}`" if field.default_factory is not msgspec.NODEFAULT else ""


def _forms() -> Iterator[str]:
    yield "## Forms of values\n"
    yield "A line with a value that has none of these forms is kept and shown as not understood. It has no effect.\n"
    rows = []
    for name in _aliases(events):
        form = getattr(events, name)
        if get_origin(form) is Annotated:
            rows.append((f"`{name}`", constraints(form)))
        elif get_origin(form) is Literal:
            rows.append((f"`{name}`", "one of " + ", ".join(f'`"{value}"`' for value in get_args(form))))
    rows.append(("`Instant`", "a time in UTC, always 27 characters: `2026-11-22T11:20:06.123456Z`"))
    yield from table(("form", "means"), sorted(rows))


def _aliases(module: ModuleType) -> Iterator[str]:
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id


def constraints(form: object) -> str:
    """Return the constraints of an annotated form as text."""
    base, *metas = get_args(form)
    words = ["text" if base is str else "whole number"]
    for meta in metas:
        assert isinstance(meta, msgspec.Meta)
        if meta.ge is not None:
            words.append(f"{meta.ge} to {meta.le}")
        if meta.max_length is not None:
            words.append(f"at most {meta.max_length} characters")
        if meta.pattern is not None:
            words.append(f"matching `{meta.pattern}`")
    return ", ".join(words)
