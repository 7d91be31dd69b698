"""The index of active claims and waiting requests changes no answer: `Scans` looks at all of them instead,
and states the rules in that way.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import NEVER, Event, EventId, Instant
from projections.rules import claims
from projections.rules.claim_index import ClaimIndex, RequestIndex
from projections.rules.cycles import wait_cycles
from projections.rules.fold import fold
from projections.rules.resources import covers, overlap
from projections.rules.state import Claim, ClaimRequest, Decision, State, WaitingRequest
from tests.property.test_conflict import names
from tests.support.histories import RESOURCES, SESSIONS, Story, histories
from tests.support.journals import at
from tests.support.state_bytes import image, saved_and_loaded


class Scan:
    """The claims or the waiting requests of a state, without an index."""

    def __init__(self, requests: dict[EventId, Any]) -> None:
        self.requests = requests

    def near(self, resource: str) -> list[Any]:
        return list(self.requests.values())

    def of_session(self, session: str) -> list[Any]:
        return [request for request in self.requests.values() if request.session == session]

    def in_order(self, requests: Iterable[Any]) -> list[Any]:
        ids = {request.id for request in requests}
        return [request for request in self.requests.values() if request.id in ids]

    def number_of(self, name: EventId) -> int:
        return list(self.requests).index(name) if name in self.requests else len(self.requests)

    def next_end(self) -> Instant:
        return min((request.ends_at for request in self.requests.values()), default=NEVER)

    def take_ended(self, now: Instant) -> list[Any]:
        return [request for request in self.requests.values() if request.ends_at <= now]

    def add(self, request: Any) -> None:
        self.requests[request.id] = request

    def remove(self, request: Any) -> None:
        del self.requests[request.id]

    def change_session(self, request: Any, session: str) -> None:
        request.session = session

    def update_end(self, request: Any) -> None:
        pass


class Scans(ClaimIndex):
    """All waiting requests are decided again after each change."""

    def __init__(self, state: State) -> None:
        super().__init__(State())
        self.claims: Any = Scan(state.claims)
        self.waits: Any = Scan(state.waits)

    def take_unblocked(self) -> list[WaitingRequest]:
        return list(self.waits.requests.values())


def scanned(state: State) -> State:
    """The state, from now on without an index."""
    vars(state)["_index"] = Scans(state)
    return state


@given(st.data())
def test_the_index_does_not_change_the_fold(data: st.DataObject) -> None:
    """Each decision is the same, also if the index is built in the middle of the history."""
    events = data.draw(histories())
    cut = data.draw(st.integers(0, len(events)))
    expected: list[Decision] = []
    state = fold(scanned(State()), events, expected.append)
    said: list[Decision] = []
    indexed = fold(State(), events[:cut], said.append)
    if data.draw(st.booleans()):
        indexed = saved_and_loaded(indexed)
    assert image(fold(indexed, events[cut:], said.append)) == image(state)
    assert said == expected
    assert isinstance(claims.index_of(state), Scans)


@given(histories())
def test_the_index_answers_like_a_scan_after_each_event(events: list[Event]) -> None:
    """This holds for the obstacles of each request and for the claim that covers it, and for circles."""
    state = State()
    for event in events:
        fold(state, [event])
        plain = scanned(saved_and_loaded(state))
        assert image(plain) == image(state)
        assert wait_cycles(state) == wait_cycles(plain)
        for request in (*state.waits.values(), *(ask(by, what) for by in SESSIONS[:2] for what in RESOURCES)):
            assert claims.find_obstacles(state, request) == claims.find_obstacles(plain, request)
            assert claims.decide_request(state, request, 60) == claims.decide_request(plain, request, 60)
        index, scans = claims.index_of(state), claims.index_of(plain)
        for by in SESSIONS:
            assert index.claims.of_session(by) == scans.claims.of_session(by)
            assert index.waits.of_session(by) == scans.waits.of_session(by)
        assert index.next_end() == scans.next_end()


def ask(by: str, resource: str, name: str = "x/1") -> ClaimRequest:
    return ClaimRequest(
        id=name, session=by, agent="", resource=resource, mode="exclusive", worktree="", ttl_s=60, automatic=False,
        note="", asked_at="",
    )  # fmt: skip


def claim(number: int, resource: str, by: str = "x", end: float = 60) -> Claim:
    fields = claims.request_fields(ask(by, resource, f"x/{number}"))
    return Claim(**fields, granted_at=at(0), expires_at=at(end), token=number)


@given(st.data())
def test_the_index_finds_all_that_overlaps_or_covers(data: st.DataObject) -> None:
    """Claims on any resources are added, replaced, renewed, passed on and removed, in any order."""
    index, expected = RequestIndex[Claim]({}), dict[EventId, Claim]()
    resources = data.draw(st.lists(st.one_of(names, st.sampled_from(RESOURCES)), min_size=3, max_size=8))
    steps = st.tuples(st.integers(1, 9), st.sampled_from(resources), st.sampled_from("xyz"), st.sampled_from((10, 20)))
    for number, resource, by, end in data.draw(st.lists(steps, min_size=1, max_size=20)):
        old = expected.get(f"x/{number}")
        act = data.draw(st.sampled_from(("add", "remove", "renew", "pass"))) if old else "add"
        if act == "add":
            expected[f"x/{number}"] = new = claim(number, resource, by, end)
            index.add(new)
        elif old and act == "remove":
            del expected[old.id]
            index.remove(old)
        elif old and act == "renew":
            old.expires_at = at(end)
            index.update_end(old)
        elif old and act == "pass":
            index.change_session(old, by)
        check_index(index, expected, resources)
    assert index.take_ended(at(15)) == [each for each in expected.values() if each.ends_at <= at(15)]


def check_index(index: RequestIndex[Claim], expected: dict[EventId, Claim], resources: list[str]) -> None:
    """Check that the index finds what a scan of the expected claims finds."""
    assert list(index.requests.items()) == list(expected.items())
    for resource in resources:
        near = index.in_order(index.near(resource))
        assert [each for each in near if overlap(each.resource, resource)] == [
            each for each in expected.values() if overlap(each.resource, resource)
        ]
        assert {each.id for each in expected.values() if covers(each.resource, resource)} <= {each.id for each in near}
    for by in "xyz":
        assert index.of_session(by) == [each for each in expected.values() if each.session == by]
    assert index.next_end() == min((each.ends_at for each in expected.values()), default=NEVER)
    assert sorted(expected, key=index.number_of) == list(expected)
    assert all(index.number_of(name) < index.number_of("x/99") for name in expected)


@pytest.mark.parametrize(
    ("resource", "near"),
    [
        ("file/src/part_7.py", ["file/src/part_7.py", "file/src/*.py"]),
        ("file/src/*.py", ["file/src/part_7.py", "file/src/*.py"]),
        ("port/7", ["port/7"]),
    ],
    ids=["path", "pattern", "port"],
)
def test_the_index_finds_few_of_many_claims(resource: str, near: list[str]) -> None:
    """What it finds does not increase with the number of claims on other resources."""
    many = range(100, 1000)
    held = [*(f"file/lib_{i}/part_{i}.py" for i in many), *(f"file/area_{i}/**/*.py" for i in many)]
    held += [*(f"file/**/made_{i}.json" for i in many), *(f"port/{i}" for i in many)]
    held += ["file/src/part_7.py", "file/src/*.py", "port/7"]
    index = RequestIndex({f"x/{number}": claim(number, name) for number, name in enumerate(held)})
    assert [each.resource for each in index.in_order(index.near(resource))] == near


def test_an_outdated_end_is_skipped_and_removed() -> None:
    """A claim that is renewed very often does not make the index grow without limit."""
    held = claim(1, "port/1")
    index = RequestIndex({held.id: held})
    for second in range(1000):
        held.expires_at = at(100 + second)
        index.update_end(held)
        assert index.next_end() == held.expires_at
    assert len(index._ends) < 100
    assert index.take_ended(at(2000)) == [held]


def test_a_claim_that_passes_on_unblocks_a_request() -> None:
    """A session continues the one that it waits for."""
    story = Story("amber", "brown")
    held = story.asks(1, "amber", "port/1")
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    story.continues(3, "brown", "amber")
    state = story.state()
    assert ([*state.claims], state.waits) == ([held.id, wait.id], {})


def test_a_state_with_other_claims_has_another_index() -> None:
    held = claim(1, "port/1")
    state = State(claims={held.id: held})
    assert claims.find_obstacles(state, ask("y", "port/1")) == [held]
    state.claims = {}
    assert claims.find_obstacles(state, ask("y", "port/1")) == []
