"""What can be wrong with coord in the agents' clients, seen from the agent's side: hooks that never ran, that call
nothing, that failed; a sandbox that keeps an agent from the log; a shell that does not find coord; a worktree that has
no hooks.
"""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress

from coord.admin.doctor.installation import is_virtual, link_to
from coord.admin.doctor.subject import Patient, Step, Symptom, listed, quoted
from coord.admin.install.changeset import Draft
from coord.admin.install.formats.toml_tables import read_toml
from coord.admin.install.installed import found, linked_worktrees
from coord.admin.install.record import Record
from coord.admin.install.request import located
from coord.admin.install.sandbox import outside, writable
from coord.clients.registry import CLIENTS, Client
from coord.errors import CoordError
from coord.guard.hook_state import FAILURES, folder_of, of_client
from coord.guard.payload import client_named
from coord.platform.executable import found_program, this_program
from coord.render.format import clock, line, plural
from eventlog.events import Instant, from_micros
from eventlog.local.files import read_regular

_SHOWN, _MOST = 3, 1 << 20  # kinds of failures; bytes of their file
_FAILURE = re.compile(r"(\d{1,16}) (\S+) (\S+) (.*)")  # microseconds, a client's word, the moment, an error
_SHELLS = ("bash", "zsh")
_SHELL_S = 2


def hook_programs(patient: Patient) -> Iterator[Symptom]:
    """Hooks that call a program which is not there: the agent goes on without them, and says nothing."""
    for client in CLIENTS:
        for scope, commands in _installed(patient, client).items():
            for command in dict.fromkeys(commands):
                program = _program(command)
                if program and not found_program(patient.world.env, program):
                    path = located(client.settings[scope], patient.ask(), client)
                    again = Step("write them anew", f"coord install {client.word} --{scope}")
                    gone = Step("or take them out", f"coord uninstall {client.word} --{scope}")
                    what = (
                        f"the hooks of {client.title} call a program that is not there, so its agents are not guarded"
                    )
                    yield Symptom("warning", what, f"{path}: {program}", (again, gone))


def never_fired(patient: Patient) -> Iterator[Symptom]:
    """Hooks that are installed and have not run here. Where the client has worked here all the same, it does not run
    them.
    """
    for client in CLIENTS:
        if _installed(patient, client) and not os.path.exists(of_client(patient.folder.cache, client.word)):
            root = quoted(patient.folder.root)
            worked = not patient.unusable and any(
                session.client == client.name for session in patient.state.sessions.values()
            )
            steps = (
                Step(client.todo),
                Step(f"then give {client.title} a prompt in this folder", f"cd {root} && {client.command}"),
                Step("and look again", "coord doctor"),
            )
            what = f"the hooks of {client.title} never ran here"
            evidence = (
                "sessions of it were here, and none ran them: its agents are not guarded, and hear nothing"
                if worked
                else "they are installed, and no session of it was here yet"
            )
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
            Step("see each of them, with its time in microseconds since 1970", f"cat {quoted(path)}"),
            Step("when the cause is mended, forget them", f"rm {quoted(path)}"),
        )
        times = "once" if len(lines) == 1 else f"{len(lines)} times"
        what = f"hooks failed {times}, and the work that they guard went on without them"
        yield Symptom("warning", what, failures_in_words(lines, patient.world.wall()), steps)


def failures_in_words(lines: list[str], now: Instant) -> str:
    """The newest kinds of failures, as people read them: how often each was, and when last."""
    last: dict[str, str] = {}
    count: dict[str, int] = {}
    for text in lines:
        found = _FAILURE.fullmatch(text)
        said = _failure_in_words(*found.groups()[1:]) if found else line(text, 150)
        count[said] = count.get(said, 0) + 1
        last.pop(said, None)  # the newest are last
        last[said] = clock(from_micros(int(found[1])), now) if found else ""
    shown = list(last.items())[-_SHOWN:]
    older = [f"{plural(len(last) - len(shown), 'other kind')} before"] if len(last) > len(shown) else []
    return " · ".join([*older, *(_often(said, count[said], at) for said, at in shown)])


