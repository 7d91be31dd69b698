"""Rule 6: cycles of sessions that wait for each other. They are shown, and they end when one of the waits times out."""

from eventlog.events import Instant
from projections.rules.claims import find_obstacles
from projections.rules.state import Claim, State, WaitingRequest


def wait_cycles(state: State) -> list[tuple[str, ...]]:
    """Return the cycles of waiting sessions, each starting with its alphabetically first session."""
    waits_for: dict[str, list[str]] = {}
    for wait in state.waits.values():
        ahead = {obstacle.session for obstacle in find_obstacles(state, wait)} - {wait.session}
        waits_for[wait.session] = sorted(ahead.union(waits_for.get(wait.session, ())))
    waits_for = _without_dead_ends(waits_for)
    cycles: set[tuple[str, ...]] = set()
    for start in sorted(waits_for):
        path = _shortest_cycle(waits_for, start)
        if path:
            first = path.index(min(path))
            cycles.add((*path[first:], *path[:first]))
    return sorted(cycles)


def _without_dead_ends(waits_for: dict[str, list[str]]) -> dict[str, list[str]]:
    """Leave out the sessions from which no cycle can be reached. Usually that is all of them."""
    waiters: dict[str, list[str]] = {}
    for name, others in waits_for.items():
        for ahead in others:
            waiters.setdefault(ahead, []).append(name)
    open_ends = {name: sum(ahead in waits_for for ahead in others) for name, others in waits_for.items()}
    dead = [name for name, count in open_ends.items() if not count]
    for name in dead:  # the loop appends to it
        for waiter in waiters.get(name, ()):
            open_ends[waiter] -= 1
            if not open_ends[waiter]:
                dead.append(waiter)
    return {name: [ahead for ahead in waits_for[name] if open_ends.get(ahead)] for name in waits_for if open_ends[name]}


def _shortest_cycle(waits_for: dict[str, list[str]], start: str) -> tuple[str, ...]:
    """Return the sessions of a shortest cycle through `start`, or an empty tuple."""
    paths: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for path in paths:  # the loop appends to it
        for step in waits_for.get(path[-1], ()):
            if step == start:
                return path
            if step not in seen:
                seen.add(step)
                paths.append((*path, step))
    return ()


def waits_behind(state: State, waiter: str, ahead: str) -> list[tuple[WaitingRequest, Instant]]:
    """Return the requests of a session that wait for another session, each with the time since when it does."""
    found, own = [], f"{ahead}/"
    for wait in state.waits.values():
        if wait.session == waiter:
            behind = [obstacle for obstacle in find_obstacles(state, wait) if obstacle.session == ahead]
            # A claim with the id of another session was passed on to its holder later than it was asked for.
            starts = [b.granted_at if isinstance(b, Claim) and not b.id.startswith(own) else b.asked_at for b in behind]
            found += [(wait, max(wait.asked_at, min(starts)))] if starts else []
    return found
