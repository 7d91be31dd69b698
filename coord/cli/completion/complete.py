"""Complete a command line: what fits at the cursor. It takes no lock, needs no session, and never fails."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from coord.cli.completion.candidates import KINDS, Candidate, Known, candidates_for
from coord.cli.completion.place import Place, find_place
from coord.cli.parser import Command
from coord.cli.registry import COMMAND_GROUPS, load_command
from coord.engine.run import find_identity
from coord.engine.snapshot import Snapshot
from coord.workspace.config import read_config
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from projections.rules.state import State

_FOR_PROGRAMS = ("hook", "git-hook")
_GROUP_OPTIONS = {"--help": "Show the commands.", "--version": "Show the version."}
_MAX_REPLAY_BYTES = 4_000_000  # without a checkpoint, a longer log would make the user wait


def complete(system: System, words: Sequence[str], text: str) -> list[Candidate]:
    """Return what fits for `text`, the word at the cursor, after `words`, which follow `coord`.

    The list is empty if nothing fits: then the shell completes files.
    """
    with suppress(Exception):  # whatever is wrong with the log must not disturb the line that the user is typing
        if not words or list(words) == ["help"]:
            return [each for each in _commands(text) if each.value.startswith(text)]
        return _complete_command(system, load_command(words[0]), words[1:], text)
    return []


def _commands(text: str) -> list[Candidate]:
    if text.startswith("-"):
        return [Candidate(flag, help_text) for flag, help_text in _GROUP_OPTIONS.items()]
    helps = {name: help_text for rows in COMMAND_GROUPS.values() for name, help_text in rows.items()}
    return [Candidate(name, help_text) for name, help_text in helps.items() if text or name not in _FOR_PROGRAMS]


def _complete_command(system: System, command: Command, words: Sequence[str], text: str) -> list[Candidate]:
    place = find_place(command, words, text)
    fitting = [Candidate(word) for word in place.suggestions]
    fitting += [Candidate(option.flags[0], str(option.settings.get("help", ""))) for option in place.flags]
    if place.flags:
        fitting.append(Candidate("--help", "Show the help of this command."))
    fitting = [each for each in fitting if each.value.startswith(place.text)]
    if any(kind in KINDS for kind in place.kinds):
        fitting += candidates_for(place, _known(system, command, place))
    return [Candidate(place.before + each.value, each.description) for each in fitting]


def _known(system: System, command: Command, place: Place) -> Known:
    """Read what is known; without a log that is nothing but the command."""
    known = Known(command)
    with suppress(Exception):
        known.workspace = find_workspace(system, place.given.get("root"))
        known.state, known.now = _read_state(system, known.workspace)
        identity = find_identity(system, known.state, place.given.get("session_option", ""))
        known.me = identity.session if identity else ""
    with suppress(Exception):
        settings: Any = read_config(known.workspace) if known.workspace else None
        known.types = tuple(getattr(settings, "types", ()))
    return known


def _read_state(system: System, workspace: Workspace) -> tuple[State, str]:
    snapshot = Snapshot(system, workspace)
    if snapshot.fresh or _log_bytes(workspace.log) <= _MAX_REPLAY_BYTES:
        snapshot.catch_up(consistent=True)
    return snapshot.state, snapshot.now


def _log_bytes(folder: str) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
