"""A second judge, which looks at every second in turn, agrees on who holds what and who waits.

It keeps rules 2, 3 and 4 for plain histories only: exclusive claims of named resources, no subagents, no handing over.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import ClaimAccepted, ClaimReleased, ClaimRenewed, ClaimRequested, Event, SessionStarted, Told
from tests.histories import Story, seconds

SESSIONS = ("amber", "brown", "coral")
RESOURCES = ("port/1", "port/2")
TOLD: tuple[Told, ...] = ("waiting", "waiting", "granted", "refused")
STEPS_S = (1, 1, 29, 30, 59, 60)


@dataclass
class Lease:
    id: str
    session: str
    ttl_s: int
    ends: int
    accept_by: int | None = None


@dataclass
class Judge:
    """For each resource its holder and its queue. Time is whole seconds, and each is looked at."""

    now: int = 0
    held: dict[str, Lease] = field(default_factory=dict)
    queue: dict[str, list[Lease]] = field(default_factory=dict)

    def until(self, second: int) -> None:
        while self.now < second:
            self.now += 1
            for resource in RESOURCES:
                self.queue[resource] = [w for w in self.queue.get(resource, []) if w.ends > self.now]
                lease = self.held.get(resource)
                if lease and (lease.ends <= self.now or (lease.accept_by or self.now + 1) <= self.now):
                    del self.held[resource]
            self.serve()

    def serve(self) -> None:
        for resource in RESOURCES:
            if resource not in self.held and self.queue.get(resource):
                first = self.queue[resource].pop(0)
                first.ends, first.accept_by = self.now + first.ttl_s, self.now + 60
                self.held[resource] = first

    def hear(self, event: Event) -> None:
        said = event.payload
        if isinstance(said, ClaimRequested):
            self.ask(event, said)
        elif isinstance(said, (ClaimAccepted, ClaimRenewed, ClaimReleased)):
            for resource in RESOURCES:
                lease = self.held.get(resource)
                if lease and lease.id == said.claim and lease.session == event.session:
                    self.holder_says(resource, lease, said)
                if not isinstance(said, ClaimRenewed):  # who withdraws, or accepts too early, waits no longer
                    waiting = self.queue.get(resource, [])
                    self.queue[resource] = [w for w in waiting if (w.id, w.session) != (said.claim, event.session)]
        self.serve()

    def holder_says(self, resource: str, lease: Lease, said: ClaimAccepted | ClaimRenewed | ClaimReleased) -> None:
        if isinstance(said, ClaimReleased):
            del self.held[resource]
            return
        lease.accept_by = None
        if isinstance(said, ClaimRenewed):
            lease.ends = max(lease.ends, self.now + said.ttl_s)

    def ask(self, event: Event, said: ClaimRequested) -> None:
        lease, queue = self.held.get(said.resource), self.queue.setdefault(said.resource, [])
        if said.told == "refused":
            return
        if lease and lease.session == event.session:
            lease.ends, lease.accept_by = max(lease.ends, self.now + said.ttl_s), None
        elif not lease and not [w for w in queue if w.session != event.session]:
            accept_by = self.now + 60 if said.told == "waiting" else None
            self.held[said.resource] = Lease(event.id, event.session, said.ttl_s, self.now + said.ttl_s, accept_by)
        elif said.told == "waiting" and said.wait_s:
            queue.append(Lease(event.id, event.session, said.ttl_s, self.now + said.wait_s))


@st.composite
def plain_histories(draw: st.DrawFn) -> list[Event]:
    story, second = Story(*SESSIONS), 0
    asked: list[Event] = []
    for _ in range(draw(st.integers(1, 25))):
        second += draw(st.sampled_from(STEPS_S))
        by = draw(st.sampled_from(SESSIONS))
        mine = [event for event in asked if event.session == by] or asked
        kind = draw(st.sampled_from(("ask", "ask", "ask", "renew", "release", "accept", "accept")))
        if kind == "ask" or not mine:
            fields: dict[str, Any] = {"ttl_s": draw(st.sampled_from((60, 90, 120))), "wait_s": 60}
            told: Told = draw(st.sampled_from(TOLD))
            asked.append(story.asks(second, by, draw(st.sampled_from(RESOURCES)), told, **fields))
        else:
            does = {"renew": story.renews, "release": story.releases, "accept": story.accepts}[kind]
            does(second, by, draw(st.sampled_from(mine)))
    return story.history()


@given(plain_histories())
def test_rules_2_3_and_4_a_second_judge_agrees_on_holders_and_queues(events: list[Event]) -> None:
    """Granted if nothing is in the way, held up to the end, waited for in order, lapsed unless accepted."""
    judge, story = Judge(), Story()
    for event in events:
        if not isinstance(event.payload, SessionStarted):
            judge.until(round(seconds(event.at)))
            judge.hear(event)
        story.events.append(event)
        state = story.state(seconds(event.at))
        holders = {claim.resource: (claim.id, round(seconds(claim.expires_at))) for claim in state.claims.values()}
        assert holders == {resource: (lease.id, lease.ends) for resource, lease in judge.held.items()}
        waiting = [(wait.resource, wait.id) for wait in state.waits.values()]
        for resource in RESOURCES:
            queue = [wait.id for wait in judge.queue.get(resource, [])]
            assert [name for found, name in waiting if found == resource] == queue
