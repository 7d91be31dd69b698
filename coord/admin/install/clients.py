"""Install and uninstall the hooks, permission rules and instructions of a client. All clients use the same code."""

import os
import re

from msgspec.structs import replace

from coord.admin.install.changeset import Changeset
from coord.admin.install.environment import allow_log_writes, disallow_log_writes, exclude_from_git, remove_exclude
from coord.admin.install.formats.hook_entries import (
    commands_in,
    describe_hooks,
    hook_command,
    hook_entries,
    our_hooks,
)
from coord.admin.install.formats.instructions import has_instructions, with_instructions, without_instructions
from coord.admin.install.formats.javascript_plugin import commands_in_module
from coord.admin.install.formats.json_edit import Document, Path, parse
from coord.admin.install.formats.json_entries import OursFinder, with_entries, without_entries
from coord.admin.install.formats.permission_rules import (
    RULES_FILE_HEADER,
    allow_entries,
    allow_file,
    describe_allows,
    our_rules,
    rules_in,
)
from coord.admin.install.plugins import add_module, make_plugin, remove_module, remove_plugin
from coord.admin.install.record import FileRecord
from coord.admin.install.request import InstallRequest, resolve_path
from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.errors import CoordError, refused, usage_error


def install_client(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Install a client's hooks, the rules for safe commands, and whatever else is requested. Raises CoordError."""
    if request.plugin:
        make_plugin(client, request, draft)
        return
    if request.wake and not client.wakes:
        raise usage_error(
            f"--wake does not work with {client.title}: its hooks cannot wait. {client.woken}. Nothing was changed."
        )
    scope = scope_of(client.settings, client, request)
    _add_hooks(client, scope, request, draft)
    _add_rules(client, scope, request, draft)
    if scope == "local":
        exclude_from_git(request, draft, client.settings[scope])
    if client.sandbox:
        allow_log_writes(client, request, draft)
    if request.instructions:
        path = _instructions_path(client, request, draft)
        if not os.path.realpath(path).startswith(request.base + os.sep):
            raise refused(
                f"{path} is a link to a file outside {request.base}. Nothing was changed. "
                "Replace the link by a file, or leave out --instructions."
            )
        draft.write(path, with_instructions(draft.text(path)))
        draft.describe(path, "A text for agents: what coord is for, and its commands.")
    _report_next_steps(client, scope, request, draft)


def _add_hooks(client: Client, scope: str, request: InstallRequest, draft: Changeset) -> None:
    path = resolve_path(client.settings[scope], request, client)
    text, record = (draft.text(path) if draft.read(path) is not None else None), draft.file_record(path)
    team = scope == "project"
    command = hook_command(client, "coord" if team else request.program, team)
    if client.module:
        add_module(client, path, command, request.wake, draft)
        return
    entries = hook_entries(client, command, request.wake)
    try:
        record = replace(record, had=_rules_before(client, text, record))
        entries += allow_entries(client, record.had) if request.allow else []
        finder = _ours_finder(client, record)
        new, record = with_entries(text, client.comments, entries, finder, record, client.settings_head)
    except ValueError as error:
        raise unusable_file(path, error) from None
    draft.write(path, new, record=record)
    draft.describe(path, *describe_hooks(client, command, request.wake))
    if client.allow and not client.allow_files:
        draft.describe(path, describe_allows(request.allow))


def uninstall_client(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Remove everything from the files of one scope, of all scopes, or of the personal scopes. Raises CoordError."""
    if request.plugin:
        remove_plugin(client, request, draft)
        return
    for scope in scopes_of(client.settings, client, request):
        _remove_hooks(client, scope, request, draft)
        _remove_rules(client, scope, request, draft)
        if scope == "local":
            remove_exclude(request, draft, client.settings[scope])
        if client.sandbox:
            disallow_log_writes(client, request, draft)
    if not installed_hooks(client, request, draft):
        for path in _instruction_files(client, request):
            text = draft.text(path)
            if has_instructions(text) or draft.use in draft.file_record(path).uses:
                needed = _is_needed(path, client, request, draft)
                draft.write_remainder(path, text if needed else without_instructions(text))
                draft.describe(path, "the text for agents")
    _report_other_scopes(client, request, draft)


def _remove_hooks(client: Client, scope: str, request: InstallRequest, draft: Changeset) -> None:
    path = resolve_path(client.settings[scope], request, client)
    if draft.read(path) is None:
        return
    if client.module:
        remove_module(client, path, draft)
        return
    record, text = draft.file_record(path), draft.text(path)
    try:
        new = without_entries(text, client.comments, _ours_finder(client, record), record, client.settings_head)
    except ValueError as error:
        raise unusable_file(path, error) from None
    if new != text or record.uses:
        draft.write(path, new)
    if new != text:
        had_rules = our_rules(client, parse(text, client.comments), record.had)
        rules = ", and the rules on what runs without asking" if had_rules else ""
        draft.describe(path, f"the hooks of {client.title}{rules}")


def installed_hooks(client: Client, request: InstallRequest, draft: Changeset) -> dict[str, list[str]]:
    """Return the commands of coord's hooks by the scope whose settings contain them.

    Raises CoordError for a file that cannot be read.
    """
    commands: dict[str, list[str]] = {}
    for scope, name in client.settings.items():
        text = draft.text(resolve_path(name, request, client))
        try:
            found = commands_in_module(text) if client.module else commands_in(client, parse(text, client.comments))
        except ValueError:
            continue  # there is no file, or one that the client cannot read either
        if found:
            commands[scope] = found
    return commands


def scope_of(files: dict[str, str], client: Client, request: InstallRequest) -> str:
    """Return the scope that is asked for, or the client's default. Raises CoordError (2) if the client lacks it."""
    scope = request.scope or client.scope
    if scope not in files:
        raise usage_error(
            f"{client.title} has no --{scope} settings; it has {' and '.join('--' + name for name in files)}. "
            "Nothing was changed."
        )
    return scope


def scopes_of(files: dict[str, str], client: Client, request: InstallRequest) -> list[str]:
    """Return the scopes to uninstall from; if none is asked for, all but the one that the team shares."""
    if request.scope == "all":
        return list(files)
    return [scope_of(files, client, request)] if request.scope else [scope for scope in files if scope != "project"]


def unusable_file(path: str, error: ValueError) -> CoordError:
    """Return the error for a file that cannot be edited because of its content."""
    return refused(f"cannot change {path}: {error}. It was not changed. Correct it, then run this again.")


def _rules_before(client: Client, text: str | None, record: FileRecord) -> list[str]:
    """Return the permission rules that were there before coord was installed. Raises ValueError."""
    if text is None or not text.strip():
        return []
    document = parse(text, client.comments)
    return record.had if our_hooks(client, document) else rules_in(client, document)


def _ours_finder(client: Client, record: FileRecord) -> OursFinder:
    def find(document: Document) -> list[Path]:
        paths = our_hooks(client, document) + our_rules(client, document, record.had)
        return sorted(paths, key=lambda path: _start(document, path))

    return find


def _start(document: Document, path: Path) -> int:
    node = document.find(path)
    assert node is not None
    return node.start


# --- permission rules in a file of their own --------------------------------------------------------------------------


def _add_rules(client: Client, scope: str, request: InstallRequest, draft: Changeset) -> None:
    if scope not in client.allow_files:
        return
    path = resolve_path(client.allow_files[scope], request, client)
    text = draft.text(path)
    if text and not text.startswith(RULES_FILE_HEADER):
        raise refused(
            f"{path} was not made by coord, so it is not replaced. Nothing was changed. Rename it, or use --no-allow."
        )
    if request.allow or text:
        draft.write(path, allow_file(client) if request.allow else None)
        draft.describe(path, describe_allows(request.allow))


def _remove_rules(client: Client, scope: str, request: InstallRequest, draft: Changeset) -> None:
    if scope in client.allow_files:
        path = resolve_path(client.allow_files[scope], request, client)
        if draft.text(path).startswith(RULES_FILE_HEADER):
            draft.write(path, None)
            draft.describe(path, f"the rules of {client.title} on what runs without asking")


# --- instructions -----------------------------------------------------------------------------------------------------


def _instruction_files(client: Client, request: InstallRequest) -> list[str]:
    return [os.path.join(request.base, name) for name in client.instructions]


def _instructions_path(client: Client, request: InstallRequest, draft: Changeset) -> str:
    """Return the file of instructions to write to: the client's own, or AGENTS.md.

    AGENTS.md is used if the client's own file includes it, or does not exist: a new file would hide AGENTS.md.
    """
    own, *others = _instruction_files(client, request)
    text = draft.text(own)
    for other in others:
        includes = re.search(rf"^@(\./)?{os.path.basename(other)}\s*$", text, re.MULTILINE)
        if draft.read(other) is not None and (draft.read(own) is None or includes):
            return other
    return own


def _is_needed(path: str, client: Client, request: InstallRequest, draft: Changeset) -> bool:
    """Return whether another installed client reads the text for agents from this file too."""
    others = [other for other in CLIENTS if other.name != client.name and request.scope != "all"]
    path = os.path.realpath(path)  # CLAUDE.md can be a link to AGENTS.md
    return any(
        path in map(os.path.realpath, _instruction_files(other, request)) and installed_hooks(other, request, draft)
        for other in others
    )


# --- notes for the user -----------------------------------------------------------------------------------------------


def _report_next_steps(client: Client, scope: str, request: InstallRequest, draft: Changeset) -> None:
    draft.todo(client.todo)
    draft.todo(f"Then check whether {client.title} obeys the guard: coord doctor --prove {client.word}")
    if not client.observed:
        draft.note(f"coord knows {client.title} only from its documentation: no version of it was tested.")
    if scope == "local":
        draft.note(
            f"These settings apply only in this worktree, not in worktrees that {client.title} makes for its "
            f"agents. To install for all of them: coord install {client.word} --user"
        )
    if scope == "project":
        draft.note("Commit the file to share the hooks with your team. They do nothing for people without coord.")
    if request.allow and client.allow_files and scope not in client.allow_files:
        draft.note(
            f"{client.title} reads permission rules only from your own settings, so its agents will ask you before "
            f"they run coord. To let them run its safe commands: coord install {client.word} --user"
        )


def _report_other_scopes(client: Client, request: InstallRequest, draft: Changeset) -> None:
    for scope in installed_hooks(client, request, draft):
        draft.note(
            f"Still installed in {resolve_path(client.settings[scope], request, client)}. "
            f"To remove it: coord uninstall {client.word} --{scope}"
        )
