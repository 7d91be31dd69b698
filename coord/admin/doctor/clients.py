"""Checks of the agents' clients: whether their hooks run, and whether their agents can use coord.

They find hooks that never ran, failed, or call a program that does not exist; a sandbox in which an agent cannot write
the log; a login shell that does not find coord; and worktrees without hooks.
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
from coord.clients.client import Client, client_named
from coord.clients.registry import CLIENTS
from coord.errors import CoordError
from coord.guard.hook_state import FAILURES, client_trace_path, folder_of
from coord.platform.executable import find_program, this_program
from coord.render.format import line, plural, time_text
from eventlog.events import Instant, from_micros
from eventlog.local.files import read_regular

_MAX_SHOWN, _MAX_BYTES = 3, 1 << 20  # kinds of failures that are shown; bytes of their file that are read
_FAILURE = re.compile(r"(\d{1,16}) (\S+) (\S+) (.*)")  # microseconds since 1970, client, hook event, error
_SHELLS = ("bash", "zsh")
_SHELL_TIMEOUT_S = 2


def hook_programs(subject: Subject) -> Iterator[DoctorFinding]:
    """Find hooks that call a program that does not exist. The client ignores them silently."""
    for client in CLIENTS:
        for scope, commands in _installed(subject, client).items():
            for command in dict.fromkeys(commands):
                program = _program(command)
                if program and not find_program(subject.system.env, program):
                    path = resolve_path(client.settings[scope], subject.install_request(), client)
                    steps = (
                        RepairStep("install them again", f"coord install {client.word} --{scope}"),
                        RepairStep("or uninstall them", f"coord uninstall {client.word} --{scope}"),
                    )
                    what = f"the hooks of {client.title} call a missing program, so its agents are not guarded"
                    evidence = f"{path} calls a program that does not exist: {program}"
                    yield DoctorFinding("warning", what, evidence, steps)


def hooks_never_run(subject: Subject) -> Iterator[DoctorFinding]:
    """Find hooks that are installed and have never run here.

    A client that has had a session here ignores them: each gets a warning. The other clients are in one note.
    """
    unused = []
    for client in CLIENTS:
        if _installed(subject, client) and not os.path.exists(client_trace_path(subject.folder.cache, client.word)):
            if subject.unusable or client.name not in subject.state.clients:
                unused.append(client)
                continue
            what = f"the hooks of {client.title} have never run here"
            evidence = "it had sessions here that did not run them, so its agents are not guarded and get no messages"
            yield DoctorFinding("warning", what, evidence, _steps_to_run([client]))
    if unused:
        titles = [client.title for client in unused]
        whose, evidence = titles[0], "they are installed, but it has had no session here yet"
        if len(unused) > 1:
            whose = plural(len(unused), "client")
            evidence = f"they are installed, but these have had no session here yet: {', '.join(titles)}"
        yield DoctorFinding("note", f"the hooks of {whose} have never run here", evidence, _steps_to_run(unused))


def _steps_to_run(clients: list[Client]) -> tuple[RepairStep, ...]:
    """Return the steps after which the hooks of clients run, and the one that checks that."""
    whose, word = (clients[0].title, f" {clients[0].word}") if len(clients) == 1 else ("each client", "")
    check = RepairStep(f"then check whether {whose} obeys them", f"coord doctor --prove{word}")
    return (*(RepairStep(client.todo) for client in clients), check)


def foreign_hooks(subject: Subject) -> Iterator[DoctorFinding]:
    """Find clients that run the hooks of another client here. They are guarded only where these hooks are called."""
    for client in CLIENTS:
        for other in CLIENTS:
            trace = client_trace_path(subject.folder.cache, client.word, other.word)
            if client is not other and os.path.exists(trace):
                installed = bool(_installed(subject, client))
                step = RepairStep("to guard it with its own hooks", f"coord install {client.word}")
                what = f"{client.title} runs the hooks of {other.title} here"
                evidence = "its calls were recognized, and are answered as its own"
                if not installed:
                    evidence += "; but these hooks are not called for all of its events, and its own are not installed"
                yield DoctorFinding("note" if installed else "warning", what, evidence, () if installed else (step,))


def failures(subject: Subject) -> Iterator[DoctorFinding]:
    """Find hooks that failed. A failed hook never stops an agent, so nobody else reports it."""
    path = os.path.join(folder_of(subject.folder.cache), FAILURES)
    try:
        lines = [text for text in read_regular(path, _MAX_BYTES).decode(errors="replace").split("\n") if text]
    except OSError:
        return
    if lines:
        steps = (
            RepairStep("see all of them, with times in microseconds since 1970", f"cat {shell_quoted(path)}"),
            RepairStep("when the cause is fixed, delete this list", f"rm {shell_quoted(path)}"),
        )
        times = "once" if len(lines) == 1 else f"{len(lines)} times"
        what = f"hooks failed {times}, and agents continued without being guarded"
        yield DoctorFinding("warning", what, failures_text(lines, subject.system.wall()), steps)


def failures_text(lines: list[str], now: Instant) -> str:
    """Describe the newest kinds of failures: how often each occurred, and when last."""
    last: dict[str, str] = {}
    count: dict[str, int] = {}
    for text in lines:
        match = _FAILURE.fullmatch(text)
        kind = _failure_text(*match.groups()[1:]) if match else line(text, 150)
        count[kind] = count.get(kind, 0) + 1
        last.pop(kind, None)  # so that the newest kinds are last
        last[kind] = time_text(from_micros(int(match[1])), now) if match else ""
    shown = list(last.items())[-_MAX_SHOWN:]
    older = [f"{plural(len(last) - len(shown), 'other kind')} before"] if len(last) > len(shown) else []
    return " · ".join([*older, *(_count_text(kind, count[kind], at) for kind, at in shown)])


def _failure_text(word: str, event: str, error: str) -> str:
    client = client_named(word)
    title = client.title if client else word
    kind, _, message = error.partition(": ")
    if event == "input" and kind.endswith("DecodeError"):
        return f"{line(title)} sent invalid JSON"
    return f"{line(title)} at {line(event)}: {line(message if kind == CoordError.__name__ else error, 150)}"


def _count_text(failure: str, count: int, at: str) -> str:
    times = f"{count} times, last " if count > 1 and at else ""
    return f"{failure} ({times}{at})" if at else failure


def sandbox(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a client whose sandbox does not let agents in worktrees write the log."""
    request = subject.install_request()
    folder = log_folder_outside(request)
    for client in CLIENTS:
        if folder and client.sandbox and _installed(subject, client) and folder not in _writable(subject, client):
            steps = (RepairStep("add the folder to its settings", f"coord install {client.word}"),)
            what = f"in a worktree, {client.title} cannot write the log, so `coord` fails for its agents"
            path = resolve_path(client.servers["user"], request, client)
            yield DoctorFinding("warning", what, f"{path} does not list {folder} as writable", steps)


