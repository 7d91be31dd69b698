"""One call of a hook, under the lock: who acts, and how the agent is told."""

import os
from collections.abc import Callable

from msgspec.structs import replace

from coord.engine.transaction import Transaction
from coord.guard import hook_state
from coord.guard.entry import is_reminder_due
from coord.guard.payload import HookCall
from coord.hooks.edits import GitAnswers
from coord.hooks.messages import LATER_CHARS, ContextItem, fit_to_budget, reminder, unacknowledged
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.events import MessageRead, SessionHeartbeat, to_micros
from projections.rules.state import Session

SendDocument = Callable[[dict[str, object]], None]
"""Hands the client a JSON document. Raises OSError if nobody reads it."""


class HookContext:
    """One call, under the lock."""

    def __init__(
        self,
        system: System,
        workspace: Workspace,
        config: Config,
        call: HookCall,
        say: SendDocument,
        transaction: Transaction,
        answers: GitAnswers,
    ) -> None:
        self.system, self.workspace, self.config, self.call, self.transaction = (
            system,
            workspace,
            config,
            call,
            transaction,
        )
        self.answers, self._say = answers, say

    @property
    def me(self) -> Session:
        """The session that acts."""
        return self.transaction.state.sessions[self.transaction.me.session]

    def trace(self, *parts: str) -> str:
        """Where a trace of this session is."""
        return os.path.join(hook_state.folder_of(self.workspace.cache, self.me.id), "-".join(parts))

    def tell(self, pieces: list[ContextItem], budget: int) -> None:
        """Put this into the agent's context."""
        if not pieces:
            return
        text, told = fit_to_budget(pieces, budget)
        self._say({"hookSpecificOutput": {"hookEventName": self.call.event, "additionalContext": text}})
        self._record(told)

    def block_stop(self, pieces: list[ContextItem]) -> None:
        """Let the agent go on instead of stopping, with this before its eyes."""
        text, told = fit_to_budget(pieces, LATER_CHARS)
        self._say({"decision": "block", "reason": text})
        self._record(told)

    def _record(self, told: list[ContextItem]) -> None:
        """Write down that this was told. Only afterwards: what is written down and was not told, or did not fit, is
        never told.
        """
        ids = tuple(dict.fromkeys(name for piece in told for name in piece.ids))
        if ids:
            self.transaction.append(MessageRead(messages=ids))
        marks = {mark for piece in told for mark in piece.marks}
        if any(message.id in ids for message in unacknowledged(self.transaction.state, self.me)):
            marks.add(self.trace("reminded"))
        for mark in sorted(marks):
            hook_state.write_trace(mark, {"at": to_micros(self.transaction.at)})

    def reminders(self) -> list[ContextItem]:
        """What is still to be confirmed."""
        return [
            reminder(message, self.trace("reminded")) for message in unacknowledged(self.transaction.state, self.me)
        ]

    def due_reminders(self) -> list[ContextItem]:
        """What is still to be confirmed, if it was not said lately."""
        due = is_reminder_due(self.workspace.cache, self.me.id, to_micros(self.transaction.at))
        return self.reminders() if due else []


def without_question(doing: SessionHeartbeat) -> SessionHeartbeat:
    """What a session does once its person has answered."""
    return replace(doing, blocked_on="", asks_person=False)
