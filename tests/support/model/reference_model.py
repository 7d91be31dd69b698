"""The reference model of the rules: what is true after a history, in the slowest and plainest code.

Nothing here is taken from `projections` or `coord`. An event is a line of a journal as plain JSON; all times are
microseconds. Every list is searched from its beginning. What patterns match is in `tests.support.model.patterns`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from eventlog.events import to_micros
from tests.support.model.patterns import covers, overlap

SECOND = 1_000_000
ACCEPT = 60 * SECOND  # a grant to a waiting request lapses after this time unless it is accepted
HOUR = 3600 * SECOND  # a broadcast still reaches a session that was presumed dead within this time
KNOWN = {
    *("session.started", "session.heartbeat", "session.ended", "session.presumed_dead"),
    *("agent.started", "agent.stopped", "message.sent", "message.read", "message.acknowledged"),
    *("claim.requested", "claim.accepted", "claim.renewed", "claim.released", "claim.handed_over"),
    *("claim.broken", "claim.finished", "claim.bypassed"),
}
IMPORTABLE = {"session.started", "session.heartbeat", "claim.requested", "message.sent"}  # and what is not known

# --- claims and requests ----------------------------------------------------------------------------------------------


class Terms(Protocol):
    """Who wants what, and how."""

    @property
    def session(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def worktree(self) -> str: ...
    @property
    def automatic(self) -> bool: ...
    @property
    def imported(self) -> bool: ...


def conflict(a: Terms, b: Terms) -> bool:
    """Rule 1."""
    if a.imported != b.imported:
        return False
    if "exclusive" not in (a.mode, b.mode) or not overlap(a.resource, b.resource):
        return False
    if a.session == b.session and (a.agent == b.agent or "" in (a.agent, b.agent)):
        return False
    files = a.resource.startswith("file/") and b.resource.startswith("file/")
    return not (files and a.worktree and b.worktree and a.worktree != b.worktree)


def own_covers(own: Terms, ask: Terms) -> bool:
    """Rule 2: whether a claim is the requester's own and gives all that is asked."""
    if (own.session, own.agent) != (ask.session, ask.agent) or own.worktree not in ("", ask.worktree):
        return False
    if (own.mode == "shared" and ask.mode == "exclusive") or (ask.automatic and not own.automatic):
        return False
    return covers(own.resource, ask.resource)


@dataclass(slots=True)
class Ask:
    """A claim, or a request that waits: then `ends` is the limit of waiting. A claim has a token."""

    id: str
    session: str
    agent: str
    resource: str
    mode: str
    worktree: str
    automatic: bool
    imported: bool
    ttl: int
    ends: int = 0
    accept_by: int = 0  # a grant to a waiting request, until it is accepted
    token: int = 0

    def of(self, session: str, agent: str) -> bool:
        """Whether they may act on it: a subagent on its own, the session on all."""
        return self.session == session and agent in ("", self.agent)

    @property
    def due(self) -> int:
        """When it ends if nobody does anything."""
        return self.accept_by or self.ends


def ask_of(name: str, by: str, said: dict[str, Any], imported: bool = False) -> Ask:
    """The request that an event makes."""
    terms = (said["resource"], said["mode"], said.get("worktree", ""), said.get("automatic", False), imported)
    return Ask(name, by, said.get("agent", ""), *terms, ttl=said["ttl_s"] * SECOND)


@dataclass(slots=True)
class Session:
    """A session: `live`, `dead`, `continued`, `ended` or `imported`."""

    status: str
    anchor: dict[str, Any] | None = None
    continues: str = ""
    continued_by: str = ""
    died: int = 0
    unread: list[str] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)  # what it is told, and about which event or claim

    def copy(self) -> "Session":
        """One that changes on its own."""
        return replace(self, unread=list(self.unread), notices=list(self.notices))