def _failure_in_words(word: str, moment: str, error: str) -> str:
    client = client_named(word)
    title = client.title if client else word
    kind, _, said = error.partition(": ")
    if moment == "input" and kind.endswith("DecodeError"):
        return f"{line(title)} sent no valid JSON"
    return f"{line(title)} at {line(moment)}: {line(said if kind == CoordError.__name__ else error, 150)}"


def _often(said: str, count: int, at: str) -> str:
    times = f"{count} times, last " if count > 1 and at else ""
    return f"{said} ({times}{at})" if at else said


def sandbox(patient: Patient) -> Iterator[Symptom]:
    """A client whose commands cannot write the log from a worktree."""
    ask = patient.ask()
    folder = outside(ask)
    for client in CLIENTS:
        if folder and client.sandbox and _installed(patient, client) and folder not in _writable(patient, client):
            steps = (Step("let it write there", f"coord install {client.word}"),)
            what = f"in a worktree, {client.title} cannot write the log, so `coord` fails for its agents"
            path = located(client.servers["user"], ask, client)
            yield Symptom("warning", what, f"{path} does not name {folder} as writable", steps)


def login_shell(patient: Patient) -> Iterator[Symptom]:
    """A client that runs its agents' commands in a login shell, which does not find coord. Where this shell does not
    find it either, that is said elsewhere.
    """
    env = patient.world.env
    here, shell = found_program(env), _shell(env)
    clients = [client for client in CLIENTS if client.login and _installed(patient, client)]
    if not clients or not here or not shell or _finds_coord(shell, env, patient.folder.root) is not False:
        return
    folder, name = os.path.dirname(here), os.path.basename(shell)
    virtual, home = is_virtual(folder), env.get("HOME", "")
    linked = os.path.lexists(os.path.join(home, ".local", "bin", "coord"))
    path = f'export PATH={"~/.local/bin" if virtual else quoted(folder)}:"$PATH"'
    for client in clients:
        steps = (
            *([Step("put a link to it where it can stay", link_to(this_program()))] if virtual and not linked else []),
            Step("let a login shell look there", f"echo {quoted(path)} >> ~/{_login_file(name, home)}"),
            Step(f"then restart {client.title}, from a terminal that was opened after that"),
        )
        what = f"{client.title} may not find coord, so `coord` fails for its agents"
        evidence = f"it runs commands in a login shell: {name} -lc 'command -v coord' finds none; here it is {here}"
        yield Symptom("warning", what, evidence, steps)


def _shell(env: Mapping[str, str]) -> str:
    """The shell that such a client takes: the person's, or bash; empty if that is not there."""
    own = env.get("SHELL", "")
    return own if os.path.basename(own) in _SHELLS and os.access(own, os.X_OK) else found_program(env, "bash")


def _finds_coord(shell: str, env: Mapping[str, str], folder: str) -> bool | None:
    """Whether a person who has just logged in finds coord; None if that cannot be told in time. The shell has no
    terminal, and is ended when its time is over, with what it began.
    """
    login = {name: env[name] for name in ("HOME", "USER", "SHELL", "TERM") if name in env}
    void = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            [shell, "-lc", "command -v coord"], cwd=folder, env=login, start_new_session=True,
            stdin=void, stdout=void, stderr=void,
        )  # fmt: skip
    except OSError:
        return None
    try:
        return process.wait(_SHELL_S) == 0
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _login_file(shell: str, home: str) -> str:
    """The file in a home that a login shell reads, and that may set PATH."""
    if shell == "zsh":
        return ".zprofile"
    names = (".bash_profile", ".bash_login", ".profile")
    return next((name for name in names if os.path.exists(os.path.join(home, name))), ".profile")


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
            what = f"{plural(len(blind), 'worktree')} without the hooks of {client.title}: agents there are not guarded"
            yield Symptom("warning" if here else "note", what, listed(blind, 3), steps)


def _installed(patient: Patient, client: Client, base: str = "") -> dict[str, list[str]]:
    """The commands of our hooks, by scope; none where they cannot be read."""
    try:
        return found(client, patient.ask(base), Draft(Record("", {})))
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
            settings = read_toml(Draft(Record("", {})).text(located(name, patient.ask(), client)))
        except (CoordError, ValueError):
            continue
        if settings.get("sandbox_mode") == "danger-full-access":
            roots.append(outside(patient.ask()))
        roots += writable(settings)
    return roots
