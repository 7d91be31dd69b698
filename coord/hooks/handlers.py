"""The full path of a hook: one function for each hook event, the same for every client.

Each runs under the lock, as the session of the conversation that the client names. If that session does not exist yet,
its first hook starts it. Messages are sent to the client before they are recorded as read: if sending fails, they stay
unread.
"""

import os
import re
from collections.abc import Callable

from msgspec.structs import replace

from coord.guard import hook_state
from coord.guard.entry import record_answer
from coord.guard.payload import HookCall, writes_in
from coord.guard.view import GuardRow
from coord.hooks import edits
from coord.hooks.bypass import end_commands, record_bypasses, write_warnings
from coord.hooks.context import HookContext, HookRequest, calling_session
from coord.hooks.messages import (
    LATER_CHARS,
    START_CHARS,
    ContextItem,
    other_sessions,
    reminder,
    start_items,
    unread_items,
)
from coord.render.events import SHELL_COMMAND, UNSHOWN_COMMAND
from coord.render.format import line
from coord.workspace.conversations import runs_below
from coord.workspace.paths import protect_log
from eventlog.events import AgentStarted, AgentStopped, Instant, SessionEnded, SessionHeartbeat
from projections.rules.messages import messages_of
from projections.rules.sessions import idle_after, is_idle
from projections.rules.state import Claim, State
from projections.views.board import names_of
from projections.views.needs import own_needs

_COMMAND_START = (
    r"""\s*(?:[A-Za-z_]\w*=(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"\\$`;&|()<>])*\s+)*([\w./+-]{1,100})(?=\s|$|[;&|])"""
)
"""Matches a shell command up to the name of its program, which is group 1. Assignments before the name are left out,
because their values may be secrets.
"""


# --- one function for each hook event ---------------------------------------------------------------------------------


def on_start(hook: HookContext) -> None:
    """The agent starts, resumes, clears, compacts or forks: show it which session it is, and who else works here."""
    protect_log(hook.workspace)
    hook.clear_question()
    resumed = hook.call.source in ("resume", "compact") and not hook.transaction.started
    state, now = hook.transaction.state, hook.transaction.at
    unread = [*unread_items(state, hook.me, now, all_of_it=True), *hook.reminders()]
    hook.tell([*start_items(state, hook.me, resumed), *unread, *other_sessions(state, hook.me, now)], START_CHARS)


def on_prompt(hook: HookContext) -> None:
    """The user prompts the agent: show the agent what others have written. If its client has no hook for a start, the
    first prompt counts as the start too.
    """
    facts, verdict = hook.decide()
    hook.clear_question()
    items = record_bypasses(hook, facts.commands()) if "changed" in verdict.reasons else []
    record_answer(facts, [], verdict)
    if "start" not in hook.call.client.hook_events.values() and hook.transaction.started:
        on_start(hook)
        return
    items += unread_items(hook.transaction.state, hook.me, hook.transaction.at, all_of_it=True)
    hook.tell([*items, *(hook.reminders() if "reminder" in verdict.reasons else ())], LATER_CHARS)


def before_tool(hook: HookContext) -> dict[str, list[GuardRow]]:
    """Before a tool runs: claim the files that it writes. If a write is denied, nothing is claimed; return what is
    denied, and what blocks it.
    """
    facts, verdict = hook.decide()
    if "question" in verdict.reasons:
        hook.clear_question()
        facts, verdict = hook.decide()
    denying = edits.denying_edits(hook.transaction.state, verdict)
    if edits.finish_edits(hook.transaction, hook.config, denying, hook.answers):
        facts, verdict = hook.decide()
    edits.claim_files(hook.transaction, verdict.claims)
    record_answer(facts, hook.writes, verdict)
    return {write.resource: rows for write, rows in verdict.denied}