# --- the model --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Model:
    """What is true after the events that it has heard, at the moment `now`."""

    now: int = 0
    token: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    held: list[Ask] = field(default_factory=list)
    queue: list[Ask] = field(default_factory=list)
    broadcasts: set[str] = field(default_factory=set)
    files: set[tuple[str, str]] = field(default_factory=set)  # those that were imported

    def copy(self) -> "Model":
        """One that changes on its own."""
        return Model(
            self.now,
            self.token,
            {name: session.copy() for name, session in self.sessions.items()},
            [replace(claim) for claim in self.held],
            [replace(wait) for wait in self.queue],
            set(self.broadcasts),
            set(self.files),
        )

    # --- time ---

    def until(self, moment: int) -> None:
        """Rules 3 and 4: everything ends at its own instant, waits before claims; then waiting requests are granted."""
        while due := [end for end in (ask.due for ask in [*self.held, *self.queue]) if end <= moment]:
            self.now = min(due)
            self.queue = [wait for wait in self.queue if wait.ends > self.now]
            for claim in [claim for claim in self.held if claim.due <= self.now]:
                self.held.remove(claim)
                if not (claim.accept_by or claim.automatic or claim.imported):
                    self.tell(claim.session, "expired", claim.id)
            self.serve()
        self.now = moment

    def serve(self) -> None:
        """Rule 4: each waiting request that no longer conflicts is granted, in order."""
        for wait in list(self.queue):
            if not self.in_the_way(wait):
                self.queue.remove(wait)
                self.grant(wait, to_waiter=True)

    def grant(self, ask: Ask, to_waiter: bool) -> None:
        """From now on it is a claim."""
        ask.ends, ask.accept_by = self.now + ask.ttl, self.now + ACCEPT if to_waiter else 0
        ask.token = 0 if ask.imported else self.next_token()
        self.held.append(ask)

    def next_token(self) -> int:
        """Rule 7."""
        self.token = max(self.now, self.token + 1)
        return self.token

    # --- questions ---

    def in_the_way(self, ask: Ask) -> bool:
        """Rule 2: whether a claim, or an earlier waiting request, conflicts with it."""
        ahead = self.queue[: self.queue.index(ask)] if ask in self.queue else self.queue
        return any(conflict(other, ask) for other in [*self.held, *ahead])

    def own_of(self, ask: Ask) -> Ask | None:
        """The claim that asking for this renews."""
        return next((own for own in self.held if own_covers(own, ask)), None)

    def verdict(self, ask: Ask, waits: bool) -> str:
        """Rule 2."""
        if self.own_of(ask):
            return "renewed"
        return "granted" if not self.in_the_way(ask) else "waiting" if waits else "refused"

    def own(self, by: str, said: dict[str, Any], among: Iterable[Ask]) -> Ask | None:
        """What an event names, if its author may act on it."""
        agent = said.get("agent", "")
        return next((ask for ask in among if ask.id == said["claim"] and ask.of(by, agent)), None)

    def is_live(self, name: str) -> bool:
        """Whether it is a session that can hold claims."""
        return name in self.sessions and self.sessions[name].status == "live"

    def tell(self, name: str, kind: str, about: str) -> None:
        """A session of ours gets a notice."""
        if name in self.sessions and self.sessions[name].status != "imported":
            self.sessions[name].notices.append((kind, about))

    # --- events ---

    def hear(self, event: dict[str, Any]) -> None:
        """Apply one event. It may say nothing, or be wrong; then whoever believes in it is told."""
        self.until(to_micros(event["at"]))
        mark, said, name = event.get("imported"), event["event"], f"{event['session']}/{event['n']}"
        by = (mark and mark.get("as")) or event["session"]
        if mark and not self.may_import(by, mark, said):
            return
        self.acts(by, imported=bool(mark))
        kind = said["type"]
        if kind == "claim.requested":
            self.requested(ask_of(name, by, said, bool(mark)), said)
        elif kind in ("claim.accepted", "claim.renewed", "claim.released", "claim.handed_over"):
            self.holder_says(by, name, said)
        elif kind in ("claim.broken", "claim.finished", "claim.bypassed"):
            self.anyone_says(by, name, said)
        elif kind == "message.sent":
            self.sent(by, name, [] if mark else said["to"])
        elif kind in ("message.read", "message.acknowledged"):
            session, ids = self.sessions[by], said["messages"]
            session.unread = [one for one in session.unread if one not in ids]
            session.notices = [one for one in session.notices if one[1] not in ids]
        elif kind == "agent.stopped":
            self.agents_stop(by, {said["agent"]})
        else:
            self.session_says(by, name, said)
        self.serve()

    def may_import(self, by: str, mark: dict[str, Any], said: dict[str, Any]) -> bool:
        """Whether an imported event counts: it acts as none of ours and on nothing of ours, and its file is new."""
        ours = by in self.sessions and self.sessions[by].status != "imported"
        kind_is_right = said["type"] in IMPORTABLE or said["type"] not in KNOWN
        source = (mark["digest"], mark["path"])
        if ours or not kind_is_right or source in self.files:
            return False
        self.files.add(source)
        return True

    def acts(self, by: str, imported: bool) -> None:
        """Rule 9: a session that acts lives again, without its claims. One of ours replaces an imported one."""
        if by in self.sessions and self.sessions[by].status == "imported" and not imported:
            self.ends(by)
            del self.sessions[by]
        if by not in self.sessions:
            self.sessions[by] = Session("imported" if imported else "live")
        elif self.sessions[by].status in ("dead", "continued"):
            self.sessions[by].status = "live"

    def ends(self, name: str) -> None:
        """All that a session holds and waits for ends."""
        self.held = [claim for claim in self.held if claim.session != name]
        self.queue = [wait for wait in self.queue if wait.session != name]
        self.serve()

    def session_says(self, by: str, name: str, said: dict[str, Any]) -> None:
        """A session starts, ends, or saw that another died (rule 9: that counts against its latest anchor)."""
        if said["type"] == "session.started":
            self.started(by, name, said)
        elif said["type"] == "session.ended":
            self.sessions[by].status = "ended"
            self.sessions[by].unread = [one for one in self.sessions[by].unread if one not in self.broadcasts]
            self.ends(by)
        elif said["type"] == "session.presumed_dead":
            gone = said["session"]
            if gone != by and self.is_live(gone) and self.sessions[gone].anchor == said["anchor"]:
                self.sessions[gone].status, self.sessions[gone].died = "dead", self.now
                self.ends(gone)
                self.tell(gone, "presumed_dead", name)

    def started(self, by: str, name: str, said: dict[str, Any]) -> None:
        """In another process, its subagents are gone. One that continues another has its claims and its mail."""
        session = self.sessions[by]
        if session.status == "ended":
            session.status = "live"
        if session.anchor and session.anchor != said.get("anchor"):
            self.agents_stop(by, {ask.agent for ask in [*self.held, *self.queue] if ask.session == by})
        session.anchor = said.get("anchor")
        before, session.continues = session.continues, said.get("continues", "")
        old = self.sessions.get(session.continues)
        if not old or session.continues in (by, before) or "imported" in (old.status, session.status):
            return
        self.queue = [wait for wait in self.queue if wait.session != session.continues]
        self.pass_on([claim for claim in self.held if claim.session == session.continues], by)
        session.unread = list(dict.fromkeys([*old.unread, *session.unread]))
        session.notices = [*old.notices, *session.notices]
        old.unread, old.notices, old.continued_by = [], [], by
        if old.status != "ended":
            old.status = "continued"
            self.tell(session.continues, "passed_on", name)

    def agents_stop(self, by: str, agents: set[str]) -> None:
        """What subagents hold is their session's; what they wait for ends."""
        agents = agents - {""}
        self.queue = [wait for wait in self.queue if wait.session != by or wait.agent not in agents]
        self.pass_on([claim for claim in self.held if claim.session == by and claim.agent in agents], by)

    def pass_on(self, claims: list[Ask], to: str) -> None:
        """Rule 5: the same claims under new tokens."""
        for claim in claims:
            claim.session, claim.agent, claim.accept_by, claim.token = to, "", 0, self.next_token()
        self.serve()

    def requested(self, ask: Ask, said: dict[str, Any]) -> None:
        """Rules 2 and 8: what the requester was told can only veto."""
        told, own = said["told"], self.own_of(ask)
        verdict = self.verdict(ask, said.get("wait_s", 0) > 0)
        if not (self.is_live(ask.session) or ask.imported):
            verdict = "refused"
        if told == "refused":
            return
        if own and verdict == "renewed":
            own.ends, own.accept_by = max(own.ends, self.now + ask.ttl), 0
        elif verdict == "granted":
            self.grant(ask, to_waiter=told == "waiting")
        elif told == "granted":
            self.lost(ask.session, ask.id, ask)
        elif verdict == "waiting":
            ask.ends = self.now + said["wait_s"] * SECOND
            self.queue.append(ask)

    def lost(self, by: str, about: str, ask: Ask) -> None:
        """Rule 8."""
        if not ask.imported:
            self.tell(by, "lost", about)

    def holder_says(self, by: str, name: str, said: dict[str, Any]) -> None:
        """Rules 3, 4 and 5: only the holder's word counts."""
        own, wait = self.own(by, said, self.held), self.own(by, said, self.queue)
        kind = said["type"]
        if kind == "claim.handed_over":
            self.handed_over(by, name, said, own)
        elif own and kind == "claim.released":
            self.held.remove(own)
        elif own:
            own.accept_by = 0
            if kind == "claim.renewed":
                own.ends = max(own.ends, self.now + said["ttl_s"] * SECOND)
        elif kind == "claim.released" and wait:
            self.queue.remove(wait)
        elif kind == "claim.accepted":
            self.accepted_nothing(by, name, said)

    def accepted_nothing(self, by: str, name: str, said: dict[str, Any]) -> None:
        """Rule 8: whoever accepts what it was not granted waits no more, and is told unless another claim covers it."""
        wait = next((wait for wait in self.queue if (wait.id, wait.session) == (said["claim"], by)), None)
        if wait:
            self.queue.remove(wait)
        ask = wait or Ask(said["claim"], by, "", said["resource"], "exclusive", "", False, False, 0)
        if not self.own_of(ask):
            self.lost(by, name, ask)

    def handed_over(self, by: str, name: str, said: dict[str, Any], own: Ask | None) -> None:
        """Rules 5 and 8: a new claim without a gap, with the same end; void if the other is not live or in conflict."""
        to = said["to"]
        new = own and replace(own, id=name, session=to, agent="", accept_by=0)
        if own and new and self.is_live(to) and not any(conflict(new, one) for one in self.held if one is not own):
            self.held.remove(own)
            self.held.append(new)
            new.token = self.next_token()
            self.tell(to, "handed_over", name)
            return
        if own:
            self.tell(by, "not_handed_over", name)
        if to != by:
            self.tell(to, "lost", name)

    def anyone_says(self, by: str, name: str, said: dict[str, Any]) -> None:
        """Rules 3 and 7: another session ends a claim, or changed what is claimed."""
        claim = next((claim for claim in self.held if claim.id == said["claim"]), None)
        kind = said["type"].removeprefix("claim.")
        if not claim or (kind == "finished" and (claim.imported or not claim.automatic)):
            return
        if kind != "bypassed":
            self.held.remove(claim)
        if kind != "finished" and claim.session != by and not claim.imported:
            self.tell(claim.session, kind, name)

    def sent(self, by: str, name: str, to: Any) -> None:
        """A broadcast is for all that live or died within the hour; a name leads to who continues it."""
        if to == "everyone":
            self.broadcasts.add(name)
            lately = {who for who, is_ in self.sessions.items() if is_.status == "dead" and is_.died > self.now - HOUR}
            names = [who for who in self.sessions if who != by and (who in lately or self.is_live(who))]
        else:
            names = [self.current_session(one) for one in to]
        for who in dict.fromkeys(names):
            if who in self.sessions and self.sessions[who].status != "imported":
                self.sessions[who].unread.append(name)

    def current_session(self, name: str) -> str:
        """The live session that a name leads to, or the last one."""
        seen: set[str] = set()
        while name not in seen and name in self.sessions and not self.is_live(name):
            seen.add(name)
            name = self.sessions[name].continued_by or name
        return name
