"""What needs a person, derived from the reference model in slow and simple code.

`NeedsModel` is the reference model with what a need depends on besides: what each session is blocked on, when it last
wrote, and who must confirm which message. It looks at all edges of waiting after each event, to know since when each
exists.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.support.model.reference_model import Ask, Model, Session, conflict

Row: TypeAlias = tuple[str, str, tuple[str, ...], int]
"""The kind of a need, its session, the sessions that must act or wait, and since when, in microseconds."""


@dataclass
class Letter:
    """A message that asks for a confirmation."""

    sender: str
    at: int
    urgent: bool
    missing: set[str]


@dataclass
class NeedsModel:
    """The needs after the applied events."""

    model: Model = field(default_factory=Model)
    last: dict[str, int] = field(default_factory=dict)  # when each session last acted
    blocked: dict[str, tuple[str, bool, int]] = field(default_factory=dict)  # on what, whether it asks, since when
    idle: set[str] = field(default_factory=set)
    letters: dict[str, Letter] = field(default_factory=dict)
    lost_at: dict[str, int] = field(default_factory=dict)  # when each notice of a loss was given
    edges: dict[tuple[str, str], int] = field(default_factory=dict)  # who waits for whom, since when

    def hear(self, event: dict[str, Any]) -> None:
        """Apply one event."""
        model, said = self.model, event["event"]
        mark, name = event.get("imported"), f"{event['session']}/{event['n']}"
        by = (mark and mark.get("as")) or event["session"]
        before = {one: session.copy() for one, session in model.sessions.items()}
        files = set(model.files)
        model.hear(event)
        if mark and model.files == files:
            return  # it has no effect
        if by in before and before[by].status == "imported" and not mark:
            self.forget(by)
        self.last[by] = model.now
        notices = [notice for session in model.sessions.values() for notice in session.notices]
        for about in [about for kind, about in notices if kind == "lost"]:
            self.lost_at.setdefault(about, model.now)
        kind = said["type"]
        if kind == "session.heartbeat" and said.get("action"):
            self.beats(by, said)
        elif kind == "session.ended":
            self.ends(by)
        elif kind == "session.started":
            self.continues(by, said.get("continues", ""), before)
        elif kind == "message.sent" and said.get("needs_ack"):
            unread = {one for one, session in model.sessions.items() if name in session.unread}
            self.letters[name] = Letter(by, model.now, said.get("urgency") == "high", unread - {by})
        elif kind == "message.acknowledged":
            self.confirms(by, said["messages"])
        self.look()

    def ends(self, by: str) -> None:
        """A session that ended is not blocked, and need not confirm what was sent to everyone."""
        self.blocked.pop(by, None)
        self.confirms(by, sorted(self.model.broadcasts))

    def confirms(self, by: str, messages: list[str]) -> None:
        """A session confirms messages."""
        for letter in (self.letters[about] for about in messages if about in self.letters):
            letter.missing.discard(by)

    def forget(self, name: str) -> None:
        """A local session replaces an imported one."""
        self.blocked.pop(name, None)
        self.idle.discard(name)

    def beats(self, by: str, said: dict[str, Any]) -> None:
        """A session says what it does."""
        what, asks = said.get("blocked_on", ""), said.get("asks_person", False)
        known = self.blocked.get(by)
        since = known[2] if known and known[0] == what else self.model.now
        self.blocked[by] = (what, asks, since)
        if not what:
            del self.blocked[by]
        self.idle.discard(by)
        if said["action"] == "idle" and said.get("automatic"):
            self.idle.add(by)

    def continues(self, by: str, old: str, before: dict[str, Session]) -> None:
        """The session that continues another must confirm what that one had to, except its own messages."""
        previous = before[by].continues if by in before else ""
        if old not in before or old in (by, previous) or "imported" in (before[old].status, self.status(by)):
            return
        for letter in self.letters.values():
            if old in letter.missing:
                letter.missing.discard(old)
                letter.missing |= {by} - {letter.sender}

    def status(self, name: str) -> str:
        """The status of a session."""
        return self.model.sessions[name].status

    def until(self, time: int) -> None:
        """Let time pass."""
        self.model.until(time)
        self.look()

    def look(self) -> None:
        """Note since when each session waits for another."""
        now = {pair for wait in self.model.queue for pair in self.pairs(wait)}
        self.edges = {pair: self.edges.get(pair, self.model.now) for pair in now}

    def pairs(self, wait: Ask) -> set[tuple[str, str]]:
        """The sessions that a request waits for."""
        ahead = self.model.queue[: self.model.queue.index(wait)]
        others = {other.session for other in [*self.model.held, *ahead] if conflict(other, wait)}
        return {(wait.session, other) for other in others - {wait.session}}

    def in_circles(self) -> set[str]:
        """The sessions that wait for themselves, by way of others."""
        found = set()
        for start in self.model.sessions:
            reached: set[str] = set()
            new = {start}
            while new:
                new = {b for a, b in self.edges if a in new} - reached
                reached |= new
            if start in reached:
                found.add(start)
        return found

    def rows(self, gone: set[str], silent: int) -> list[Row]:
        """Everything that needs a person, except circles, as an observer sees it that knows who is gone."""
        model, rows = self.model, list[Row]()
        here = [name for name in model.sessions if self.status(name) == "live" and name not in gone]
        for name in here:
            for kind, about in model.sessions[name].notices:
                if kind == "lost":
                    rows.append(("lost", name, (name,), self.lost_at[about]))
            if name in self.blocked:
                _, asks, since = self.blocked[name]
                rows.append(("asks" if asks else "blocked", name, (name,), since))
        for letter in self.letters.values():
            missing = tuple(sorted(letter.missing & set(here)))
            if missing and (letter.urgent or model.now - letter.at >= silent):
                rows.append(("urgent" if letter.urgent else "unacknowledged", letter.sender, missing, letter.at))
        for name in {claim.session for claim in model.held if self.status(claim.session) == "live"}:
            waiters = tuple(sorted(a for a, b in self.edges if b == name))
            if name in gone:
                rows.append(("dead", name, (name, *waiters), self.last[name]))
            elif model.now - self.last[name] >= silent and (waiters or name not in self.idle):
                rows.append(("silent", name, (name, *waiters), self.last[name]))
        return rows
