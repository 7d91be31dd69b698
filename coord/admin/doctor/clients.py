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

from coord.admin.doctor.installation import is_virtual, link_command
from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited, shell_quoted
from coord.admin.install.changeset import Changeset
from coord.admin.install.clients import installed_hooks
from coord.admin.install.environment import linked_worktrees, log_folder_outside, writable_roots
from coord.admin.install.formats.toml_tables import read_toml
from coord.admin.install.record import InstallRecord
from coord.admin.install.request import resolve_path
from coord.clients.registry import CLIENTS, Client
from coord.errors import CoordError
from coord.guard.hook_state import FAILURES, client_trace_path, folder_of
from coord.guard.payload import client_named
from coord.platform.executable import find_program, this_program
from coord.render.format import line, plural, time_text
from eventlog.events import Instant, from_micros
from eventlog.local.files import read_regular

_SHOWN, _MOST = 3, 1 << 20  # kinds of failures; bytes of their file
_FAILURE = re.compile(r"(\d{1,16}) (\S+) (\S+) (.*)")  # microseconds, a client's word, the moment, an error
_SHELLS = ("bash", "zsh")
_SHELL_S = 2


def hook_programs(subject: Subject) -> Iterator[DoctorFinding]:
    """Hooks that call a program which is not there: the agent goes on without them, and says nothing."""
    for client in CLIENTS:
        for scope, commands in _installed(subject, client).items():
            for command in dict.fromkeys(commands):
                program = _program(command)
                if program and not find_program(subject.system.env, program):
                    path = resolve_path(client.settings[scope], subject.install_request(), client)
                    again = RepairStep("write them anew", f"coord install {client.word} --{scope}")
                    gone = RepairStep("or take them out", f"coord uninstall {client.word} --{scope}")
                    what = (
                        f"the hooks of {client.title} call a program that is not there, so its agents are not guarded"
                    )
                    yield DoctorFinding("warning", what, f"{path}: {program}", (again, gone))


def hooks_never_run(subject: Subject) -> Iterator[DoctorFinding]:
    """Hooks that are installed and have not run here. Where the client has worked here all the same, it does not run
    them.
    """
    for client in CLIENTS:
        if _installed(subject, client) and not os.path.exists(client_trace_path(subject.folder.cache, client.word)):
            root = shell_quoted(subject.folder.root)
            worked = not subject.unusable and any(
                session.client == client.name for session in subject.state.sessions.values()
            )
            steps = (
                RepairStep(client.todo),
                RepairStep(f"then give {client.title} a prompt in this folder", f"cd {root} && {client.command}"),
                RepairStep("and look again", "coord doctor"),
            )
            what = f"the hooks of {client.title} never ran here"
            evidence = (
                "sessions of it were here, and none ran them: its agents are not guarded, and hear nothing"
                if worked
                else "they are installed, and no session of it was here yet"
            )
            yield DoctorFinding("warning" if worked else "note", what, evidence, steps)


def failures(subject: Subject) -> Iterator[DoctorFinding]:
    """What went wrong in hooks. The agents went on."""
    path = os.path.join(folder_of(subject.folder.cache), FAILURES)
    try:
        lines = read_regular(path, _MOST).decode(errors="replace").splitlines()
    except OSError:
        return
    if lines:
        steps = (
            RepairStep("see each of them, with its time in microseconds since 1970", f"cat {shell_quoted(path)}"),
            RepairStep("when the cause is mended, forget them", f"rm {shell_quoted(path)}"),
        )
        times = "once" if len(lines) == 1 else f"{len(lines)} times"
        what = f"hooks failed {times}, and the work that they guard went on without them"
        yield DoctorFinding("warning", what, failures_in_words(lines, subject.system.wall()), steps)


def failures_in_words(lines: list[str], now: Instant) -> str:
    """The newest kinds of failures, as people read them: how often each was, and when last."""
    last: dict[str, str] = {}
    count: dict[str, int] = {}
    for text in lines:
        found = _FAILURE.fullmatch(text)
        said = _failure_in_words(*found.groups()[1:]) if found else line(text, 150)
        count[said] = count.get(said, 0) + 1
        last.pop(said, None)  # the newest are last
        last[said] = time_text(from_micros(int(found[1])), now) if found else ""
    shown = list(last.items())[-_SHOWN:]
    older = [f"{plural(len(last) - len(shown), 'other kind')} before"] if len(last) > len(shown) else []
    return " · ".join([*older, *(_count_text(said, count[said], at) for said, at in shown)])


