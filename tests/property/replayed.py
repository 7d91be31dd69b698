"""What the files say by the rules, replayed from the first event in the plainest way: for attack 10 to compare with.

The events are the lines of the journals as plain JSON; all times are microseconds. Nothing is taken from `projections`.
"""

from dataclasses import dataclass, field
from typing import Any

from eventlog.events import to_micros
from tests.property.naive import overlap

RESOURCES = ("file/a/", "file/a/b", "port/1")  # the first covers the second
SECOND = 1_000_000


@dataclass
class Ask:
    """A claim, or a request that waits, in microseconds."""

    id: str
    session: str
    agent: str
    resource: str
    mode: str
    ttl: int
    ends: int
    accept_by: int = 0

    def against(self, other: "Ask") -> bool:
        """Rule 1."""
        if self.session == other.session and ("" in (self.agent, other.agent) or self.agent == other.agent):
            return False
        return "exclusive" in (self.mode, other.mode) and overlap(self.resource, other.resource)

    def covers(self, other: "Ask") -> bool:
        """Whether asking for the other renews this one."""
        same = (self.session, self.agent) == (other.session, other.agent)
        below = self.resource == other.resource or (self.resource, other.resource) == RESOURCES[:2]
        return same and below and (self.mode == "exclusive" or other.mode == "shared")

    def of(self, session: str, agent: str) -> bool:
        """Whether they may act on it: a subagent on its own, the session on all."""
        return self.session == session and agent in ("", self.agent)


@dataclass
class Model:
    """What the files say, replayed from the first event."""

    now: int = 0
    status: dict[str, str] = field(default_factory=dict)
    died: dict[str, int] = field(default_factory=dict)
    anchor: dict[str, Any] = field(default_factory=dict)
    held: list[Ask] = field(default_factory=list)
    queue: list[Ask] = field(default_factory=list)
    unread: dict[str, list[str]] = field(default_factory=dict)
    notices: dict[str, list[str]] = field(default_factory=dict)
    everyone: set[str] = field(default_factory=set)

    def until(self, moment: int) -> None:
        """Rules 3 and 4."""
        while True:
            ends = [wait.ends for wait in self.queue] + [own.accept_by or own.ends for own in self.held]
            self.now = min([moment, *ends])
            if not ends or min(ends) > moment:
                self.now = moment
                return
            self.queue = [wait for wait in self.queue if wait.ends > self.now]
            for own in [own for own in self.held if (own.accept_by or own.ends) <= self.now]:
                self.held.remove(own)
                if not own.accept_by:
                    self.notices[own.session].append(own.id)
            self.serve()

    def serve(self) -> None:
        """Rule 4: each that no longer conflicts, in order."""
        for wait in list(self.queue):
            if not self.in_the_way(wait):
                self.queue.remove(wait)
                wait.ends, wait.accept_by = self.now + wait.ttl, self.now + 60 * SECOND
                self.held.append(wait)

    def in_the_way(self, ask: Ask) -> bool:
        ahead = self.queue[: self.queue.index(ask)] if ask in self.queue else self.queue
        return any(other.against(ask) for other in [*self.held, *ahead])

    def verdict(self, ask: Ask, patient: bool) -> str:
        """Rule 2."""
        if any(own.covers(ask) for own in self.held):
            return "renewed"
        return "granted" if not self.in_the_way(ask) else "waiting" if patient else "refused"

    def hear(self, by: str, name: str, said: dict[str, Any]) -> None:
        """One event. Nobody was told what is not so: there is only one machine."""
        if by not in self.status:
            self.status[by], self.unread[by], self.notices[by] = "live", [], []
        if self.status[by] == "dead" or said["type"] == "session.started":
            self.status[by] = "live"
        own = [ask for ask in self.held if ask.id == said.get("claim") and ask.of(by, said.get("agent", ""))]
        match said["type"]:
            case "session.started":
                self.anchor[by] = said.get("anchor")
            case "session.ended":
                self.status[by] = "ended"
                self.unread[by] = [message for message in self.unread[by] if message not in self.everyone]
                self.leaves(by)
            case "session.presumed_dead":
                gone = said["session"]
                assert (self.status[gone], self.anchor[gone]) == ("live", said["anchor"]), said
                self.status[gone], self.died[gone] = "dead", self.now
                self.leaves(gone)
                self.notices[gone].append(name)
            case "claim.requested":
                self.asked(ask_of(name, by, said, self.now), said)
            case "claim.accepted" | "claim.renewed" | "claim.released" | "claim.handed_over":
                waits = [ask for ask in self.queue if ask.id == said["claim"]]
                assert own or (waits and said["type"] == "claim.released"), f"{said} of what is not its own"
                for ask in own:
                    self.holder_says(ask, name, said)
                self.queue = [ask for ask in self.queue if ask not in waits]
            case "claim.broken":
                (broken,) = [ask for ask in self.held if ask.id == said["claim"]]
                self.held.remove(broken)
                self.notices[broken.session].append(name)
            case _:
                self.wrote(by, name, said)
        self.serve()

    def wrote(self, by: str, name: str, said: dict[str, Any]) -> None:
        if said["type"] == "message.sent":
            self.sent(by, name, said["to"])
        elif said["type"] == "message.read":
            for box in (self.unread, self.notices):
                box[by] = [one for one in box[by] if one not in said["messages"]]

    def leaves(self, session: str) -> None:
        self.held = [ask for ask in self.held if ask.session != session]
        self.queue = [ask for ask in self.queue if ask.session != session]

    def asked(self, ask: Ask, said: dict[str, Any]) -> None:
        verdict = self.verdict(ask, bool(said.get("wait_s")))
        assert said["told"] == verdict.replace("renewed", "granted"), f"told {said['told']}, but it is {verdict}"
        if verdict == "renewed":
            own = next(own for own in self.held if own.covers(ask))
            own.ends, own.accept_by = max(own.ends, self.now + ask.ttl), 0
        elif verdict == "granted":
            self.held.append(ask)
        elif verdict == "waiting":
            ask.ends = self.now + said["wait_s"] * SECOND
            self.queue.append(ask)

    def holder_says(self, own: Ask, name: str, said: dict[str, Any]) -> None:
        own.accept_by = 0
        if said["type"] == "claim.renewed":
            own.ends = max(own.ends, self.now + said["ttl_s"] * SECOND)
        elif said["type"] != "claim.accepted":
            self.held.remove(own)
        if said["type"] == "claim.handed_over":
            assert self.status[said["to"]] == "live"
            self.held.append(Ask(name, said["to"], "", own.resource, own.mode, own.ttl, own.ends))
            self.notices[said["to"]].append(name)

    def sent(self, by: str, name: str, to: Any) -> None:
        if to == "everyone":
            self.everyone.add(name)
            lately = {who for who, when in self.died.items() if when > self.now - 3600 * SECOND}
            to = [who for who, is_ in self.status.items() if is_ == "live" or (is_ == "dead" and who in lately)]
            to = [who for who in to if who != by]
        for who in to:
            self.unread[who].append(name)


def ask_of(name: str, by: str, said: dict[str, Any], now: int) -> Ask:
    ttl = said["ttl_s"] * SECOND
    return Ask(name, by, said.get("agent", ""), said["resource"], said["mode"], ttl, now + ttl)


def replay(events: list[dict[str, Any]], until: int = 0) -> Model:
    """The model after these events, and at a later moment."""
    model = Model()
    for event in events:
        model.until(to_micros(event["at"]))
        model.hear(event["session"], f"{event['session']}/{event['n']}", event["event"])
    model.until(max(until, model.now))
    return model