def after_tool(hook: HookContext) -> None:
    """After a tool has run: record the files of others that shell commands changed, and what the agent does; show the
    agent its lost claims and its messages.
    """
    facts, verdict = hook.decide()
    items = record_bypasses(hook, facts.commands()) if "changed" in verdict.reasons else []
    if "committed" in verdict.reasons:
        mine = edits.own_automatic_claims(hook.transaction.state, hook.me.id)
        edits.finish_edits(hook.transaction, hook.config, mine, hook.answers)
    edits.claim_files(hook.transaction, verdict.claims)
    items += write_warnings(hook, verdict.warnings)
    if "question" in verdict.reasons:
        hook.clear_question()
    if "heartbeat" in verdict.reasons:
        _record_heartbeat(hook)
    record_answer(facts, hook.writes, verdict)
    if not hook.call.agent:  # the messages of a session are not shown to its subagents
        items += unread_items(hook.transaction.state, hook.me, hook.transaction.at, all_of_it=False)
    if "reminder" in verdict.reasons:
        items += hook.reminders()
    hook.tell(items, LATER_CHARS)


def on_question(hook: HookContext) -> None:
    """The agent asks its user: the session is blocked until the next hook."""
    call = hook.call
    doing = hook.me.doing
    is_question = call.tool in call.client.questions or (call.client.notifications and not call.tool)
    what = "an answer" if is_question else f"permission to use {line(call.tool, 40) or 'a tool'}"
    automatic = doing.automatic or not doing.action
    blocked = replace(doing, blocked_on=f"its user: {what}", asks_person=True, automatic=automatic)
    if doing != blocked:
        hook.transaction.append(replace(blocked, action=doing.action or "waiting"))


def on_stop(hook: HookContext) -> None:
    """The agent wants to stop: it is held back once for each message that is urgent or must be confirmed. No write is
    pending, except by subagents in the background.
    """
    changes = _finish_turn(hook, SHELL_COMMAND if hook.call.client.stop_form else UNSHOWN_COMMAND)
    state, me = hook.transaction.state, hook.me
    waiting = [m for m in messages_of(state, me) if not m.resolved_by and (m.urgency == "high" or m.needs_ack)]
    mine = [m for m in waiting if m.id in me.unread or me.id in m.unacknowledged_by]
    marks = {m.id: hook.trace("held", hook_state.digest(m.id)) for m in mine}
    new = {name: mark for name, mark in marks.items() if not hook_state.read_trace(mark)}
    if (new or changes) and hook.call.client.stop_form:
        unread = unread_items(state, me, hook.transaction.at, all_of_it=True)
        pieces = [replace(piece, marks=(new[name],)) for piece in unread for name in piece.ids if name in new]
        needs, names, trace = own_needs(state, me.id), names_of(state), hook.reminder_trace()
        owes = [reminder(need, names, new[need.about], trace) for need in needs if need.about in new]
        hook.block_stop([*changes, *pieces, *owes])
    else:
        _record_idle(hook)


def on_turn_end(hook: HookContext) -> None:
    """The turn has ended without a stop: it was interrupted, or it failed. The agent cannot be held back."""
    _finish_turn(hook, UNSHOWN_COMMAND)
    _record_idle(hook)


def on_agent_start(hook: HookContext) -> None:
    """A subagent begins."""
    if hook.call.agent and hook.call.agent not in hook.me.agents:
        hook.transaction.append(AgentStarted(agent=line(hook.call.agent), kind=line(hook.call.kind)))


def on_agent_stop(hook: HookContext) -> None:
    """A subagent ends: those of its claims whose edits are unfinished pass to the session."""
    agent = hook.call.agent
    held = any(claim.agent == agent for claim in edits.own_automatic_claims(hook.transaction.state, hook.me.id))
    if agent and (agent in hook.me.agents or held):
        _finish_edits(hook, agent)
        hook.transaction.append(AgentStopped(agent=agent))


def on_end(hook: HookContext) -> None:
    """The agent ends. After a clear, the next start continues the session, so the session does not end. Nor does it end
    if another process runs it: this hook can come late, when its client has ended and was started again.
    """
    anchor = hook.me.anchor
    elsewhere = anchor and hook.system.is_alive(anchor) and not runs_below(hook.system, anchor)
    if hook.call.reason != "clear" and not elsewhere:
        import shutil  # it takes 2 ms to load, and no other hook event needs it

        end_commands(hook, UNSHOWN_COMMAND)
        if not os.path.exists(os.path.join(hook_state.folder_of(hook.workspace.cache), hook_state.KEPT)):
            shutil.rmtree(hook_state.folder_of(hook.workspace.cache, hook.me.id), ignore_errors=True)
        hook.transaction.append(
            SessionEnded(reason=f"its client ended it ({line(hook.call.reason, 40) or 'no reason given'})")
        )


