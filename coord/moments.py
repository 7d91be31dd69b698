"""The long way of a hook: one function for each moment of an agent, the same for every client.

Each runs under the lock, as the session of the conversation that the client names, which begins with its first hook if
it is not there yet. What it has to say is said before it is written down as read: if nobody heard it, it stays unread.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from coord import edits, traces
from coord.calls import Call, Write, writes_in
from coord.config import Config, read_config
from coord.errors import CoordError
from coord.folder import Place, find
from coord.guard import denial
from coord.hooked import Hook, Say
from coord.hooks import ALLOWED, DENIED
from coord.identity import Identity, introduction
from coord.indexing import IDLE, said_what
from coord.names import by_conversation
from coord.noticing import after_shell, warned
from coord.telling import LATER_CHARS, START_CHARS, news, owed, reminder, welcome
from coord.text import line
from coord.transaction import Moment, transact
from coord.world import World
from eventlog.events import (
    AgentStarted,
    AgentStopped,
    SessionEnded,
    SessionHeartbeat,
    seconds_between,
    to_micros,
)

_Said = tuple[int, str]  # an exit code, and what is said on standard error
_QUIET: _Said = (ALLOWED, "")


# --- the moments ----------------------------------------------------------------------------------------------------


def start(hook: Hook) -> _Said:
    """The agent starts, resumes, clears, compacts or forks: it is told who it is here, and who else is."""
    traces.leave(os.path.join(traces.folder_of(hook.place.cache), f"fired-{hook.call.client.word}"))
    _not_asking(hook)
    resumed = hook.call.source in ("resume", "compact")
    state, now = hook.moment.state, hook.moment.at
    pieces = welcome(state, hook.me, now, resumed)
    hook.tell([*pieces, *news(state, hook.me, now, all_of_it=True), *reminder(owed(state, hook.me))], START_CHARS)
    return _QUIET


def prompt(hook: Hook) -> _Said:
    """Its person's prompt: it is told what others wrote meanwhile."""
    _not_asking(hook)
    unread = news(hook.moment.state, hook.me, hook.moment.at, all_of_it=True)
    hook.tell([*unread, *hook.reminders()], LATER_CHARS)
    return _QUIET


def before(hook: Hook) -> _Said:
    """Before a tool runs that writes no file of ours: nothing but that its person has answered."""
    _not_asking(hook)
    return _QUIET


def after(hook: Hook) -> _Said:
    """A tool has run: what a shell command did to the files of others, what this session lost, what others wrote, and
    what it does.
    """
    pieces = after_shell(hook) if hook.call.tool in hook.call.client.shells else []
    pieces += [piece for write in writes_in(hook.call, hook.world.env) for piece in warned(hook, write)]
    _beat(hook)
    state, now = hook.moment.state, hook.moment.at
    hook.tell([*pieces, *news(state, hook.me, now, all_of_it=False), *hook.reminders()], LATER_CHARS)
    return _QUIET


def asks(hook: Hook) -> _Said:
    """Its person is asked for something: until the next hook it is blocked on that."""
    call = hook.call
    doing = hook.me.doing
    what = "an answer" if call.tool in call.client.questions else f"leave to use {line(call.tool, 40) or 'a tool'}"
    blocked = replace(doing, blocked_on=f"its person: {what}", asks_person=True, automatic=not doing.action)
    if doing != blocked:
        hook.moment.append(replace(blocked, action=doing.action or "waiting"))
    return _QUIET


def stop(hook: Hook) -> _Said:
    """It wants to stop: held back once for each message that is urgent or to be confirmed. No write is under way."""
    _edits_done(hook, None)
    state, me = hook.moment.state, hook.me
    waiting = [m for m in state.messages.values() if m.urgency == "high" or m.needs_ack]
    mine = [m for m in waiting if m.id in me.unread or me.id in m.unacknowledged_by]
    new = [m for m in mine if not traces.look(hook.trace("held", traces.digest(m.id)))]
    if new:
        for message in new:
            traces.leave(hook.trace("held", traces.digest(message.id)), {"at": to_micros(hook.moment.at)})
        ids = {message.id for message in new}
        unread = news(state, me, hook.moment.at, all_of_it=True)
        pieces = [piece for piece in unread if ids & set(piece.ids)]
        hook.hold_back([*pieces, *reminder([m for m in owed(state, me) if m.id in ids])])
        return _QUIET
    if me.doing != IDLE:
        hook.moment.append(IDLE)
    return _QUIET


def agent_start(hook: Hook) -> _Said:
    """A subagent begins: it is shown with its session."""
    if hook.call.agent and hook.call.agent not in hook.me.agents:
        hook.moment.append(AgentStarted(agent=line(hook.call.agent), kind=line(hook.call.kind)))
    return _QUIET


def agent_stop(hook: Hook) -> _Said:
    """A subagent is done: its claims pass to the session, but for those whose edits are over."""
    agent = hook.call.agent
    held = any(claim.agent == agent for claim in edits.own(hook.moment))
    if agent and (agent in hook.me.agents or held):
        _edits_done(hook, agent)
        hook.moment.append(AgentStopped(agent=agent))
    return _QUIET


