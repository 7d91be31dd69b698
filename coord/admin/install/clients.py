"""Putting hooks, rules and instructions into a client's files, and taking them out. One function of each for all."""

import os
import re
from shlex import quote

from msgspec.structs import replace

from coord.admin.install.changeset import Changeset
from coord.admin.install.formats.hook_entries import describe_hooks, hook_command, hook_entries, our_hooks
from coord.admin.install.formats.instructions import has_instructions, with_instructions, without_instructions
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
from coord.admin.install.formats.plugin import PLUGIN_PROGRAM, describe_plugin, plugin_files
from coord.admin.install.installed import installed_hooks
from coord.admin.install.private_files import exclude_from_git, remove_exclude
from coord.admin.install.request import FileRecord, InstallRequest, resolve_path
from coord.admin.install.sandbox import allow_log_writes, disallow_log_writes
from coord.clients.registry import CLIENTS, Client
from coord.errors import CoordError, refused, usage_error


def install_client(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    """Install a client's hooks and the rules for safe commands, and what else is asked for. Raises CoordError."""
    if ask.plugin:
        _make_plugin(client, ask, draft)
        return
    if ask.wake and not client.wakes:
        raise usage_error(
            f"--wake is not for {client.title}, whose hooks cannot wait. {client.woken}. Nothing was changed."
        )
    scope = scope_of(client.settings, client, ask)
    path = resolve_path(client.settings[scope], ask, client)
    text, memory = (draft.text(path) if draft.read(path) is not None else None), draft.file_record(path)
    team = scope == "project"
    command = hook_command(client, "coord" if team else ask.program, team)
    pieces = hook_entries(client, command, ask.wake)
    try:
        memory = replace(memory, had=_rules_before(client, text, memory))
        pieces += allow_entries(client, memory.had) if ask.allow else []
        new, memory = with_entries(text, client.comments, pieces, _ours(client, memory), memory)
    except ValueError as error:
        raise unusable_file(path, error) from None
    draft.write(path, new, memory=memory)
    draft.say(path, *describe_hooks(client, command, ask.wake))
    if not client.allow_files:
        draft.say(path, describe_allows(ask.allow))
    _add_rules(client, scope, ask, draft)
    if scope == "local":
        exclude_from_git(ask, draft, client.settings[scope])
    if client.sandbox:
        allow_log_writes(client, ask, draft)
    if ask.instructions:
        path = _instructions_path(client, ask, draft)
        if not os.path.realpath(path).startswith(ask.base + os.sep):
            raise refused(f"{path} is a link that leads out of {ask.base}. Nothing was changed.")
        draft.write(path, with_instructions(draft.text(path)))
        draft.say(path, "A text for agents: what coord is for, and its commands.")
    _report_next_steps(client, scope, ask, draft)


def uninstall_client(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    """Take all of it out of the files of a scope, of all, or of those that only this person sees. Raises CoordError."""
    if ask.plugin:
        _remove_plugin(client, ask, draft)
        return
    for scope in scopes_of(client.settings, client, ask):
        path = resolve_path(client.settings[scope], ask, client)
        if draft.read(path) is not None:
            memory, text = draft.file_record(path), draft.text(path)
            try:
                new = without_entries(text, client.comments, _ours(client, memory), memory)
            except ValueError as error:
                raise unusable_file(path, error) from None
            if new != text or memory.uses:
                draft.write(path, new)
            if new != text:
                had_rules = our_rules(client, parse(text, client.comments), memory.had)
                rules = ", and the rules on what runs without asking" if had_rules else ""
                draft.say(path, f"the hooks of {client.title}{rules}")
        _remove_rules(client, scope, ask, draft)
        if scope == "local":
            remove_exclude(ask, draft, client.settings[scope])
        if client.sandbox:
            disallow_log_writes(client, ask, draft)
    if not _is_installed(client, ask, draft):
        for path in _instruction_files(client, ask):
            text = draft.text(path)
            if has_instructions(text) or draft.use in draft.file_record(path).uses:
                needed = _is_needed(path, client, ask, draft)
                draft.leave(path, text if needed else without_instructions(text))
                draft.say(path, "the text for agents")
    _report_other_scopes(client, ask, draft)


def scope_of(files: dict[str, str], client: Client, ask: InstallRequest) -> str:
    """The scope that is asked for. Raises CoordError (2) for one that the client does not have."""
    scope = ask.scope or client.scope
    if scope not in files:
        raise usage_error(
            f"{client.title} has no --{scope} settings; it has {' and '.join('--' + name for name in files)}."
        )
    return scope


def scopes_of(files: dict[str, str], client: Client, ask: InstallRequest) -> list[str]:
    """The scopes to uninstall from: without a word, those that only this person sees."""
    if ask.scope == "all":
        return list(files)
    return [scope_of(files, client, ask)] if ask.scope else [scope for scope in files if scope != "project"]


def unusable_file(path: str, error: ValueError) -> CoordError:
    """The error for a file that is not what it must be."""
    return refused(f"{path} cannot be changed: {error}. It is as it was; correct it first.")


def _rules_before(client: Client, text: str | None, memory: FileRecord) -> list[str]:
    """The rules that were there before us: all that are, as long as no hook of ours is. Raises ValueError."""
    if text is None or not text.strip():
        return []
    document = parse(text, client.comments)
    return memory.had if our_hooks(client, document) else rules_in(client, document)


def _ours(client: Client, memory: FileRecord) -> OursFinder:
    def find(document: Document) -> list[Path]:
        found = our_hooks(client, document) + our_rules(client, document, memory.had)
        return sorted(found, key=lambda path: _start(document, path))

    return find


def _start(document: Document, path: Path) -> int:
    node = document.find(path)
    assert node is not None
    return node.start


# --- rules that stand in a file of their own --------------------------------------------------------------------------


def _add_rules(client: Client, scope: str, ask: InstallRequest, draft: Changeset) -> None:
    if scope not in client.allow_files:
        return
    path = resolve_path(client.allow_files[scope], ask, client)
    text = draft.text(path)
    if text and not text.startswith(RULES_FILE_HEADER):
        raise refused(f"{path} is not coord's. It is as it was; rename it, or use --no-allow.")
    if ask.allow:
        draft.write(path, allow_file(client))
        draft.say(path, describe_allows(ask.allow))
    elif text:
        draft.write(path, None)
        draft.say(path, describe_allows(ask.allow))


def _remove_rules(client: Client, scope: str, ask: InstallRequest, draft: Changeset) -> None:
    if scope in client.allow_files:
        path = resolve_path(client.allow_files[scope], ask, client)
        if draft.text(path).startswith(RULES_FILE_HEADER):
            draft.write(path, None)
            draft.say(path, f"the rules of {client.title} on what runs without asking")


# --- instructions -----------------------------------------------------------------------------------------------------


def _instruction_files(client: Client, ask: InstallRequest) -> list[str]:
    return [os.path.join(ask.base, name) for name in client.instructions]


def _instructions_path(client: Client, ask: InstallRequest, draft: Changeset) -> str:
    """The file that the client reads. Where a new one would hide AGENTS.md from it, or takes AGENTS.md in, that."""
    own, *others = _instruction_files(client, ask)
    text = draft.text(own)
    for other in others:
        includes = re.search(rf"^@(\./)?{os.path.basename(other)}\s*$", text, re.MULTILINE)
        if draft.read(other) is not None and (draft.read(own) is None or includes):
            return other
    return own


def _is_needed(path: str, client: Client, ask: InstallRequest, draft: Changeset) -> bool:
    """Whether another client that is installed reads the block too."""
    others = [other for other in CLIENTS if other.name != client.name and ask.scope != "all"]
    path = os.path.realpath(path)  # CLAUDE.md may be a link to AGENTS.md
    return any(
        path in map(os.path.realpath, _instruction_files(other, ask)) and _is_installed(other, ask, draft)
        for other in others
    )


def _is_installed(client: Client, ask: InstallRequest, draft: Changeset) -> bool:
    return bool(installed_hooks(client, ask, draft))


# --- a plugin ---------------------------------------------------------------------------------------------------------


def _make_plugin(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    if not client.plugin:
        raise usage_error(f"--plugin is not for {client.title}, whose plugins have another form. Nothing was changed.")
    folder = _plugin_folder(client, ask, draft)
    for name, text in plugin_files(client, ask.wake).items():
        path = os.path.join(folder, name)
        draft.write(path, text, mode=0o777 if name == PLUGIN_PROGRAM else 0o666)
        draft.say(path, *describe_plugin(client, ask.wake)[name])
    draft.todo(f"Try it: {client.plugin} {quote(folder)}")
    draft.note("It has the same hooks as `coord install claude` writes: use one of the two.")


def _remove_plugin(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    folder = _plugin_folder(client, ask, draft)
    if '"name": "coord"' in draft.text(os.path.join(folder, ".claude-plugin/plugin.json")):
        for name in plugin_files(client, wake=False):
            if draft.read(os.path.join(folder, name)) is not None:
                draft.write(os.path.join(folder, name), None)
                draft.say(os.path.join(folder, name), "of the plugin")


def _plugin_folder(client: Client, ask: InstallRequest, draft: Changeset) -> str:
    """The folder, absolute. It is what the plugin is remembered by: it belongs to no repository."""
    folder = os.path.realpath(os.path.join(ask.system.cwd, ask.plugin))
    draft.use = (client.word, folder)
    return folder


# --- words ------------------------------------------------------------------------------------------------------------


def _report_next_steps(client: Client, scope: str, ask: InstallRequest, draft: Changeset) -> None:
    draft.todo(client.todo)
    if scope == "local":
        draft.note(
            f"In another worktree of this repository, also in one that {client.title} makes for its agents, these "
            f"settings are not seen. To have them everywhere: coord install {client.word} --user"
        )
    if scope == "project":
        draft.note("Commit it, and your team has it too. Who has no coord is not bothered.")
    if ask.allow and client.allow_files and scope not in client.allow_files:
        draft.note(
            f"{client.title} takes rules on what runs without asking from your own settings only, so its agents ask "
            f"you before they run coord. If they should not: coord install {client.word} --user"
        )


def _report_other_scopes(client: Client, ask: InstallRequest, draft: Changeset) -> None:
    for scope in installed_hooks(client, ask, draft):
        draft.note(
            f"Still installed: {resolve_path(client.settings[scope], ask, client)}: "
            f"coord uninstall {client.word} --{scope}"
        )
