"""What can be wrong with coord in the agents' clients, seen from the agent's side: hooks that never ran, that call
nothing, that failed; a sandbox that keeps an agent from the log; a worktree that has no hooks.
"""

import os
import shlex
from collections.abc import Iterator

from coord.checks.patient import Patient, Step, Symptom, listed, quoted
from coord.clients import CLIENTS, Client
from coord.errors import CoordError
from coord.installing.draft import Draft
from coord.installing.found import found, linked_worktrees
from coord.installing.plan import Ask, located
from coord.installing.record import Record
from coord.installing.sandbox import outside, writable
from coord.installing.tables import read_toml
from coord.program import found_program
from coord.text import line, plural
from coord.traces import FAILURES, folder_of
from eventlog.system import read_regular

_SHOWN, _MOST = 3, 1 << 20  # failures; bytes of their file


def hook_programs(patient: Patient) -> Iterator[Symptom]:
    """Hooks that call a program which is not there: the agent goes on without them, and says nothing."""
    for client in CLIENTS:
        for scope, commands in _installed(patient, client).items():
            for command in dict.fromkeys(commands):
                program = _program(command)
                if program and not found_program(patient.world.env, program):
                    path = located(client.settings[scope], _ask(patient), client)
                    again = Step("write them anew", f"coord install {client.word} --{scope}")
                    gone = Step("or take them out", f"coord uninstall {client.word} --{scope}")
                    what = f"the hooks of {client.title} call a program that is not there"
                    yield Symptom("warning", what, f"{path}: {program}", (again, gone))


def never_fired(patient: Patient) -> Iterator[Symptom]:
    """Hooks that are installed and have not run here. Where the client has worked here all the same, it does not run
    them.
    """
    for client in CLIENTS:
        mark = os.path.join(folder_of(patient.folder.cache), f"fired-{client.word}")
        if _installed(patient, client) and not os.path.exists(mark):
            worked = not patient.unusable and any(
                session.client == client.name for session in patient.state.sessions.values()
            )
            steps = (
                Step(client.todo),
                Step("see what it would change", f"coord install {client.word} --dry-run"),
            )
            what = f"the hooks of {client.title} never ran here"
            evidence = "sessions of it were here, so it does not run them" if worked else "no session of it began here"
            yield Symptom("warning" if worked else "note", what, evidence, steps)


def failures(patient: Patient) -> Iterator[Symptom]:
    """What went wrong in hooks. The agents went on."""
    path = os.path.join(folder_of(patient.folder.cache), FAILURES)
    try:
        lines = read_regular(path, _MOST).decode(errors="replace").splitlines()
    except OSError:
        return
    if lines:
        steps = (
            Step("see all of them", f"cat {quoted(path)}"),
            Step("when that is mended, forget them", f"rm {quoted(path)}"),
        )
        newest = " · ".join(line(text, 200) for text in lines[-_SHOWN:])
        what = f"{plural(len(lines), 'hook')} failed, and the agent went on without"
        yield Symptom("warning", what, newest, steps)


def sandbox(patient: Patient) -> Iterator[Symptom]:
    """A client whose commands cannot write the log from a worktree."""
    ask = _ask(patient)
    folder = outside(ask)
    for client in CLIENTS:
        if folder and client.sandbox and _installed(patient, client) and folder not in _writable(patient, client):
            steps = (Step("let it", f"coord install {client.word}"),)
            what = f"in a worktree, {client.title} cannot write the log"
            path = located(client.servers["user"], ask, client)
            yield Symptom("warning", what, f"{path} does not name {folder} as writable", steps)


def blind_worktrees(patient: Patient) -> Iterator[Symptom]:
    """Worktrees whose agents see no hooks, while those in the main one do."""
    repository = patient.folder.repository
    if repository is None:
        return
    for client in CLIENTS:
        if not _installed(patient, client, repository.main):
            continue
        blind = [folder for folder in linked_worktrees(repository) if not _installed(patient, client, folder)]
        if blind:
            here = patient.folder.root in blind
            steps = (Step("have them in all worktrees", f"coord install {client.word} --user"),)
            what = f"{plural(len(blind), 'worktree')} without the hooks of {client.title}"
            yield Symptom("warning" if here else "note", what, listed(blind, 3), steps)


def _ask(patient: Patient, base: str = "") -> Ask:
    return Ask(patient.world, base or patient.folder.root, patient.folder.repository)


def _installed(patient: Patient, client: Client, base: str = "") -> dict[str, list[str]]:
    """The commands of our hooks, by scope; none where they cannot be read."""
    try:
        return found(client, _ask(patient, base), Draft(Record("", {})))
    except CoordError:
        return {}


def _program(command: str) -> str:
    """The program that a hook calls; empty for what is nothing where there is none."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return words[0] if len(words) > 1 and words[1] == "hook" else ""


def _writable(patient: Patient, client: Client) -> list[str]:
    roots: list[str] = []
    for name in client.servers.values():
        try:
            settings = read_toml(Draft(Record("", {})).text(located(name, _ask(patient), client)))
        except (CoordError, ValueError):
            continue
        if settings.get("sandbox_mode") == "danger-full-access":
            roots.append(outside(_ask(patient)))
        roots += writable(settings)
    return roots
