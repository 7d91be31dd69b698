"""Describe the sessions that are live, for a command that would take away what they write to."""

from coord.render.format import plural, session_label
from coord.workspace.system import System
from projections.rules.state import Session, State

_MOST_NAMES = 5


def live_sessions(system: System, state: State) -> list[Session]:
    """Return the sessions that are live and whose process is not gone."""
    return [session for session in state.sessions.values() if session.live and not system.death_evidence(session)]


def live_sessions_text(system: System, state: State) -> str:
    """Return which sessions are live, and how to end them; empty if there are none."""
    live = live_sessions(system, state)
    if not live:
        return ""
    names = [session_label(session.id, {session.id: session.name}) for session in live[:_MOST_NAMES]]
    more = f" and {len(live) - len(names)} more (coord status)" if len(live) > len(names) else ""
    are = f"{plural(len(live), 'session')} {'is' if len(live) == 1 else 'are'}"
    return (
        f"{are} live here: {', '.join(names)}{more}. "
        f"First end each, with `coord end` in its shell, or from here: coord end --session {live[0].id}"
    )