def _failure_in_words(word: str, moment: str, error: str) -> str:
    client = client_named(word)
    title = client.title if client else word
    kind, _, said = error.partition(": ")
    if moment == "input" and kind.endswith("DecodeError"):
        return f"{line(title)} sent no valid JSON"
    return f"{line(title)} at {line(moment)}: {line(said if kind == CoordError.__name__ else error, 150)}"


def _count_text(said: str, count: int, at: str) -> str:
    times = f"{count} times, last " if count > 1 and at else ""
    return f"{said} ({times}{at})" if at else said


def sandbox(subject: Subject) -> Iterator[DoctorFinding]:
    """A client whose commands cannot write the log from a worktree."""
    ask = subject.install_request()
    folder = log_folder_outside(ask)
    for client in CLIENTS:
        if folder and client.sandbox and _installed(subject, client) and folder not in _writable(subject, client):
            steps = (RepairStep("let it write there", f"coord install {client.word}"),)
            what = f"in a worktree, {client.title} cannot write the log, so `coord` fails for its agents"
            path = resolve_path(client.servers["user"], ask, client)
            yield DoctorFinding("warning", what, f"{path} does not name {folder} as writable", steps)


def login_shell(subject: Subject) -> Iterator[DoctorFinding]:
    """A client that runs its agents' commands in a login shell, which does not find coord. Where this shell does not
    find it either, that is said elsewhere.
    """
    env = subject.system.env
    here, shell = find_program(env), _shell(env)
    clients = [client for client in CLIENTS if client.login and _installed(subject, client)]
    if not clients or not here or not shell or _finds_coord(shell, env, subject.folder.root) is not False:
        return
    folder, name = os.path.dirname(here), os.path.basename(shell)
    virtual, home = is_virtual(folder), env.get("HOME", "")
    linked = os.path.lexists(os.path.join(home, ".local", "bin", "coord"))
    path = f'export PATH={"~/.local/bin" if virtual else shell_quoted(folder)}:"$PATH"'
    for client in clients:
        steps = (
            *(
                [RepairStep("put a link to it where it can stay", link_command(this_program()))]
                if virtual and not linked
                else []
            ),
            RepairStep("let a login shell look there", f"echo {shell_quoted(path)} >> ~/{_login_file(name, home)}"),
            RepairStep(f"then restart {client.title}, from a terminal that was opened after that"),
        )
        what = f"{client.title} may not find coord, so `coord` fails for its agents"
        evidence = f"it runs commands in a login shell: {name} -lc 'command -v coord' finds none; here it is {here}"
        yield DoctorFinding("warning", what, evidence, steps)


def _shell(env: Mapping[str, str]) -> str:
    """The shell that such a client takes: the person's, or bash; empty if that is not there."""
    own = env.get("SHELL", "")
    return own if os.path.basename(own) in _SHELLS and os.access(own, os.X_OK) else find_program(env, "bash")


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


def worktrees_without_hooks(subject: Subject) -> Iterator[DoctorFinding]:
    """Worktrees whose agents see no hooks, while those in the main one do."""
    repository = subject.folder.repository
    if repository is None:
        return
    for client in CLIENTS:
        if not _installed(subject, client, repository.main):
            continue
        blind = [folder for folder in linked_worktrees(repository) if not _installed(subject, client, folder)]
        if blind:
            here = subject.folder.root in blind
            steps = (RepairStep("have them in all worktrees", f"coord install {client.word} --user"),)
            what = f"{plural(len(blind), 'worktree')} without the hooks of {client.title}: agents there are not guarded"
            yield DoctorFinding("warning" if here else "note", what, join_limited(blind, 3), steps)


def _installed(subject: Subject, client: Client, base: str = "") -> dict[str, list[str]]:
    """The commands of our hooks, by scope; none where they cannot be read."""
    try:
        return installed_hooks(client, subject.install_request(base), Changeset(InstallRecord("", {})))
    except CoordError:
        return {}


def _program(command: str) -> str:
    """The program that a hook calls; empty for what is nothing where there is none."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return words[0] if len(words) > 1 and words[1] == "hook" else ""


def _writable(subject: Subject, client: Client) -> list[str]:
    roots: list[str] = []
    for name in client.servers.values():
        try:
            settings = read_toml(
                Changeset(InstallRecord("", {})).text(resolve_path(name, subject.install_request(), client))
            )
        except (CoordError, ValueError):
            continue
        if settings.get("sandbox_mode") == "danger-full-access":
            roots.append(log_folder_outside(subject.install_request()))
        roots += writable_roots(settings)
    return roots