HANDLERS: dict[str, Callable[[HookContext], object]] = {
    "start": on_start,
    "prompt": on_prompt,
    "before": before_tool,
    "after": after_tool,
    "asks": on_question,
    "stop": on_stop,
    "turn_end": on_turn_end,
    "agent_start": on_agent_start,
    "agent_stop": on_agent_stop,
    "end": on_end,
}


# --- shared functions -------------------------------------------------------------------------------------------------


def _finish_turn(hook: HookContext, how: str) -> list[ContextItem]:
    """Record what the turn's shell commands changed (`how` is as in `record_bypasses`), and end its finished edits. If
    no subagent works in the background, all have stopped, also those that were killed without a stop hook. Return the
    texts for the agent about the changes.
    """
    changes = end_commands(hook, how)
    _finish_edits(hook, None if hook.call.alone else "")
    if hook.call.alone:
        held = {claim.agent for claim in hook.transaction.state.claims.values() if claim.session == hook.me.id}
        for agent in sorted(held.union(hook.me.agents) - {""}):
            hook.transaction.append(AgentStopped(agent=agent))
    return changes


def _record_idle(hook: HookContext) -> None:
    """Record that the agent waits for its user, unless that is known."""
    if not is_idle(hook.me.doing):
        hook.transaction.append(idle_after(hook.me.doing))


def _record_heartbeat(hook: HookContext) -> None:
    """Record what the agent does, or only that it is alive if it has reported its work itself. Also end the stale edits
    of all sessions.
    """
    stale = edits.stale_claims(hook.workspace, hook.config, hook.transaction.state, hook.transaction.at)
    edits.finish_edits(hook.transaction, hook.config, stale, hook.answers)
    if hook.me.doing.action and not hook.me.doing.automatic:
        hook.transaction.append(SessionHeartbeat())
        return
    action, target = _doing(hook.call, hook)
    hook.transaction.append(SessionHeartbeat(action=action, target=target, automatic=True))


def _doing(call: HookCall, hook: HookContext) -> tuple[str, str]:
    """Return an action and a target that describe a tool call. Of a shell command only the program is shown, since the
    rest can contain a secret.
    """
    if writes := writes_in(call, hook.system.env):
        return "editing", line(writes[0].resource.removeprefix("file/"), 100)
    if call.command:
        return "running", line(call.about, 80) or _program(call.command)
    return "using", line(call.tool, 40) or "a tool"


def _program(command: str) -> str:
    """Return the name of the program that a shell command begins with."""
    found = re.match(_COMMAND_START, command)
    return os.path.basename(found[1]) if found else "a command"


def _finish_edits(hook: HookContext, agent: str | None) -> None:
    """End the finished edits of a session, or of one of its subagents, when none of its tools is running."""
    mine = edits.own_automatic_claims(hook.transaction.state, hook.me.id, agent)
    edits.clear_pending(hook.transaction, mine)
    edits.finish_edits(hook.transaction, hook.config, mine, hook.answers, idle=True)


def claims_to_check(request: HookRequest, state: State, now: Instant) -> list[Claim]:
    """Return the claims that this call ends if git shows that their edits are finished."""
    call, workspace, config = request.call, request.workspace, request.config
    me = calling_session(request.system, state, call)
    if call.hook_event in ("before", "after"):
        _, verdict = request.decide(state, me.id if me else "", now)
        stale = edits.stale_claims(workspace, config, state, now) if "heartbeat" in verdict.reasons else []
        mine = edits.own_automatic_claims(state, me.id) if me and "committed" in verdict.reasons else []
        return [*edits.denying_edits(state, verdict), *stale, *mine]
    if me and call.hook_event in ("stop", "turn_end"):
        return edits.own_automatic_claims(state, me.id, None if call.alone else "")
    if me and call.hook_event == "agent_stop":
        return edits.own_automatic_claims(state, me.id, call.agent)
    return []
