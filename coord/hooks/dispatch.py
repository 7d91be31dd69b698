"""The long way of a hook: find the shared folder, act as the session of the conversation that calls, and answer."""

import os
import sys

import msgspec
from msgspec.structs import replace

from coord.engine.snapshot import Present
from coord.engine.transaction import Moment, transact
from coord.errors import CoordError
from coord.guard import hook_state
from coord.guard.entry import ALLOWED, DENIED, remember_denied
from coord.guard.index import Row, denial
from coord.guard.payload import Call, Write, writes_in
from coord.hooks import edits
from coord.hooks.context import Hook, Say, answered
from coord.hooks.handlers import MOMENTS, unsettled
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, introduction
from coord.workspace.names import by_conversation
from coord.workspace.paths import Place, find
from coord.workspace.system import World
from eventlog.events import Instant
from projections.rules.state import Claim, Session, State

Said = tuple[int, str]  # an exit code, and what is said on standard error
QUIET: Said = (ALLOWED, "")
_LOCK_WAIT_S = 2.0  # for the log: an agent waits meanwhile, and its client not for ever


def respond(world: World, call: Call, say: Say) -> Said:
    """Answer a call the long way. A shared folder that is not there, or cannot be used, is a reason to say nothing.

    Raises CoordError for a log that cannot be used.
    """
    writes = writes_in(call, world.env) if call.moment == "before" else []
    if writes:
        return _guard(world, call, writes)
    try:
        place = find(world.at(call.cwd), None)
    except CoordError:
        return QUIET
    config = _impatient(read_config(place))

    def who(moment: Moment) -> Identity:
        return _speaker(world, place, call, moment)

    answers = edits.Answers(place)

    def act(moment: Moment) -> None:
        MOMENTS[call.moment](Hook(world, place, config, call, say, moment, answers))

    def prepare(state: State, now: Instant) -> None:
        answers.learn(unsettled(call, place, config, state, now))

    transact(world, place, config, act, who, [], prepare)
    return QUIET


def to_client(document: dict[str, object]) -> None:
    """Hand the client a document, on standard output. Raises OSError if nobody reads it."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def _impatient(config: Config) -> Config:
    return replace(config, lock_wait_seconds=min(config.lock_wait_seconds, _LOCK_WAIT_S))


def _guard(world: World, call: Call, writes: list[Write]) -> Said:
    """Every write is guarded by the folder of the repository that it is in. If one is denied, none is made."""
    denied: list[tuple[str, list[Row]]] = []
    for folder in dict.fromkeys(write.folder for write in writes):
        some = [write for write in writes if write.folder == folder]
        denied += _guard_in(world, call, some).items()
        if denied:
            break
    if not denied:
        return QUIET
    for folder in dict.fromkeys(write.folder for write in writes if write.folder != some[0].folder):
        _take_back(world, call, [write for write in writes if write.folder == folder])
    return DENIED, denial(denied)


def _guard_in(world: World, call: Call, writes: list[Write]) -> dict[str, list[Row]]:
    place = find(world.at(writes[0].directory), None)
    config = _impatient(read_config(place))

    def who(moment: Moment) -> Identity:
        return _speaker(world, place, call, moment)

    answers = edits.Answers(place)

    def prepare(state: State, now: Instant) -> None:
        me = by_conversation(state, (call.conversation,))
        answers.learn(edits.denying(state, config, writes, me.id if me else "", now))

    def act(moment: Moment) -> dict[str, list[Row]]:
        doing = moment.state.sessions[moment.me.session].doing
        if doing.asks_person:
            moment.append(answered(doing))
        found = edits.take(moment, config, writes, answers)
        remember_denied(place.cache, moment.me.session, [write for write in writes if write.resource in found])
        return found

    return transact(world, place, config, act, who, [], prepare).value


def _take_back(world: World, call: Call, writes: list[Write]) -> None:
    """What was claimed for a patch of which another part is denied is not under way."""
    place = find(world.at(writes[0].directory), None)
    config = _impatient(read_config(place))
    wanted = {write.resource for write in writes}

    answers = edits.Answers(place)

    def mine(state: State, session: str) -> list[Claim]:
        return [claim for claim in edits.own(state, session, call.agent) if claim.resource in wanted]

    def prepare(state: State, _now: Instant) -> None:
        me = by_conversation(state, (call.conversation,))
        answers.learn(mine(state, me.id) if me else ())

    def act(moment: Moment) -> None:
        claims = mine(moment.state, moment.me.session)
        edits.not_pending(moment, claims)
        edits.finish(moment, config, claims, answers, idle=True)

    transact(world, place, config, act, lambda moment: _speaker(world, place, call, moment), [], prepare)


def _speaker(world: World, place: Place, call: Call, moment: Moment) -> Identity:
    """The session of the conversation that calls. A new conversation in the process of one that was cleared or forked
    there continues that one's session. It leaves the trace that hooks of its client run here.
    """
    if not os.path.exists(trace := hook_state.of_client(place.cache, call.client.word)):
        hook_state.leave(trace)
    known = by_conversation(moment.state, (call.conversation,))
    name = known.id if known else ""
    identity = Identity(name, "the hook's input", call.agent, call.client.name, call.conversation)
    if known:
        return identity
    anchor = moment.free_anchor("", call.conversation)
    before = [
        session
        for session in moment.state.sessions.values()
        if session.live and anchor and session.anchor == anchor and session.client == call.client.name
    ]
    if len(before) == 1 and (call.source in ("clear", "fork") or _cleared(world, place, call, before[0])):
        hello = introduction(
            world,
            place,
            name=before[0].name,
            client=call.client.name,
            client_session=call.conversation,
            capabilities=before[0].capabilities,
            anchor=anchor,
            continues=before[0].id,
        )
        moment.introduce(identity, hello)
        return moment.me
    return identity


def _cleared(world: World, place: Place, call: Call, before: Session) -> bool:
    """Whether a session of another repository's folder belongs to a conversation that this one continued at home: only
    there it is told.
    """
    try:
        home = find(world.at(call.cwd), None)
    except CoordError:
        return False
    if home.folder == place.folder:
        return False
    present = Present(world, home)
    present.catch_up(snapshot=True)
    old, new = (by_conversation(present.state, (name,)) for name in (before.client_session, call.conversation))
    return old is not None and new is not None and old.id == new.id
