"""The long way of a hook: one function for each moment of an agent, the same for every client.

Each runs under the lock, as the session of the conversation that the client names, which begins with its first hook if
it is not there yet. What it has to say is said before it is written down as read: if nobody heard it, it stays unread.
"""

import os
import re
from collections.abc import Callable

from msgspec.structs import replace

from coord.engine.guard_index import IDLE, said_what
from coord.guard import hook_state, shell_commands
from coord.guard.payload import Call, writes_in
from coord.hooks import edits
from coord.hooks.bypass import after_shell, may_have_committed, warned
from coord.hooks.context import Hook, answered
from coord.hooks.messages import LATER_CHARS, START_CHARS, company, news, owed, reminder, welcome
from coord.render.format import line
from coord.workspace.config import Config
from coord.workspace.names import by_conversation
from coord.workspace.paths import Place
from eventlog.events import (
    AgentStarted,
    AgentStopped,
    Instant,
    SessionEnded,
    SessionHeartbeat,
    seconds_between,
)
from projections.rules.state import Claim, Session, State

_BEGINNING = (
    r"""\s*(?:[A-Za-z_]\w*=(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"\\$`;&|()<>])*\s+)*([\w./+-]{1,100})(?=\s|$|[;&|])"""
)
"""A shell command up to the name of its program: what is set before it may be a secret."""


# --- the moments ----------------------------------------------------------------------------------------------------


def start(hook: Hook) -> None:
    """The agent starts, resumes, clears, compacts or forks: it is told who it is here, and who else is."""
    _not_asking(hook)
    resumed = hook.call.source in ("resume", "compact")
    state, now = hook.moment.state, hook.moment.at
    unread = [*news(state, hook.me, now, all_of_it=True), *hook.reminders()]
    hook.tell([*welcome(state, hook.me, resumed), *unread, *company(state, hook.me, now)], START_CHARS)


def prompt(hook: Hook) -> None:
    """Its person's prompt: it is told what others wrote meanwhile."""
    _not_asking(hook)
    unread = news(hook.moment.state, hook.me, hook.moment.at, all_of_it=True)
    hook.tell([*unread, *hook.due_reminders()], LATER_CHARS)


def before(hook: Hook) -> None:
    """Before a tool runs that writes no file of ours: nothing but that its person has answered."""
    _not_asking(hook)


def after(hook: Hook) -> None:
    """A tool has run: what a shell command did to the files of others, what this session lost, what others wrote, and
    what it does.
    """
    pieces = after_shell(hook) if hook.call.tool in hook.call.client.shells else []
    writes = writes_in(hook.call, hook.world.env)
    edits.written(hook.moment, hook.config, [write for write in writes if write.folder == hook.place.folder])
    pieces += [piece for write in writes for piece in warned(hook, write)]
    _beat(hook)
    if not hook.call.agent:  # what is for the session is not told to its subagent
        pieces += [*news(hook.moment.state, hook.me, hook.moment.at, all_of_it=False), *hook.due_reminders()]
    hook.tell(pieces, LATER_CHARS)


def asks(hook: Hook) -> None:
    """Its person is asked for something: until the next hook it is blocked on that."""
    call = hook.call
    doing = hook.me.doing
    what = "an answer" if call.tool in call.client.questions else f"leave to use {line(call.tool, 40) or 'a tool'}"
    blocked = replace(doing, blocked_on=f"its person: {what}", asks_person=True, automatic=not doing.action)
    if doing != blocked:
        hook.moment.append(replace(blocked, action=doing.action or "waiting"))


def stop(hook: Hook) -> None:
    """It wants to stop: held back once for each message that is urgent or to be confirmed. No write is under way, but
    of a subagent in the background.
    """
    shell_commands.forget(hook.call, hook.world.env, hook.place.cache, hook.me.id)
    _edits_done(hook, None if hook.call.alone else "")
    if hook.call.alone:
        held = {claim.agent for claim in hook.moment.state.claims.values() if claim.session == hook.me.id}
        for agent in sorted(held.union(hook.me.agents) - {""}):  # it ended without a word, as one that was killed
            hook.moment.append(AgentStopped(agent=agent))
    state, me = hook.moment.state, hook.me
    waiting = [m for m in state.messages.values() if m.urgency == "high" or m.needs_ack]
    mine = [m for m in waiting if m.id in me.unread or me.id in m.unacknowledged_by]
    marks = {m.id: hook.trace("held", hook_state.digest(m.id)) for m in mine}
    new = {name: mark for name, mark in marks.items() if not hook_state.look(mark)}
    if new:
        unread = news(state, me, hook.moment.at, all_of_it=True)
        pieces = [replace(piece, marks=(new[name],)) for piece in unread for name in piece.ids if name in new]
        owes = [reminder(m, new[m.id], hook.trace("reminded")) for m in owed(state, me) if m.id in new]
        hook.hold_back([*pieces, *owes])
    elif me.doing != IDLE:
        hook.moment.append(IDLE)


