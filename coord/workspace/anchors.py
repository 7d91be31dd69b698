"""Which process a session lives and dies with, chosen once, at its start.

It is the client's process where there is one. Otherwise it is the interactive shell that owns the terminal, or the
leader of the process session; never a script, a subshell, a multiplexer or init. A shell that is the first process of
its pid namespace is a container's terminal and no init. Failing all that, there is none.
"""

from msgspec.structs import replace

from coord.clients.registry import nearest_client
from coord.platform.processes import Process
from eventlog.events import Anchor
from projections.rules.liveness import ObserverHost

_SHELLS = {"sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "ash", "tcsh", "csh", "nu", "elvish", "xonsh", "pwsh"}
_WRAPPERS = {"sudo", "su", "doas", "runuser", "script", "setsid", "timeout", "nohup", "env", "xargs"}
_NEVER = {"tmux", "tmux: server", "screen", "zellij", "login", "init", "systemd", "launchd", "sshd", "tini"}


def choose_anchor(chain: list[Process]) -> Process | None:
    """The anchor among a process (the first of `chain`, which is us) and its ancestors, nearest first."""
    if not chain:
        return None
    own, above = chain[0], chain[1:]
    if found := nearest_client(above):
        return found[1]
    together = [process for process in above if process.session == own.session]
    if together and together[-1].command in _WRAPPERS:  # it ends with the command: look where it was typed
        rest = above[above.index(together[-1]) + 1 :]
        return choose_anchor([replace(together[-1], session=rest[0].session), *rest]) if rest else None
    for process in reversed(together):  # the topmost first: a subshell looks just like its shell
        if process.command in _NEVER:
            continue
        leads = process.pid == process.session or process.parent == 0  # not: the last that may be looked at
        if _is_shell(process) and (leads or not runs_script(process)):
            return process
        if leads and process.pid != 1:
            return process
    return None


def _is_shell(process: Process) -> bool:
    return process.command in _SHELLS


def runs_script(process: Process) -> bool:
    """Whether a shell was given something to run: `-c`, or a file."""
    return any(word == "-c" or not word.startswith(("-", "+")) for word in process.argv[1:])


def anchor_of(process: Process, here: ObserverHost) -> Anchor | None:
    """The process as an anchor; None where the system does not tell enough to know it again."""
    if not here.boot:
        return None
    return Anchor(here.machine, here.boot, process.pid, process.start_ticks, here.pid_namespace)


def describe_process(process: Process) -> str:
    """A process for a person: `bash (1234)`."""
    return f"{process.command or 'process'} ({process.pid})"


def describe_pid(pid: int, state: str) -> str:
    """A process that stands in the way, and what to do about it."""
    if state == "T":
        return f"process {pid}, which is stopped (continue it: kill -CONT {pid}; or end it: kill -KILL {pid})"
    return f"process {pid}, which is at work"
