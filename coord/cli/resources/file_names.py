"""Check resources, and make file names relative to the repository's root.

A name that begins with `/`, `./` or `../` is resolved from the current folder. Any other file name is relative to the
root, in every folder, so that a name in the output of a command can be typed as it is.
"""

import os
import posixpath
import unicodedata

import msgspec

from coord.errors import usage_error
from coord.platform.git.naming import claim_name, file_path
from coord.render.format import line
from coord.workspace.paths import Workspace, path_in_workspace
from coord.workspace.system import System
from eventlog.events import MAX_NAME_LENGTH, Resource
from projections.rules.resources import is_pattern

EVERYTHING = "**"
MOST_WILDCARDS = 20  # in one pattern; the time to compare two patterns grows with the product of their lengths


def check_resource(resource: str) -> str:
    """Return `resource` if it is valid. Raises CoordError (2) if it is too long or has invalid characters."""
    if len(resource) > MAX_NAME_LENGTH:
        raise usage_error(
            f"this resource has {len(resource)} characters; at most {MAX_NAME_LENGTH} are allowed: {_short(resource)}"
        )
    if resource.count("*") + resource.count("?") > MOST_WILDCARDS:
        raise usage_error(f"this pattern has more than {MOST_WILDCARDS} wildcards: {_short(resource)}")
    try:
        return msgspec.convert(resource, Resource)
    except msgspec.ValidationError:
        raise usage_error(
            f"'{_short(resource)}' is not a resource. Write TYPE/NAME, with no space in TYPE and no control characters."
        ) from None


def file_name(system: System, workspace: Workspace, name: str) -> str:
    """Return a file name or pattern relative to the root. Raises CoordError (2) if it is outside the repository."""
    if not name or "\0" in name:
        raise usage_error("a file claim needs a name, for example: file src/app.py")
    slash = "/" if name.endswith("/") else ""
    local = name.startswith(("/", "./", "../")) or name in (".", "..")
    path = os.path.normpath(os.path.join(system.cwd or workspace.root if local else workspace.root, name))
    relative = path_in_workspace(workspace, _resolve_links(path))
    if not local:
        _refuse_ambiguous_path(system, workspace, posixpath.normpath(name))
    if relative == ".":
        return EVERYTHING
    if os.path.lexists(path) and not os.path.isdir(path):
        slash = ""  # nothing is below a file, so the claim would protect nothing
    elif not slash and os.path.isdir(os.path.join(workspace.root, relative)):
        slash = "/"
    if os.path.lexists(path):
        relative = claim_name(relative, pattern=is_pattern(relative))
    elif not relative.isascii():
        relative = unicodedata.normalize("NFC", relative)  # macOS stores some names in another form than they are typed
    return relative + slash


def _resolve_links(path: str) -> str:
    """Return the path with links to folders resolved, up to its first wildcard, so that each file has one name."""
    parts = path.split(os.sep)
    folders = len(parts) if os.path.isdir(path) else len(parts) - 1
    resolved = next((i for i, part in enumerate(parts) if is_pattern(part)), folders)
    return os.path.join(os.path.realpath(os.sep.join(parts[:resolved]) or os.sep), *parts[resolved:])


def new_path(workspace: Workspace, resource: str) -> str:
    """Return the path of a file resource that does not exist yet and may become a folder, else "".

    A name with an extension or a wildcard is taken for a file.
    """
    path = resource.removeprefix("file/")
    if path == resource or is_pattern(path) or "." in os.path.basename(path):
        return ""
    return "" if os.path.lexists(file_path(workspace.root, path)) else path


def _refuse_ambiguous_path(system: System, workspace: Workspace, relative: str) -> None:
    """Refuse a name that exists in the current folder but not at the root: a claim on it would protect nothing."""
    here = os.path.realpath(system.cwd or workspace.root)
    if here == workspace.root or os.path.lexists(os.path.join(workspace.root, relative)):
        return
    local = os.path.join(here, relative)
    if os.path.lexists(local) and local.startswith(workspace.root + os.sep):
        name = os.path.relpath(local, workspace.root).replace(os.sep, "/")
        raise usage_error(
            f"file names are relative to the repository's root; did you mean file/{name} or ./{relative}?"
        )


def existing_file(system: System, workspace: Workspace, text: str) -> str:
    """Return the path, relative to the root, of an existing file that `text` can mean, or "" if there is none."""
    if "\0" in text or len(text) > 4096:
        return ""
    for base in dict.fromkeys((system.cwd or workspace.root, workspace.root)):
        path = os.path.realpath(os.path.join(base, text))
        if os.path.exists(path) and path.startswith(workspace.root + os.sep):
            slash = "/" if os.path.isdir(path) else ""
            if not slash or text.startswith((".", "/")) or "/" not in text:
                return claim_name(os.path.relpath(path, workspace.root).replace(os.sep, "/")) + slash
    return ""


def _short(text: str) -> str:
    return line(text, 60)
