"""One call of a hook, under the lock: who acts, and how the agent is told."""

import os
from collections.abc import Callable

from msgspec.structs import replace

from coord.engine.transaction import Moment
from coord.guard import hook_state
from coord.guard.entry import reminded_long_ago
from coord.guard.payload import Call
from coord.hooks.edits import Answers
from coord.hooks.messages import LATER_CHARS, Piece, fitting, owed, reminder
from coord.workspace.config import Config
from coord.workspace.paths import Place
from coord.workspace.system import World
from eventlog.events import MessageRead, SessionHeartbeat, to_micros
from projections.rules.state import Session

Say = Callable[[dict[str, object]], None]
"""Hands the client a JSON document. Raises OSError if nobody reads it."""


class Hook:
    """One call, under the lock."""

    def __init__(
        self, world: World, place: Place, config: Config, call: Call, say: Say, moment: Moment, answers: Answers
    ) -> None:
        self.world, self.place, self.config, self.call, self.moment = world, place, config, call, moment
        self.answers, self._say = answers, say

    @property
    def me(self) -> Session:
        """The session that acts."""
        return self.moment.state.sessions[self.moment.me.session]

    def trace(self, *parts: str) -> str:
        """Where a trace of this session is."""
        return os.path.join(hook_state.folder_of(self.place.cache, self.me.id), "-".join(parts))

    def tell(self, pieces: list[Piece], budget: int) -> None:
        """Put this into the agent's context."""
        if not pieces:
            return
        text, told = fitting(pieces, budget)
        self._say({"hookSpecificOutput": {"hookEventName": self.call.event, "additionalContext": text}})
        self._record(told)

    def hold_back(self, pieces: list[Piece]) -> None:
        """Let the agent go on instead of stopping, with this before its eyes."""
        text, told = fitting(pieces, LATER_CHARS)
        self._say({"decision": "block", "reason": text})
        self._record(told)

    def _record(self, told: list[Piece]) -> None:
        """Write down that this was told. Only afterwards: what is written down and was not told, or did not fit, is
        never told.
        """
        ids = tuple(dict.fromkeys(name for piece in told for name in piece.ids))
        if ids:
            self.moment.append(MessageRead(messages=ids))
        marks = {mark for piece in told for mark in piece.marks}
        if any(message.id in ids for message in owed(self.moment.state, self.me)):
            marks.add(self.trace("reminded"))
        for mark in sorted(marks):
            hook_state.leave(mark, {"at": to_micros(self.moment.at)})

    def reminders(self) -> list[Piece]:
        """What is still to be confirmed."""
        return [reminder(message, self.trace("reminded")) for message in owed(self.moment.state, self.me)]

    def due_reminders(self) -> list[Piece]:
        """What is still to be confirmed, if it was not said lately."""
        due = reminded_long_ago(self.place.cache, self.me.id, to_micros(self.moment.at))
        return self.reminders() if due else []


def answered(doing: SessionHeartbeat) -> SessionHeartbeat:
    """What a session does once its person has answered."""
    return replace(doing, blocked_on="", asks_person=False)