def end(hook: Hook) -> _Said:
    """It ends. After a clear the next start goes on for it, so nothing ends."""
    if hook.call.reason != "clear":
        hook.moment.append(
            SessionEnded(reason=f"its client ended it ({line(hook.call.reason, 40) or 'no reason said'})")
        )
    return _QUIET


_MOMENTS: dict[str, Callable[[Hook], _Said]] = {
    "start": start,
    "prompt": prompt,
    "before": before,
    "after": after,
    "asks": asks,
    "stop": stop,
    "agent_start": agent_start,
    "agent_stop": agent_stop,
    "end": end,
}


# --- what they share ------------------------------------------------------------------------------------------------


def _not_asking(hook: Hook) -> None:
    """Whatever it asked its person, that is answered."""
    if hook.me.doing.asks_person:
        hook.moment.append(_answered(hook.me.doing))


def _answered(doing: SessionHeartbeat) -> SessionHeartbeat:
    return replace(doing, blocked_on="", asks_person=False)


def _beat(hook: Hook) -> None:
    """Say what the agent does, at most every so often, unless it said something by itself: then only that it lives."""
    me, call = hook.me, hook.call
    if me.doing.asks_person:
        hook.moment.append(_answered(me.doing))
        return
    if seconds_between(me.last_at, hook.moment.at) < hook.config.heartbeat_seconds and said_what(me):
        return
    edits.finish(hook.moment, hook.config, edits.stale(hook.moment, hook.config))
    if me.doing.action and not me.doing.automatic:
        hook.moment.append(SessionHeartbeat())
        return
    action, target = _doing(call, hook)
    hook.moment.append(SessionHeartbeat(action=action, target=target, automatic=True))


def _doing(call: Call, hook: Hook) -> tuple[str, str]:
    """What a tool does, in two words or so. Of a shell command not more than the program: it can hold a secret."""
    if writes := writes_in(call, hook.world.env):
        return "editing", line(writes[0].resource.removeprefix("file/"), 100)
    if call.command:
        words = [word for word in call.command.split() if "=" not in word]
        return "running", line(call.about, 80) or line(" ".join(words[:1]), 40) or "a command"
    return "using", line(call.tool, 40) or "a tool"


def _edits_done(hook: Hook, agent: str | None) -> None:
    """No tool of the session, or of its subagent, is at work: its edits are over where nothing is uncommitted."""
    mine = edits.own(hook.moment, agent)
    edits.not_pending(hook.moment, mine)
    edits.finish(hook.moment, hook.config, mine)


# --- getting there --------------------------------------------------------------------------------------------------


def respond(world: World, call: Call, say: Say) -> _Said:
    """Answer a call the long way. A shared folder that is not there, or cannot be used, is a reason to say nothing.

    Raises CoordError for a log that cannot be used.
    """
    writes = writes_in(call, world.env) if call.moment == "before" else []
    if writes:
        return _guard(world, call, writes)
    try:
        place = find(world.at(call.cwd), None)
    except CoordError:
        return _QUIET
    config = read_config(place)

    def who(moment: Moment) -> Identity:
        return _speaker(world, place, call, moment)

    def act(moment: Moment) -> _Said:
        return _MOMENTS[call.moment](Hook(world, place, config, call, say, moment))

    return transact(world, place, config, act, who, []).value


def to_client(document: dict[str, object]) -> None:
    """Hand the client a document, on standard output. Raises OSError if nobody reads it."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def _guard(world: World, call: Call, writes: list[Write]) -> _Said:
    """Every write is guarded by the folder of the repository that it is in."""
    denied: dict[str, Any] = {}
    for folder in dict.fromkeys(write.folder for write in writes):
        some = [write for write in writes if write.folder == folder]
        place = find(world.at(some[0].directory), None)
        config = read_config(place)

        def act(moment: Moment, config: Config = config, some: list[Write] = some) -> dict[str, Any]:
            if moment.state.sessions[moment.me.session].doing.asks_person:
                moment.append(_answered(moment.state.sessions[moment.me.session].doing))
            found = edits.take(moment, config, some)
            for resource in found:
                path = traces.of_denial(moment.place.cache, moment.me.session, resource)
                traces.leave(path, {"resource": resource})
            return found

        def who(moment: Moment, place: Place = place) -> Identity:
            return _speaker(world, place, call, moment)

        denied |= transact(world, place, config, act, who, []).value
    if not denied:
        return _QUIET
    return DENIED, "\n".join(denial(resource, found) for resource, found in list(denied.items())[:3])


def _speaker(world: World, place: Place, call: Call, moment: Moment) -> Identity:
    """The session of the conversation that calls. A new conversation in the process of one that was cleared or forked
    there continues that one's session.
    """
    known = by_conversation(moment.state, (call.conversation,))
    name = known.id if known else ""
    identity = Identity(name, "the hook's input", call.agent, call.client.name, call.conversation)
    if known or call.source not in ("clear", "fork"):
        return identity
    anchor = moment.free_anchor("", call.conversation)
    before = [
        session
        for session in moment.state.sessions.values()
        if session.live and anchor and session.anchor == anchor and session.client == call.client.name
    ]
    if len(before) == 1:
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