def login_shell(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a client that runs commands in a login shell that does not find coord.

    If this shell does not find coord either, `installation.on_path` reports it, and this check does not.
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
                [RepairStep("add a link to it outside the virtual environment", link_command(this_program()))]
                if virtual and not linked
                else []
            ),
            RepairStep(
                "add the folder to PATH in login shells", f"echo {shell_quoted(path)} >> ~/{_login_file(name, home)}"
            ),
            RepairStep(f"then restart {client.title} from a new terminal"),
        )
        what = f"{client.title} may not find coord, so `coord` fails for its agents"
        evidence = (
            f"it runs commands in a login shell, and {name} -lc 'command -v coord' finds nothing; here it is {here}"
        )
        yield DoctorFinding("warning", what, evidence, steps)


def _shell(env: Mapping[str, str]) -> str:
    """Return the login shell that a client uses: the user's own or bash; empty if there is neither."""
    own = env.get("SHELL", "")
    return own if os.path.basename(own) in _SHELLS and os.access(own, os.X_OK) else find_program(env, "bash")


def _finds_coord(shell: str, env: Mapping[str, str], folder: str) -> bool | None:
    """Return whether a new login shell finds coord; None if it cannot be started or does not answer in time.

    The shell has no terminal. On a timeout it is killed, with all processes that it started.
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
        return process.wait(_SHELL_TIMEOUT_S) == 0
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _login_file(shell: str, home: str) -> str:
    """Return the name of the startup file in the home folder that a login shell reads, and that can set PATH."""
    if shell == "zsh":
        return ".zprofile"
    names = (".bash_profile", ".bash_login", ".profile")
    return next((name for name in names if os.path.exists(os.path.join(home, name))), ".profile")


def worktrees_without_hooks(subject: Subject) -> Iterator[DoctorFinding]:
    """Find worktrees without the hooks that are installed in the main worktree."""
    repository = subject.folder.repository
    if repository is None:
        return
    for client in CLIENTS:
        if not _installed(subject, client, repository.main):
            continue
        without = [folder for folder in linked_worktrees(repository) if not _installed(subject, client, folder)]
        if without:
            here = subject.folder.root in without
            steps = (RepairStep("install them for all worktrees", f"coord install {client.word} --user"),)
            what = (
                f"{plural(len(without), 'worktree')} without the hooks of {client.title}: agents there are not guarded"
            )
            yield DoctorFinding("warning" if here else "note", what, join_limited(without, 3), steps)


def _installed(subject: Subject, client: Client, base: str = "") -> dict[str, list[str]]:
    """Return the commands of coord's hooks, by scope; empty if the settings cannot be read."""
    try:
        return installed_hooks(client, subject.install_request(base), Changeset(InstallRecord("", {})))
    except CoordError:
        return {}


def _program(command: str) -> str:
    """Return the program that a hook calls; empty for a team's hook, which does nothing if there is no coord."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return words[0] if len(words) > 1 and words[1] == "hook" else ""


def _writable(subject: Subject, client: Client) -> list[str]:
    """Return the folders that the client's settings let commands write."""
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
