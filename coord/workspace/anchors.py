"""Choose a session's anchor, the process that it depends on. It is chosen when the session starts.

The anchor is the client's process, if there is one. Otherwise it is the interactive shell of the terminal, or the
leader of the process session. A script, a subshell, a terminal multiplexer or init is never the anchor. A shell with
pid 1 counts as the terminal of a container, not as init. A session can have no anchor.
"""

from msgspec.structs import replace

from coord.clients.registry import nearest_client
from coord.platform.processes import Process
from eventlog.events import Anchor
from projections.rules.liveness import ObserverHost

_SHELLS = {"sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "ash", "tcsh", "csh", "nu", "elvish", "xonsh", "pwsh"}
_WRAPPERS = {"sudo", "su", "doas", "runuser", "script", "setsid", "timeout", "nohup", "env", "xargs"}
_WITH_VALUE = {"--init-file", "--rcfile", "--init-command", "-o", "+o", "-O", "+O"}  # options of shells
_NEVER = {"tmux", "tmux: server", "screen", "zellij", "login", "init", "systemd", "launchd", "sshd", "tini"}


def choose_anchor(chain: list[Process]) -> Process | None:
    """Choose the anchor in a chain of this process and its ancestors, nearest first. None if no process is suitable."""
    if not chain:
        return None
    own, above = chain[0], chain[1:]
    if client := nearest_client(above):
        return client[1]
    together = [process for process in above if process.session == own.session]
    if together and is_wrapper(together[-1]):  # it ends with the command, so look above it
        rest = above[above.index(together[-1]) + 1 :]
        return choose_anchor([replace(together[-1], session=rest[0].session), *rest]) if rest else None
    for process in reversed(together):  # the topmost first, because a subshell looks just like its shell
        if process.command in _NEVER:
            continue
        # Parent 0: the topmost process of this pid namespace, and not just the last one that can be read.
        leads = process.pid == process.session or process.parent == 0
        if is_shell(process) and (leads or not runs_script(process)):
            return process
        if leads and process.pid != 1:
            return process
    return None


def is_shell(process: Process) -> bool:
    """Return whether a process is a shell."""
    return process.command in _SHELLS


def is_wrapper(process: Process) -> bool:
    """Return whether a process was started only to run another command."""
    return process.command in _WRAPPERS


def runs_script(process: Process) -> bool:
    """Return whether a shell was started to run a command (`-c`) or a script."""
    words = process.argv[1:]
    values = {number + 1 for number, word in enumerate(words) if word in _WITH_VALUE}
    return any(
        word == "-c" or not word.startswith(("-", "+")) for number, word in enumerate(words) if number not in values
    )


def anchor_of(process: Process, here: ObserverHost) -> Anchor | None:
    """Return the process as an anchor; None if the boot is unknown, since it could not be recognized later."""
    if not here.boot:
        return None
    return Anchor(here.machine, here.boot, process.pid, process.start_ticks, here.pid_namespace)


def describe_process(process: Process) -> str:
    """Return a process as text: `bash (1234)`."""
    return f"{process.command or 'process'} ({process.pid})"


def describe_pid(pid: int, state: str) -> str:
    """Describe the process that holds the lock, and what to do about it."""
    if state == "T":
        return f"process {pid}, which is stopped (continue it: kill -CONT {pid}; or end it: kill -KILL {pid})"
    return f"process {pid}, which is running"
