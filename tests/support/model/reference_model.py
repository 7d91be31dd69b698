"""The reference model of the rules: the state after a history, in slow and simple code.

Nothing here imports `projections` or `coord`. An event is a line of a journal as plain JSON; all times are
microseconds. Lists are always searched from the beginning. `tests.support.model.patterns` decides which paths a pattern
matches.
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
    *("session.started", "session.heartbeat", "session.ended", "session.presumed_dead", "session.presumed_idle"),
    *("agent.started", "agent.stopped", "message.sent", "message.read", "message.acknowledged", "message.resolved"),
    *("claim.requested", "claim.accepted", "claim.renewed", "claim.released", "claim.handed_over"),
    *("claim.broken", "claim.finished", "claim.bypassed"),
}
IMPORTABLE = {"session.started", "session.heartbeat", "claim.requested", "message.sent"}  # and unknown types

# --- claims and requests ----------------------------------------------------------------------------------------------


class Terms(Protocol):
    """The terms of a claim or request."""

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
    """Rule 1: whether two claims conflict."""
    if a.imported != b.imported:
        return False
    if "exclusive" not in (a.mode, b.mode) or not overlap(a.resource, b.resource):
        return False
    if a.session == b.session and (a.agent == b.agent or "" in (a.agent, b.agent)):
        return False
    files = a.resource.startswith("file/") and b.resource.startswith("file/")
    names = {a.worktree, b.worktree} - {""}
    return not (files and len(names) == 2)


def own_covers(own: Terms, ask: Terms) -> bool:
    """Rule 2: whether a claim is the requester's own and includes everything it asks for."""
    if (own.session, own.agent) != (ask.session, ask.agent) or own.worktree not in ("", ask.worktree):
        return False
    if (own.mode == "shared" and ask.mode == "exclusive") or (ask.automatic and not own.automatic):
        return False
    return covers(own.resource, ask.resource)


@dataclass(slots=True)
class Ask:
    """A claim, or a waiting request, whose `ends` is its time limit. Only a claim has a token."""

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
    waiter: bool = False  # whether a waiting request names its process

    def of(self, session: str, agent: str) -> bool:
        """Whether an actor may act on it: a subagent on its own claims, the session on all of its claims."""
        return self.session == session and agent in ("", self.agent)

    @property
    def due(self) -> int:
        """The time at which it ends by itself."""
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
    notices: list[tuple[str, str]] = field(default_factory=list)  # kind, and the id of an event or claim

    def copy(self) -> "Session":
        """An independent copy."""
        return replace(self, unread=list(self.unread), notices=list(self.notices))


