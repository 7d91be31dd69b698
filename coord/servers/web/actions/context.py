"""What the effect of an action is computed from, and the sentences that all effects use.

The events that the action's command would write are folded into a copy of the state, and the difference is the effect.
So no rule is repeated here. The clock and the log are passed in.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from coord.render.format import Names, ago, list_first, session_label
from coord.workspace.people import SHELL
from eventlog.events import VERSION, AnyPayload, Event, Instant, SessionStarted, add_time
from projections.rules.fold import fold
from projections.rules.sessions import is_idle
from projections.rules.state import Session, State
from projections.views.board import names_of
from projections.views.replay import copy_state

NOBODY = "you"
"""The id, in the copy of the state, of a person who has no session yet."""


class Effect(Struct):
    """What an action will do: sentences, and what the command compares (`seen`).

    `refused` says why it will do nothing.
    """

    text: list[str] = field(default_factory=list)
    seen: dict[str, list[str]] = field(default_factory=dict)
    refused: str = ""


class ActionContext:
    """What an effect is computed from: the state at `now`, the fields of the action, and the person's session, or "".

    `gone` has the evidence for each session whose process is gone.
    """

    def __init__(
        self, state: State, now: Instant, me: str, given: Mapping[str, str | bool], gone: Mapping[str, str]
    ) -> None:
        self.state, self.now, self.me, self.given, self.gone = state, now, me or NOBODY, given, gone
        self.names: Names = names_of(state)

    def text(self, name: str) -> str:
        """Return a field that is a text."""
        return str(self.given.get(name) or "")

    def label(self, session: str) -> str:
        """Return the label of a session."""
        return "you" if session == self.me else session_label(session, self.names)

    def labels(self, sessions: Iterable[str]) -> str:
        """Return the labels of sessions, separated by commas."""
        return list_first([self.label(session) for session in sorted(sessions)])

    def session(self, name: str = "session") -> Session | None:
        """Return the session that a field names, or the one that continues it."""
        return self.state.sessions.get(self.state.current_session(self.text(name)))

    def after(self, actor: str, *payloads: AnyPayload) -> State:
        """Return a copy of the state after these events of a session."""
        after = copy_state(self.state)
        known = after.sessions.get(actor)
        written = known.last_n if known else 0
        if known is None:
            payloads = (SessionStarted(client="shell", name=NOBODY, person=True), *payloads)
        at = max(self.now, after.at)
        for number, payload in enumerate(payloads, written + 1):
            at = add_time(at, micros=1)
            fold(after, [Event(v=VERSION, at=at, session=actor, n=number, payload=payload)])
        return after


def delay(context: ActionContext, name: str) -> str:
    """Return when a session will see something new."""
    session = context.state.sessions[name]
    if name in context.gone or session.status == "dead":
        return ", but its process is gone: only a session that continues it will see that"
    if session.client == SHELL:
        return " when it reads its inbox"
    if is_idle(session.doing):
        return " when its agent works again: it is idle now"
    return f" at its next step (last heard of {ago(session.last_at, context.now)})"
