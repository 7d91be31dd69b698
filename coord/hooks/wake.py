"""Waking an idle agent: a hook that its client runs in the background, and that ends when there is something to read.

Claude Code wakes an agent when such a hook exits with 2, and shows it what the hook said on standard error. One waits
for each session; another that is started while it waits ends at once. Nothing is marked as read: the agent reads it by
its next hook.
"""

import os
import sys

from coord.engine.snapshot import Present
from coord.engine.transaction import Moment, transact
from coord.errors import CoordError
from coord.guard import hook_state
from coord.guard.payload import Call, call_in, client_named
from coord.hooks.edits import Answers, in_the_way, make_way, may_make_way
from coord.hooks.messages import LATER_CHARS, Piece, fitting, news
from coord.platform.watch import Interrupted, catching, wait_for
from coord.render.format import line
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity
from coord.workspace.names import by_conversation
from coord.workspace.paths import Place, find
from coord.workspace.system import World
from eventlog.events import Instant
from eventlog.local.files import NOFOLLOW, try_lock
from projections.rules.claims import obstacles_of
from projections.rules.fold import as_of
from projections.rules.state import Ask, Session, State

WAKE = 2  # the exit code that wakes
_MOST_INPUT = 1 << 25  # bytes
_MOST_FREE = 3  # files that are told to be free at once
Said = tuple[str, list[str]]
"""What wakes an agent, and the traces of the denials that are answered by it."""
_NOTHING: Said = ("", [])


def wait(world: World, word: str) -> int:
    """Wait until the session of the conversation on standard input has something to read, or can have what it was
    denied. The exit code; 0 where nobody is to be woken, whatever the reason.
    """
    try:
        client = client_named(word)
        data = sys.stdin.buffer.read(_MOST_INPUT) if sys.stdin else b""
        call = call_in(client, data) if client and data.strip() else None
        text, answered = _something(world, call) if call else _NOTHING
        if text:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
    except (CoordError, Interrupted, OSError, ValueError):
        return 0  # a background hook has nobody to tell
    for trace in answered:  # only now: what was not said must be said by the next
        hook_state.wipe(trace)
    return WAKE if text else 0


def _something(world: World, call: Call) -> Said:
    """What wakes the agent, if its text is not empty."""
    place = find(world.at(call.cwd), None)
    caught: list[int] = []
    session = _session(_look(world, place).state, call)
    if session is None or not _alone(place, session.id):
        return _NOTHING

    def look() -> tuple[Said | None, Instant]:
        present = _look(world, place)
        state = as_of(present.state, present.now)
        me = _session(state, call)
        if me is None or not me.live or world.gone(me):
            return _NOTHING, state.due
        free = _freed(world, place, state, me, present.now)
        pieces = [*list(free)[:_MOST_FREE], *news(state, me, present.now, all_of_it=False)]
        if not pieces:
            return None, state.due
        text, told = fitting(pieces, LATER_CHARS)
        return (text, [free[piece] for piece in told if piece in free]), state.due

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
    path = os.path.join(hook_state.folder_of(place.cache, session), "waker")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o666)  # kept open: the lock goes with it
    return try_lock(fd)


def _freed(world: World, place: Place, state: State, me: Session, now: Instant) -> dict[Piece, str]:
    """The files that this session was denied and can have now, each with its trace. Where an edit may be over, git is
    asked, as by whoever waits for a file.
    """
    folder, config = hook_state.folder_of(place.cache, me.id), read_config(place)
    found = {}
    names = [name for name in os.listdir(folder) if name.startswith("denied-")] if os.path.isdir(folder) else []
    for name in sorted(names):
        path = os.path.join(folder, name)
        asked = hook_state.look(path)
        if not asked.get("resource"):
            continue
        ask = Ask(
            id=f"{me.id}/{2**53}",
            session=me.id,
            agent=asked.get("agent", ""),
            resource=asked["resource"],
            mode="exclusive",
            worktree=asked.get("worktree", ""),
            ttl_s=60,
            automatic=True,
            note="",
            asked_at=now,
        )
        if may_make_way(place, config, state, ask, now):
            _make_way(world, place, config, me, ask, state)
        elif not obstacles_of(state, ask):
            found[Piece(f"coord: {line(asked['resource'])} is free now; you were denied it.")] = path
    return found


def _make_way(world: World, place: Place, config: Config, me: Session, ask: Ask, state: State) -> None:
    identity = Identity(me.id, "the hook's input", "", me.client, me.client_session)
    answers = Answers(place)
    answers.learn(in_the_way(state, ask))

    def act(moment: Moment) -> None:
        make_way(moment, config, ask, answers)

    transact(world, place, config, act, lambda _: identity, [])