# --- the model --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Model:
    """The state after the applied events, at the time `now`."""

    now: int = 0
    token: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    held: list[Ask] = field(default_factory=list)
    queue: list[Ask] = field(default_factory=list)
    broadcasts: set[str] = field(default_factory=set)
    files: set[tuple[str, str]] = field(default_factory=set)  # the files that were imported

    def copy(self) -> "Model":
        """An independent copy."""
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

    def until(self, time: int) -> None:
        """Rules 3 and 4: end what ends by then, waits before claims, and grant waiting requests each time."""
        while due := [end for end in (ask.due for ask in [*self.held, *self.queue]) if end <= time]:
            self.now = min(due)
            self.queue = [wait for wait in self.queue if wait.ends > self.now]
            for claim in [claim for claim in self.held if claim.due <= self.now]:
                self.held.remove(claim)
                if not (claim.accept_by or claim.automatic or claim.imported):
                    self.tell(claim.session, "expired", claim.id)
            self.serve()
        self.now = time

    def serve(self) -> None:
        """Rule 4: each waiting request that no longer conflicts is granted, in order."""
        for wait in list(self.queue):
            if not self.is_blocked(wait):
                self.queue.remove(wait)
                self.grant(wait, to_waiter=True)

    def grant(self, ask: Ask, to_waiter: bool) -> None:
        """Make a request a claim."""
        ask.ends, ask.accept_by = self.now + ask.ttl, self.now + ACCEPT if to_waiter else 0
        ask.token = 0 if ask.imported else self.next_token()
        self.held.append(ask)

    def next_token(self) -> int:
        """Rule 7: tokens increase, and are times where possible."""
        self.token = max(self.now, self.token + 1)
        return self.token

    # --- questions ---

    def is_blocked(self, ask: Ask) -> bool:
        """Rule 2: whether a claim or an earlier waiting request conflicts with this request."""
        ahead = self.queue[: self.queue.index(ask)] if ask in self.queue else self.queue
        return any(conflict(other, ask) for other in [*self.held, *ahead])

    def own_of(self, ask: Ask) -> Ask | None:
        """The claim that this request would renew."""
        return next((own for own in self.held if own_covers(own, ask)), None)

    def verdict(self, ask: Ask, waits: bool) -> str:
        """Rule 2: the outcome of a request."""
        if self.own_of(ask):
            return "renewed"
        return "granted" if not self.is_blocked(ask) else "waiting" if waits else "refused"

    def own(self, by: str, said: dict[str, Any], among: Iterable[Ask]) -> Ask | None:
        """The claim or request that an event names, if its author may act on it."""
        agent = said.get("agent", "")
        return next((ask for ask in among if ask.id == said["claim"] and ask.of(by, agent)), None)

    def is_live(self, name: str) -> bool:
        """Whether this is a live session, which can hold claims."""
        return name in self.sessions and self.sessions[name].status == "live"

    def tell(self, name: str, kind: str, about: str) -> None:
        """Give a notice to a session, unless it was imported."""
        if name in self.sessions and self.sessions[name].status != "imported":
            self.sessions[name].notices.append((kind, about))

    # --- events ---

    def hear(self, event: dict[str, Any]) -> None:
        """Apply one event. It may have no effect; then a session that believes in it is told."""
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
        """Whether an imported event counts: it does not act as a local session, its type can be imported, its file is
        new.
        """
        ours = by in self.sessions and self.sessions[by].status != "imported"
        kind_is_right = said["type"] in IMPORTABLE or said["type"] not in KNOWN
        source = (mark["digest"], mark["path"])
        if ours or not kind_is_right or source in self.files:
            return False
        self.files.add(source)
        return True

    def acts(self, by: str, imported: bool) -> None:
        """Rule 9: a session that acts is live again, without its claims. A local session replaces an imported one."""
        if by in self.sessions and self.sessions[by].status == "imported" and not imported:
            self.ends(by)
            del self.sessions[by]
        if by not in self.sessions:
            self.sessions[by] = Session("imported" if imported else "live")
        elif self.sessions[by].status in ("dead", "continued"):
            self.sessions[by].status = "live"

    def ends(self, name: str) -> None:
        """End all claims and waits of a session."""
        self.held = [claim for claim in self.held if claim.session != name]
        self.queue = [wait for wait in self.queue if wait.session != name]
        self.serve()

    def session_says(self, by: str, name: str, said: dict[str, Any]) -> None:
        """A session starts, ends, or presumes another dead (rule 9: only with its latest anchor)."""
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
        """A session in a new process loses its subagents. One that continues another gets its claims and messages."""
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
        """The claims of stopped subagents pass to their session, and their waits end."""
        agents = agents - {""}
        self.queue = [wait for wait in self.queue if wait.session != by or wait.agent not in agents]
        self.pass_on([claim for claim in self.held if claim.session == by and claim.agent in agents], by)

    def pass_on(self, claims: list[Ask], to: str) -> None:
        """Rule 5: pass claims to a session, with new tokens."""
        for claim in claims:
            claim.session, claim.agent, claim.accept_by, claim.token = to, "", 0, self.next_token()
        self.serve()

    def requested(self, ask: Ask, said: dict[str, Any]) -> None:
        """Rules 2 and 8: a request gets no more than its session was told."""
        told, own = said["told"], self.own_of(ask)
        verdict = self.verdict(ask, said.get("wait_s", 0) > 0)
        if not (self.is_live(ask.session) or ask.imported):
            verdict = "refused"
        if told == "refused":
            return
        if own and verdict == "renewed":
            self.renewed(own, ask.ttl, shorten=bool(said.get("shorten")) and own.resource == ask.resource)
        elif verdict == "granted":
            self.grant(ask, to_waiter=told == "waiting")
        elif told == "granted":
            self.lost(ask.session, ask.id, ask)
        elif verdict == "waiting":
            ask.ends, ask.waiter = self.now + said["wait_s"] * SECOND, bool(said.get("waiter"))
            self.queue.append(ask)

    def renewed(self, own: Ask, ttl: int, *, shorten: bool) -> None:
        """Rule 3: the end moves later; earlier only if that was asked for, and never for an automatic claim."""
        may_shorten = shorten and not own.automatic
        own.ends, own.accept_by = self.now + ttl if may_shorten else max(own.ends, self.now + ttl), 0

    def lost(self, by: str, about: str, ask: Ask) -> None:
        """Rule 8: tell a session that it lost a claim."""
        if not ask.imported:
            self.tell(by, "lost", about)

    def holder_says(self, by: str, name: str, said: dict[str, Any]) -> None:
        """Rules 3, 4 and 5: only the holder can accept, renew, release or hand over."""
        own, wait = self.own(by, said, self.held), self.own(by, said, self.queue)
        kind = said["type"]
        if kind == "claim.handed_over":
            self.handed_over(by, name, said, own)
        elif own and kind == "claim.released":
            self.held.remove(own)
        elif own:
            own.accept_by = 0
            if kind == "claim.renewed":
                self.renewed(own, said["ttl_s"] * SECOND, shorten=bool(said.get("shorten")))
        elif kind == "claim.released" and wait:
            self.queue.remove(wait)
        elif kind == "claim.accepted":
            self.accepted_nothing(by, name, said)

    def accepted_nothing(self, by: str, name: str, said: dict[str, Any]) -> None:
        """Rule 8: accepting without a grant ends the wait, and the session is told unless another claim covers it."""
        wait = next((wait for wait in self.queue if (wait.id, wait.session) == (said["claim"], by)), None)
        if wait:
            self.queue.remove(wait)
        ask = wait or Ask(said["claim"], by, "", said["resource"], "exclusive", "", False, False, 0)
        if not self.own_of(ask):
            self.lost(by, name, ask)

    def handed_over(self, by: str, name: str, said: dict[str, Any], own: Ask | None) -> None:
        """Rules 5 and 8: a new claim without a gap, with the same end; void if the target is not live or conflicts."""
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
        """Rules 3 and 7: another session ends a claim, or bypasses it. Rule 4: it ends a wait whose process is gone."""
        if said["type"] == "claim.broken":
            self.queue = [wait for wait in self.queue if wait.id != said["claim"] or not wait.waiter]
        claim = next((claim for claim in self.held if claim.id == said["claim"]), None)
        kind = said["type"].removeprefix("claim.")
        if not claim or (kind == "finished" and (claim.imported or not claim.automatic)):
            return
        if kind != "bypassed":
            self.held.remove(claim)
        if kind != "finished" and claim.session != by and not claim.imported:
            self.tell(claim.session, kind, name)

    def sent(self, by: str, name: str, to: Any) -> None:
        """A broadcast reaches sessions that are live or died within the hour; other messages follow continuations."""
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
        """The live session that continues this one, or the last one known."""
        seen: set[str] = set()
        while name not in seen and name in self.sessions and not self.is_live(name):
            seen.add(name)
            name = self.sessions[name].continued_by or name
        return name
