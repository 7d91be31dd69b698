"""The long way of a hook: one function for each moment of an agent, the same for every client.

Each runs under the lock, as the session of the conversation that the client names, which begins with its first hook if
it is not there yet. What it has to say is said before it is written down as read: if nobody heard it, it stays unread.
"""

import os
import re
from collections.abc import Callable

from msgspec.structs import replace

from coord.engine.guard_index import IDLE, has_stated_activity
from coord.guard import hook_state, shell_commands
from coord.guard.payload import HookCall, writes_in
from coord.hooks import edits
from coord.hooks.bypass import may_have_committed, record_bypasses, write_warnings
from coord.hooks.context import HookContext, without_question
from coord.hooks.messages import (
    LATER_CHARS,
    START_CHARS,
    other_sessions,
    reminder,
    start_items,
    unacknowledged,
    unread_items,
)
from coord.render.format import line
from coord.workspace.config import Config
from coord.workspace.names import by_conversation
from coord.workspace.paths import Workspace
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


def on_start(hook: HookContext) -> None:
    """The agent starts, resumes, clears, compacts or forks: it is told who it is here, and who else is."""
    _clear_question(hook)
    resumed = hook.call.source in ("resume", "compact")
    state, now = hook.transaction.state, hook.transaction.at
    unread = [*unread_items(state, hook.me, now, all_of_it=True), *hook.reminders()]
    hook.tell([*start_items(state, hook.me, resumed), *unread, *other_sessions(state, hook.me, now)], START_CHARS)


def on_prompt(hook: HookContext) -> None:
    """Its person's prompt: it is told what others wrote meanwhile."""
    _clear_question(hook)
    unread = unread_items(hook.transaction.state, hook.me, hook.transaction.at, all_of_it=True)
    hook.tell([*unread, *hook.due_reminders()], LATER_CHARS)


def before_tool(hook: HookContext) -> None:
    """Before a tool runs that writes no file of ours: nothing but that its person has answered."""
    _clear_question(hook)


def after_tool(hook: HookContext) -> None:
    """A tool has run: what a shell command did to the files of others, what this session lost, what others wrote, and
    what it does.
    """
    pieces = record_bypasses(hook) if hook.call.tool in hook.call.client.shells else []
    writes = writes_in(hook.call, hook.system.env)
    edits.claim_again(
        hook.transaction, hook.config, [write for write in writes if write.folder == hook.workspace.folder]
    )
    pieces += [piece for write in writes for piece in write_warnings(hook, write)]
    _record_heartbeat(hook)
    if not hook.call.agent:  # what is for the session is not told to its subagent
        pieces += [
            *unread_items(hook.transaction.state, hook.me, hook.transaction.at, all_of_it=False),
            *hook.due_reminders(),
        ]
    hook.tell(pieces, LATER_CHARS)


def on_question(hook: HookContext) -> None:
    """Its person is asked for something: until the next hook it is blocked on that."""
    call = hook.call
    doing = hook.me.doing
    what = "an answer" if call.tool in call.client.questions else f"leave to use {line(call.tool, 40) or 'a tool'}"
    blocked = replace(doing, blocked_on=f"its person: {what}", asks_person=True, automatic=not doing.action)
    if doing != blocked:
        hook.transaction.append(replace(blocked, action=doing.action or "waiting"))


def on_stop(hook: HookContext) -> None:
    """It wants to stop: held back once for each message that is urgent or to be confirmed. No write is under way, but
    of a subagent in the background.
    """
    shell_commands.remove_traces(hook.call, hook.system.env, hook.workspace.cache, hook.me.id)
    _finish_edits(hook, None if hook.call.alone else "")
    if hook.call.alone:
        held = {claim.agent for claim in hook.transaction.state.claims.values() if claim.session == hook.me.id}
        for agent in sorted(held.union(hook.me.agents) - {""}):  # it ended without a word, as one that was killed
            hook.transaction.append(AgentStopped(agent=agent))
    state, me = hook.transaction.state, hook.me
    waiting = [m for m in state.messages.values() if m.urgency == "high" or m.needs_ack]
    mine = [m for m in waiting if m.id in me.unread or me.id in m.unacknowledged_by]
    marks = {m.id: hook.trace("held", hook_state.digest(m.id)) for m in mine}
    new = {name: mark for name, mark in marks.items() if not hook_state.read_trace(mark)}
    if new:
        unread = unread_items(state, me, hook.transaction.at, all_of_it=True)
        pieces = [replace(piece, marks=(new[name],)) for piece in unread for name in piece.ids if name in new]
        owes = [reminder(m, new[m.id], hook.trace("reminded")) for m in unacknowledged(state, me) if m.id in new]
        hook.block_stop([*pieces, *owes])
    elif me.doing != IDLE:
        hook.transaction.append(IDLE)