def agent_start(hook: Hook) -> None:
    """A subagent begins: it is shown with its session."""
    if hook.call.agent and hook.call.agent not in hook.me.agents:
        hook.moment.append(AgentStarted(agent=line(hook.call.agent), kind=line(hook.call.kind)))


def agent_stop(hook: Hook) -> None:
    """A subagent is done: its claims pass to the session, but for those whose edits are over."""
    agent = hook.call.agent
    held = any(claim.agent == agent for claim in edits.own(hook.moment.state, hook.me.id))
    if agent and (agent in hook.me.agents or held):
        _edits_done(hook, agent)
        hook.moment.append(AgentStopped(agent=agent))


def end(hook: Hook) -> None:
    """It ends. After a clear the next start goes on for it, so nothing ends."""
    if hook.call.reason != "clear":
        import shutil  # it takes 2 ms to load, and of all moments only this one needs it

        shell_commands.forget(hook.call, hook.world.env, hook.place.cache, hook.me.id)
        shutil.rmtree(hook_state.folder_of(hook.place.cache, hook.me.id), ignore_errors=True)
        hook.moment.append(
            SessionEnded(reason=f"its client ended it ({line(hook.call.reason, 40) or 'no reason said'})")
        )


MOMENTS: dict[str, Callable[[Hook], None]] = {
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
        hook.moment.append(answered(hook.me.doing))


def _beat(hook: Hook) -> None:
    """Say what the agent does, at most every so often, unless it said something by itself: then only that it lives."""
    me, call = hook.me, hook.call
    if me.doing.asks_person:
        hook.moment.append(answered(me.doing))
        return
    if not _beat_is_due(me, hook.config, hook.moment.at):
        return
    stale = edits.stale(hook.place, hook.config, hook.moment.state, hook.moment.at)
    edits.finish(hook.moment, hook.config, stale, hook.answers)
    if me.doing.action and not me.doing.automatic:
        hook.moment.append(SessionHeartbeat())
        return
    action, target = _doing(call, hook)
    hook.moment.append(SessionHeartbeat(action=action, target=target, automatic=True))


def _beat_is_due(me: Session, config: Config, now: Instant) -> bool:
    return seconds_between(me.last_at, now) >= config.heartbeat_seconds or not said_what(me)


def _doing(call: Call, hook: Hook) -> tuple[str, str]:
    """What a tool does, in two words or so. Of a shell command not more than the program: it can hold a secret."""
    if writes := writes_in(call, hook.world.env):
        return "editing", line(writes[0].resource.removeprefix("file/"), 100)
    if call.command:
        return "running", line(call.about, 80) or _program(call.command)
    return "using", line(call.tool, 40) or "a tool"


def _program(command: str) -> str:
    """The program that a shell command begins with, and no more of it."""
    found = re.match(_BEGINNING, command)
    return os.path.basename(found[1]) if found else "a command"


def _edits_done(hook: Hook, agent: str | None) -> None:
    """No tool of the session, or of its subagent, is at work: its edits are over where nothing is uncommitted."""
    mine = edits.own(hook.moment.state, hook.me.id, agent)
    edits.not_pending(hook.moment, mine)
    edits.finish(hook.moment, hook.config, mine, hook.answers, idle=True)


def unsettled(call: Call, place: Place, config: Config, state: State, now: Instant) -> list[Claim]:
    """The claims that a moment may end, if git says that their edits are over."""
    me = by_conversation(state, (call.conversation,))
    if me is None:
        return []
    match call.moment:
        case "stop":
            return edits.own(state, me.id, None if call.alone else "")
        case "agent_stop":
            return edits.own(state, me.id, call.agent)
        case "after":
            stale = edits.stale(place, config, state, now) if _beat_is_due(me, config, now) else []
            return [*stale, *(edits.own(state, me.id) if may_have_committed(call, place, me.id) else ())]
        case _:
            return []
