"""One call of a hook on the full path: the decision about it, the acting session, and the texts for its agent."""

import os
from collections.abc import Callable

from msgspec import Struct

from coord.engine.guard_index import hook_view, with_worktree_names
from coord.engine.transaction import Transaction
from coord.guard import hook_state, shell_commands
from coord.guard.decision import Verdict, due
from coord.guard.entry import CallFacts
from coord.guard.payload import HookCall, Write, checkout_at
from coord.hooks.edits import GitAnswers
from coord.hooks.messages import LATER_CHARS, ContextItem, fit_to_budget, reminder
from coord.workspace.config import Config
from coord.workspace.conversations import sessions_of_caller
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import Instant, MessageRead, to_micros
from projections.rules.messages import unacknowledged
from projections.rules.sessions import unblocked
from projections.rules.state import Session, State
from projections.views.board import names_of
from projections.views.needs import own_needs

SendDocument = Callable[[dict[str, object]], None]
"""Sends the client a JSON document. Raises OSError if nobody reads it."""


class HookRequest(Struct, frozen=True):
    """A call, one shared folder that it concerns, and the call's writes to files of that folder's repository."""

    system: System
    workspace: Workspace
    config: Config
    call: HookCall
    writes: list[Write]

    def decide(self, state: State, session: str, now: Instant) -> tuple[CallFacts, Verdict]:
        """Decide what is due for the call, as the quick path does, but from the state: see `coord.guard.decision`."""
        state = with_worktree_names(self.workspace, state)
        call, cache = self.call, self.workspace.cache
        commands = {} if call.hook_event == "before" else shell_commands.commands_to_compare(cache, session, call)
        may_write_any = commands or (call.hook_event == "before" and call.tool in call.client.shells)
        files = None if may_write_any else [write.resource for write in self.writes]
        view = hook_view(state, self.config, self.system.here, now, session, files)
        place = checkout_at(call.cwd, self.system.env)
        facts = CallFacts(call, self.system.env, self.workspace.folder, place, view, session)
        return facts, due(call, self.writes, view, session, facts)


def calling_session(system: System, state: State, call: HookCall) -> Session | None:
    """Return the session of the conversation that calls, or None if it needs a new one."""
    found = sessions_of_caller(system, state, call.client, (call.conversation,), in_hook=True)
    return found[0] if found else None


class HookContext:
    """A call inside its transaction."""

    def __init__(
        self, request: HookRequest, transaction: Transaction, answers: GitAnswers, say: SendDocument | None = None
    ) -> None:
        self.request, self.transaction, self.answers, self._say = request, transaction, answers, say
        self.system, self.workspace, self.config = request.system, request.workspace, request.config
        self.call, self.writes = request.call, request.writes

    @property
    def me(self) -> Session:
        """The acting session."""
        return self.transaction.state.sessions[self.transaction.me.session]

    def decide(self) -> tuple[CallFacts, Verdict]:
        """Decide what is due for the call, from the present state. If nothing is due, the call is here only because the
        index was outdated, so a new one is saved.
        """
        facts, verdict = self.request.decide(self.transaction.state, self.me.id, self.transaction.at)
        if not verdict.reasons and not self.system.env.get("COORD_ROOT"):
            self.transaction.outdated = True
        return facts, verdict

    def clear_question(self) -> None:
        """Record that the session no longer waits for its user."""
        if self.me.doing.asks_person:
            self.transaction.append(unblocked(self.me.doing))

    def trace(self, *parts: str) -> str:
        """Return the path of a trace of this session."""
        return os.path.join(hook_state.folder_of(self.workspace.cache, self.me.id), "-".join(parts))

    def tell(self, items: list[ContextItem], budget: int) -> None:
        """Add these items to the agent's context, and record those that fit as shown. If the client shows its agent
        nothing at this hook event, they stay unread.
        """
        if not items or self.call.hook_event in self.call.client.silent_events:
            return
        text, shown = fit_to_budget(items, budget)
        self._send(self.call.client.context_form, text)
        self._record_shown(shown)

    def block_stop(self, items: list[ContextItem]) -> None:
        """Make the agent continue instead of stopping, and show it these items."""
        text, shown = fit_to_budget(items, LATER_CHARS)
        self._send(self.call.client.stop_form, text)
        self._record_shown(shown)

    def _send(self, form: dict[str, object], text: str) -> None:
        if self._say:
            from coord.guard.answers import fill_form  # most calls are shown nothing

            self._say(fill_form(form, {"event": self.call.event, "text": text}))

    def _record_shown(self, shown: list[ContextItem]) -> None:
        """Record what was shown to the agent. Call this after showing it: what is recorded is never shown again."""
        ids = tuple(dict.fromkeys(name for item in shown for name in item.ids))
        if ids:
            self.transaction.append(MessageRead(messages=ids))
        marks = {mark for item in shown for mark in item.marks}
        if any(message.id in ids for message in unacknowledged(self.transaction.state, self.me)):
            marks.add(self.reminder_trace())
        for mark in sorted(marks):
            hook_state.write_trace(mark, {"at": to_micros(self.transaction.at)})

    def reminders(self) -> list[ContextItem]:
        """Return a reminder of each thing that the session itself must do."""
        state, trace = self.transaction.state, self.reminder_trace()
        return [reminder(need, names_of(state), trace) for need in own_needs(state, self.me.id)]

    def reminder_trace(self) -> str:
        """Return the path of the trace of this session's last reminder."""
        return hook_state.reminder_trace_path(self.workspace.cache, self.me.id)