def on_agent_start(hook: HookContext) -> None:
    """A subagent begins: it is shown with its session."""
    if hook.call.agent and hook.call.agent not in hook.me.agents:
        hook.transaction.append(AgentStarted(agent=line(hook.call.agent), kind=line(hook.call.kind)))


def on_agent_stop(hook: HookContext) -> None:
    """A subagent is done: its claims pass to the session, but for those whose edits are over."""
    agent = hook.call.agent
    held = any(claim.agent == agent for claim in edits.own_automatic_claims(hook.transaction.state, hook.me.id))
    if agent and (agent in hook.me.agents or held):
        _finish_edits(hook, agent)
        hook.transaction.append(AgentStopped(agent=agent))


def on_end(hook: HookContext) -> None:
    """It ends. After a clear the next start goes on for it, so nothing ends."""
    if hook.call.reason != "clear":
        import shutil  # it takes 2 ms to load, and of all moments only this one needs it

        shell_commands.remove_traces(hook.call, hook.system.env, hook.workspace.cache, hook.me.id)
        shutil.rmtree(hook_state.folder_of(hook.workspace.cache, hook.me.id), ignore_errors=True)
        hook.transaction.append(
            SessionEnded(reason=f"its client ended it ({line(hook.call.reason, 40) or 'no reason said'})")
        )


HANDLERS: dict[str, Callable[[HookContext], None]] = {
    "start": on_start,
    "prompt": on_prompt,
    "before": before_tool,
    "after": after_tool,
    "asks": on_question,
    "stop": on_stop,
    "agent_start": on_agent_start,
    "agent_stop": on_agent_stop,
    "end": on_end,
}


# --- what they share ------------------------------------------------------------------------------------------------


def _clear_question(hook: HookContext) -> None:
    """Whatever it asked its person, that is answered."""
    if hook.me.doing.asks_person:
        hook.transaction.append(without_question(hook.me.doing))


def _record_heartbeat(hook: HookContext) -> None:
    """Say what the agent does, at most every so often, unless it said something by itself: then only that it lives."""
    me, call = hook.me, hook.call
    if me.doing.asks_person:
        hook.transaction.append(without_question(me.doing))
        return
    if not _beat_is_due(me, hook.config, hook.transaction.at):
        return
    stale = edits.stale_claims(hook.workspace, hook.config, hook.transaction.state, hook.transaction.at)
    edits.finish_edits(hook.transaction, hook.config, stale, hook.answers)
    if me.doing.action and not me.doing.automatic:
        hook.transaction.append(SessionHeartbeat())
        return
    action, target = _doing(call, hook)
    hook.transaction.append(SessionHeartbeat(action=action, target=target, automatic=True))


def _beat_is_due(me: Session, config: Config, now: Instant) -> bool:
    return seconds_between(me.last_at, now) >= config.heartbeat_seconds or not has_stated_activity(me)


def _doing(call: HookCall, hook: HookContext) -> tuple[str, str]:
    """What a tool does, in two words or so. Of a shell command not more than the program: it can hold a secret."""
    if writes := writes_in(call, hook.system.env):
        return "editing", line(writes[0].resource.removeprefix("file/"), 100)
    if call.command:
        return "running", line(call.about, 80) or _program(call.command)
    return "using", line(call.tool, 40) or "a tool"


def _program(command: str) -> str:
    """The program that a shell command begins with, and no more of it."""
    found = re.match(_BEGINNING, command)
    return os.path.basename(found[1]) if found else "a command"


def _finish_edits(hook: HookContext, agent: str | None) -> None:
    """No tool of the session, or of its subagent, is at work: its edits are over where nothing is uncommitted."""
    mine = edits.own_automatic_claims(hook.transaction.state, hook.me.id, agent)
    edits.clear_pending(hook.transaction, mine)
    edits.finish_edits(hook.transaction, hook.config, mine, hook.answers, idle=True)


def claims_to_check(call: HookCall, workspace: Workspace, config: Config, state: State, now: Instant) -> list[Claim]:
    """The claims that a moment may end, if git says that their edits are over."""
    me = by_conversation(state, (call.conversation,))
    if me is None:
        return []
    match call.hook_event:
        case "stop":
            return edits.own_automatic_claims(state, me.id, None if call.alone else "")
        case "agent_stop":
            return edits.own_automatic_claims(state, me.id, call.agent)
        case "after":
            stale = edits.stale_claims(workspace, config, state, now) if _beat_is_due(me, config, now) else []
            return [
                *stale,
                *(edits.own_automatic_claims(state, me.id) if may_have_committed(call, workspace, me.id) else ()),
            ]
        case _:
            return []
