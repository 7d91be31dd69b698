"""Waking an idle agent: a hook that its client runs in the background, and that ends when there is something to read.

Claude Code wakes an agent when such a hook exits with 2, and shows it what the hook said on standard error. One waits
for each session; another that is started while it waits ends at once. Nothing is marked as read: the agent reads it by
its next hook.
"""

import os
import sys
from contextlib import suppress

from coord import traces
from coord.calls import Call, call_in, client_named
from coord.errors import CoordError
from coord.folder import Place, find
from coord.names import by_conversation
from coord.present import Present
from coord.telling import LATER_CHARS, Piece, fitting, news
from coord.text import line
from coord.waiting import Interrupted, catching, wait_for
from coord.world import World
from eventlog.events import Instant
from eventlog.system import NOFOLLOW, try_lock
from projections.fold import as_of
from projections.state import Session, State

WAKE = 2  # the exit code that wakes
_MOST_INPUT = 1 << 25  # bytes


def wait(world: World, word: str) -> int:
    """Wait until the session of the conversation on standard input has something to read, or can have what it was
    denied. The exit code; 0 where nobody is to be woken, whatever the reason.
    """
    try:
        client = client_named(word)
        data = sys.stdin.buffer.read(_MOST_INPUT) if sys.stdin else b""
        call = call_in(client, data) if client and data.strip() else None
        text = _something(world, call) if call else ""
    except (CoordError, Interrupted, OSError, ValueError):
        return 0  # a background hook has nobody to tell
    if text:
        sys.stderr.write(text + "\n")
    return WAKE if text else 0


def _something(world: World, call: Call) -> str:
    place = find(world.at(call.cwd), None)
    caught: list[int] = []
    session = _session(_look(world, place).state, call)
    if session is None or not _alone(place, session.id):
        return ""

    def look() -> tuple[str | None, Instant]:
        present = _look(world, place)
        state = as_of(present.state, present.now)
        me = _session(state, call)
        if me is None or not me.live or world.gone(me):
            return "", state.due
        pieces = [*news(state, me, present.now, all_of_it=False), *_freed(place, state, me)]
        return (fitting(pieces, LATER_CHARS)[0] if pieces else None), state.due

    with catching(caught):
        return wait_for(place.log, look, world.wall, caught)


def _look(world: World, place: Place) -> Present:
    present = Present(world, place)
    present.catch_up(snapshot=True)
    return present


def _session(state: State, call: Call) -> Session | None:
    return by_conversation(state, (call.conversation,))


def _alone(place: Place, session: str) -> bool:
    """Whether nobody waits for this session yet; then we do, until this process ends."""
    path = os.path.join(traces.folder_of(place.cache, session), "waker")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o666)  # kept open: the lock goes with it
    return try_lock(fd)


def _freed(place: Place, state: State, me: Session) -> list[Piece]:
    """The files that this session was denied, and that nobody has any more. Each is told once."""
    folder, found = traces.folder_of(place.cache, me.id), []
    with suppress(OSError):
        for name in os.listdir(folder):
            resource = traces.look(os.path.join(folder, name)).get("resource", "") if name.startswith("denied-") else ""
            if resource and not any(
                claim.resource == resource and claim.session != me.id for claim in state.claims.values()
            ):
                traces.wipe(os.path.join(folder, name))
                found.append(Piece(f"coord: {line(resource)} is free now; you were denied it."))
    return found
