"""Check that a claim on a file protects it: the guard must ask this log about the file, and by the same name."""

import os

from coord.errors import usage_error
from coord.platform.git.naming import claim_name, find_checkout, is_same_folder
from coord.render.format import line, shell_word
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.resources import is_file, is_pattern


def refuse_unguarded(system: System, workspace: Workspace, resource: str) -> None:
    """Raise CoordError (2) for files that another shared folder guards: no agent would be stopped by a claim here.

    If COORD_ROOT is set, the folder that it names guards all files.
    """
    if not is_file(resource) or system.env.get("COORD_ROOT"):
        return
    parts = resource.removeprefix("file/").split("/")
    known = next((i for i, part in enumerate(parts) if is_pattern(part)), len(parts) - 1)
    found = find_checkout(os.path.join(workspace.root, *parts[:known]))
    if found and not is_same_folder(found.folder, workspace.folder):
        name = os.path.relpath(os.path.join(workspace.root, *parts), found.root) + "/" * resource.endswith("/")
        place = os.path.dirname(found.folder)
        raise usage_error(
            f"{line(resource)} was not claimed, because the log in {line(found.folder)} guards it. "
            f"Claim it there: cd {shell_word(place)} && coord claim {shell_word(f'file/{name}')}"
        )


def note_on_wildcards(workspace: Workspace, resource: str) -> str:
    """Return a note if a pattern is also the name of an existing file; otherwise empty."""
    name = resource.removeprefix("file/").rstrip("/")
    if not is_file(resource) or not is_pattern(name) or not os.path.lexists(os.path.join(workspace.root, name)):
        return ""
    what = f"{line(name)} is a pattern, and also the name of a file"
    return f"{what}; to claim only that file: coord claim {shell_word(f'file/{claim_name(name)}')}"
