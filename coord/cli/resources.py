"""From what people type to a resource: `TYPE NAME` or `TYPE/NAME`, and file names relative to the repository's root.

A name that begins with `/`, `./` or `../` is a path from where we are, and is made relative to the root. Any other file
name is relative to the root already, wherever it is typed, so that what a list shows can be typed back.
"""

import os
import posixpath
import unicodedata

import msgspec

from coord.errors import usage_error
from coord.render.format import line
from coord.workspace.paths import Workspace, path_in_workspace
from coord.workspace.system import System
from eventlog.events import MAX_NAME_LENGTH, Resource
from eventlog.local.journal import read_event
from projections.rules.resources import is_pattern

EVERYTHING = "**"
MOST_WILDCARDS = 20  # in one pattern: comparing two takes time in the product of their lengths


def resource_and_rest(system: System, workspace: Workspace, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The resource at the beginning of the words of a command, and the words after it. Raises CoordError (2)."""
    if not words:
        raise usage_error("which resource? Name it as TYPE NAME or TYPE/NAME, for example: file src/app.py")
    first = words[0]
    if resource := _of_event(workspace, first):
        return resource, words[1:]
    if "/" in first:
        kind, name = first.split("/", 1)
        rest = words[1:]
        if kind != "file" and (path := _existing_file(system, workspace, first)):
            raise usage_error(
                f"'{_short(first)}' has no type; did you mean file/{path}? (or, as two words: {kind} {name})"
            )
    elif len(words) > 1:
        kind, name, rest = first, words[1], words[2:]
    else:
        path = _existing_file(system, workspace, first)
        meant = (
            f"did you mean file/{path}?" if path else "name it as TYPE NAME or TYPE/NAME, for example: file src/app.py"
        )
        raise usage_error(f"'{_short(first)}' has no type; {meant}")
    if not kind:
        path = _existing_file(system, workspace, first)
        meant = f"did you mean file/{path}?" if path else "name it as TYPE NAME or TYPE/NAME"
        raise usage_error(f"'{_short(first)}' has no type; {meant}")
    return check_resource(f"{kind}/{file_name(system, workspace, name) if kind == 'file' else name}"), rest


def _of_event(workspace: Workspace, text: str) -> str:
    """The resource that an event is about, if `text` is the name of one: what a list shows of a claim names it as well.

    Raises CoordError (2) for an event that is about none, or about a claim that is not on record.
    """
    event = read_event(workspace.log, text)
    if event is None:
        return ""
    asked = (
        event if hasattr(event.payload, "resource") else read_event(workspace.log, getattr(event.payload, "claim", ""))
    )
    if asked is None or not hasattr(asked.payload, "resource"):
        raise usage_error(f"{event.id} is no event of a claim. See: coord why {event.id}")
    return str(asked.payload.resource)


def one_resource(system: System, workspace: Workspace, words: tuple[str, ...]) -> str:
    """The resource that all the words of a command name."""
    resource, rest = resource_and_rest(system, workspace, words)
    if rest:
        raise usage_error(f"too many words after {resource}: {' '.join(rest)[:80]}")
    return resource


def possible_resources(system: System, workspace: Workspace, text: str) -> list[str]:
    """What may be meant where one only looks: a resource TYPE/NAME, a path of the repository, either, or what an event
    is about. Raises CoordError (2).
    """
    if resource := _of_event(workspace, text):
        return [resource]
    kind, _, name = text.partition("/")
    if kind == "file" and name:
        return [check_resource(f"file/{file_name(system, workspace, name)}")]
    as_path = check_resource(f"file/{file_name(system, workspace, text)}")
    return [as_path, check_resource(text)] if kind.strip(".") and name else [as_path]


def check_resource(resource: str) -> str:
    """The resource, if it is one: no control characters, no blank in its type, not too long."""
    if len(resource) > MAX_NAME_LENGTH:
        raise usage_error(
            f"this resource has {len(resource)} characters; {MAX_NAME_LENGTH} are allowed: {_short(resource)}"
        )
    if resource.count("*") + resource.count("?") > MOST_WILDCARDS:
        raise usage_error(f"this pattern has more than {MOST_WILDCARDS} wildcards: {_short(resource)}")
    try:
        return msgspec.convert(resource, Resource)
    except msgspec.ValidationError:
        raise usage_error(
            f"'{_short(resource)}' is no resource: TYPE/NAME, no blank in the type, a name, and no control characters."
        ) from None


def file_name(system: System, workspace: Workspace, name: str) -> str:
    """A file's name, or a pattern, relative to the root. Raises CoordError (2) for one outside the repository."""
    if not name or "\0" in name:
        raise usage_error("a file claim needs a name, for example: file src/app.py")
    below = "/" if name.endswith("/") else ""
    local = name.startswith(("/", "./", "../")) or name in (".", "..")
    path = os.path.normpath(os.path.join(system.cwd or workspace.root if local else workspace.root, name))
    relative = path_in_workspace(workspace, _without_links(path))
    if not local:
        _refuse_ambiguous_path(system, workspace, posixpath.normpath(name))
    if relative == ".":
        return EVERYTHING
    if not below and os.path.isdir(os.path.join(workspace.root, relative)):
        below = "/"
    if not relative.isascii():
        relative = unicodedata.normalize("NFC", relative)  # macOS spells some names in another way than they are typed
    return relative + below


def _without_links(path: str) -> str:
    """The path with its links to folders resolved, as far as it has no wildcard: one file has one name."""
    parts = path.split(os.sep)
    whole = len(parts) if os.path.isdir(path) else len(parts) - 1
    plain = next((i for i, part in enumerate(parts) if is_pattern(part)), whole)
    return os.path.join(os.path.realpath(os.sep.join(parts[:plain]) or os.sep), *parts[plain:])


def new_path(workspace: Workspace, resource: str) -> str:
    """The path of a file claim that is not there yet and may become a folder: it has no ending and no wildcard."""
    path = resource.removeprefix("file/")
    if path == resource or is_pattern(path) or "." in os.path.basename(path):
        return ""
    return "" if os.path.lexists(os.path.join(workspace.root, path)) else path


def _refuse_ambiguous_path(system: System, workspace: Workspace, relative: str) -> None:
    """Refuse a name that is nothing at the root but something where we are: a claim on it would protect nothing."""
    here = os.path.realpath(system.cwd or workspace.root)
    if here == workspace.root or os.path.lexists(os.path.join(workspace.root, relative)):
        return
    local = os.path.join(here, relative)
    if os.path.lexists(local) and local.startswith(workspace.root + os.sep):
        meant = os.path.relpath(local, workspace.root).replace(os.sep, "/")
        raise usage_error(
            f"file names are relative to the repository's root; did you mean file/{meant} or ./{relative}?"
        )


def _existing_file(system: System, workspace: Workspace, text: str) -> str:
    """The path of an existing file that `text` may mean, relative to the root."""
    if "\0" in text or len(text) > 4096:
        return ""
    for base in dict.fromkeys((system.cwd or workspace.root, workspace.root)):
        path = os.path.realpath(os.path.join(base, text))
        if os.path.exists(path) and path.startswith(workspace.root + os.sep):
            slash = "/" if os.path.isdir(path) else ""
            if not slash or text.startswith((".", "/")) or "/" not in text:
                return os.path.relpath(path, workspace.root).replace(os.sep, "/") + slash
    return ""


def _short(text: str) -> str:
    return line(text, 60)
