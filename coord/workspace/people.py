"""People: tell them from agents, and name the session that a person's command begins in a terminal.

A person calls a command if no client's variable is set and no client's process is an ancestor. A person is at a
terminal if, besides, all three standard streams are the terminal, and an interactive shell called the command. Scripts,
pipes and the shells of agents never count as a person at a terminal.
"""

from coord.clients.registry import clients_in, nearest_client
from coord.platform.git.command import GitError, run_git
from coord.platform.processes import Process
from coord.workspace.anchors import choose_anchor, is_shell, is_wrapper, runs_script
from coord.workspace.identity import Identity
from coord.workspace.names import EVERYONE_WORDS
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.rules.state import Session, State, listed_sessions, recent_sessions

SHELL = "shell"
"""The client of a session that no agent's client started."""

_RUNNERS = {"uv", "uvx", "pipx"}  # programs that run an installed command
_MAX_NAME = 100  # characters of a session's name


def is_person(system: System, me: Identity, session: Session | None) -> bool:
    """Return whether a person acts: as a shell's session or as none, and with no agent's client above it."""
    return not me.client and not _agent_runs_us(system) and (session is None or session.client == SHELL)


def is_at_terminal(system: System) -> bool:
    """Return whether a person typed this command in an interactive shell."""
    if not system.has_terminal() or _agent_runs_us(system):
        return False
    chain = system.ancestry
    anchor = choose_anchor(chain)
    if anchor is None or not is_shell(anchor):
        return False
    pids = [process.pid for process in chain]
    between = chain[1 : pids.index(anchor.pid)] if anchor.pid in pids else []
    return not runs_script(anchor) and all(_passes_on(process) for process in between)


def _agent_runs_us(system: System) -> bool:
    return bool(clients_in(system.env) or nearest_client(system.ancestry[1:]))


def _passes_on(process: Process) -> bool:
    """Return whether a process between the shell and this command is only another shell, or runs one command."""
    return is_wrapper(process) or process.command in _RUNNERS or (is_shell(process) and not runs_script(process))


def person_name(system: System, workspace: Workspace) -> str:
    """Return the name for a person's session: git's `user.name`, else the user's name. It runs git."""
    try:
        given = run_git(workspace.root, "config", "user.name", env=system.env, timeout_s=5).decode(errors="replace")
    except GitError:
        given = ""
    for text in (given, *(system.env.get(name, "") for name in ("USER", "LOGNAME", "USERNAME"))):
        shown = "".join(letter if letter.isprintable() and letter not in ",/" else " " for letter in text)
        name = " ".join(shown.split())[:_MAX_NAME].strip()
        if name and name.lower() not in EVERYONE_WORDS:
            return name
    return "person"


def free_name(system: System, state: State, wanted: str) -> str:
    """Return `wanted`, or the first of `wanted-2`, `wanted-3`, ... that no live session has."""
    taken = {s.name for s in state.sessions.values() if s.name and s.live and not system.death_evidence(s)}
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted[: _MAX_NAME - 8]}-{number}"
    return name


def earlier_session(system: System, state: State, name: str) -> str:
    """Return the person's latest session of this name on this machine, which is no longer live; "" if there is none.

    A new session continues it, so that answers to its messages arrive. A session that was live within the last day
    comes before all others.
    """

    def is_earlier(session: Session) -> bool:
        return (
            session.person
            and session.name == name
            and session.machine == system.here.machine
            and not session.continued_by
            and (session.status in ("dead", "ended") or bool(session.live and system.death_evidence(session)))
        )

    earlier = list(filter(is_earlier, recent_sessions(state)))
    earlier = earlier or list(filter(is_earlier, listed_sessions(state, f"person/{name}")))
    return max(earlier, key=lambda session: session.started_at).id if earlier else ""
