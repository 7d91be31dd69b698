"""Install what a client loads as a plugin: a folder with hooks and texts, or a module of JavaScript."""

import os
from shlex import quote

from coord.admin.install.changeset import Changeset
from coord.admin.install.formats.hook_entries import describe_hooks
from coord.admin.install.formats.javascript_plugin import is_plugin_module, plugin_module
from coord.admin.install.formats.plugin import PLUGIN_PROGRAM, describe_plugin, plugin_files
from coord.admin.install.request import InstallRequest
from coord.clients.client import Client
from coord.errors import refused, usage_error

# --- a folder ---------------------------------------------------------------------------------------------------------


def make_plugin(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Write a plugin folder. Raises CoordError (2) if the client does not support one."""
    if not client.plugin:
        raise usage_error(f"--plugin does not work with {client.title}. Nothing was changed.")
    folder = _plugin_folder(client, request, draft)
    for name, text in plugin_files(client, request.wake).items():
        path = os.path.join(folder, name)
        draft.write(path, text, mode=0o777 if name == PLUGIN_PROGRAM else 0o666)
        draft.describe(path, *describe_plugin(client, request.wake)[name])
    draft.todo(f"Try it: {client.plugin} {quote(folder)}")
    draft.note(
        f"The plugin has the same hooks that `coord install {client.word}` writes. Use one of the two, not both."
    )


def remove_plugin(client: Client, request: InstallRequest, draft: Changeset) -> None:
    """Remove the files of a plugin folder that coord made."""
    folder = _plugin_folder(client, request, draft)
    if '"name": "coord"' in draft.text(os.path.join(folder, ".claude-plugin/plugin.json")):
        for name in plugin_files(client, wake=False):
            if draft.read(os.path.join(folder, name)) is not None:
                draft.write(os.path.join(folder, name), None)
                draft.describe(os.path.join(folder, name), "a file of the plugin")


def _plugin_folder(client: Client, request: InstallRequest, draft: Changeset) -> str:
    """Return the absolute path of the plugin's folder. The record uses it as the folder that the plugin is for, since
    a plugin belongs to no repository.
    """
    folder = os.path.realpath(os.path.join(request.system.cwd, request.plugin))
    draft.use = (client.word, folder)
    return folder


# --- a module ---------------------------------------------------------------------------------------------------------


def add_module(client: Client, path: str, command: str, wake: bool, draft: Changeset) -> None:
    """Write the module that runs the hook command. Raises CoordError if another file has its name."""
    text = draft.text(path)
    if text and not is_plugin_module(text):
        raise refused(f"{path} was not made by coord, so it is not replaced. Nothing was changed. Rename it first.")
    draft.write(path, plugin_module(client, command, wake))
    draft.describe(path, *describe_hooks(client, command, wake))


def remove_module(client: Client, path: str, draft: Changeset) -> None:
    """Remove the module if coord made it."""
    if is_plugin_module(draft.text(path)):
        draft.write(path, None)
        draft.describe(path, f"the hooks of {client.title}")
