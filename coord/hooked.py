"""One call of a hook, under the lock: who acts, and how the agent is told."""

import os
from collections.abc import Callable

from msgspec.structs import replace

from coord import traces
from coord.calls import Call
from coord.config import Config
from coord.edits import Answers
from coord.folder import Place
from coord.hooks import reminded_long_ago
from coord.telling import LATER_CHARS, Piece, fitting, owed, reminder
from coord.transaction import Moment
from coord.world import World
from eventlog.events import MessageRead, SessionHeartbeat, to_micros
from projections.state import Session

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
        return os.path.join(traces.folder_of(self.place.cache, self.me.id), "-".join(parts))

    def tell(self, pieces: list[Piece], budget: int) -> None:
        """Put this into the agent's context, and write down what of it is read by that."""
        if not pieces:
            return
        text, ids = fitting(pieces, budget)
        self._say({"hookSpecificOutput": {"hookEventName": self.call.event, "additionalContext": text}})
        self.mark(ids)
        if any(message.id in ids for message in owed(self.moment.state, self.me)):
            traces.leave(self.trace("reminded"), {"at": to_micros(self.moment.at)})

    def hold_back(self, pieces: list[Piece]) -> None:
        """Let the agent go on instead of stopping, with this before its eyes."""
        text, ids = fitting(pieces, LATER_CHARS)
        self._say({"decision": "block", "reason": text})
        self.mark(ids)

    def mark(self, ids: tuple[str, ...]) -> None:
        """Write down that these were read."""
        if ids:
            self.moment.append(MessageRead(messages=ids))

    def reminders(self) -> list[Piece]:
        """What is still to be confirmed, if it was not said lately."""
        now = to_micros(self.moment.at)
        due = owed(self.moment.state, self.me)
        if not due or not reminded_long_ago(self.place.cache, self.me.id, now):
            return []
        traces.leave(self.trace("reminded"), {"at": now})
        return reminder(due)


def answered(doing: SessionHeartbeat) -> SessionHeartbeat:
    """What a session does once its person has answered."""
    return replace(doing, blocked_on="", asks_person=False)
