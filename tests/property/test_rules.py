"""The rules of claims hold for every history. Each test states its rule in one sentence, and checks it on the intervals
of `tests.support.model.ledger`. Rule 1 is tested in `tests.property.test_conflict`.
"""

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from eventlog.events import (
    NEVER,
    Anchor,
    ClaimAccepted,
    ClaimHandedOver,
    ClaimRequested,
    Event,
    SessionPresumedDead,
    SessionStarted,
    add_time,
    to_micros,
)
from projections.rules import claims, conflicts
from projections.rules.claims import is_token_valid
from projections.rules.cycles import wait_cycles
from projections.rules.fold import fold
from projections.rules.liveness import ObserverHost, ProcessStatus, death_evidence
from projections.rules.state import Decision, State
from tests.support.histories import Story, histories, judged
from tests.support.model.ledger import Ledger, ledger
from tests.support.model.reference_model import conflict


def ledger_of(events: list[Event]) -> Ledger:
    return ledger(events, judged(events)[1])


# --- rules 2 and 3 ----------------------------------------------------------------------------------------------------


@given(histories())
def test_rule_2_no_two_conflicting_claims_are_active_together(events: list[Event]) -> None:
    """A request is granted only if no active claim conflicts."""
    for a, b in combinations(ledger_of(events).grants, 2):
        if a.start < b.end and b.start < a.end and a.start < a.end and b.start < b.end:
            assert not conflict(a, b), (a, b)


@given(histories())
def test_rule_2_a_refused_or_waiting_request_is_blocked(events: list[Event]) -> None:
    """A request of a live session, not told refused, is granted if no active claim or earlier waiting request
    conflicts. Otherwise it waits if it has a time limit for waiting, and is refused if not.
    """
    state, decisions = State(), list[Decision]()
    for event in events:
        fold(state, [event], decisions.append)
        request = event.payload
        if not isinstance(request, ClaimRequested) or request.told == "refused":
            continue
        verdicts = [said for said in decisions if said.claim == said.cause == event.id and said.rule in (2, 4)]
        outcome = verdicts[0].what if verdicts else ""
        assert outcome in ("granted", "renewed", "waiting", "refused")
        if outcome in ("waiting", "refused") and state.sessions[event.actor].live:
            assert verdicts[0].others, "the blocking claims are named"
            assert (outcome == "waiting") == (request.wait_s > 0 and request.told == "waiting")


@given(histories())
def test_rule_2_a_request_told_refused_is_never_granted(events: list[Event]) -> None:
    """A request told `refused` is never granted later, by any merge."""
    _, decisions = judged(events)
    refused = {e.id for e in events if isinstance(e.payload, ClaimRequested) and e.payload.told == "refused"}
    assert not refused & {said.claim for said in decisions if said.what in ("granted", "waiting", "renewed")}


@given(histories())
def test_rule_3_a_claim_lasts_up_to_and_not_including_its_end(events: list[Event]) -> None:
    """A claim is active from its grant up to, not including, its end, which renewing only moves later."""
    state, decisions = judged(events)
    book = ledger(events, decisions)
    for grant in book.grants:
        if grant.how == "expired":
            assert grant.end == grant.limit
        elif grant.how != "lapsed":
            assert min(grant.end, state.at) < grant.limit, "it should have expired earlier"
    active = book.active()
    assert active.keys() == state.claims.keys()
    for name, claim in state.claims.items():
        span = active[name]
        assert (claim.session, claim.granted_at, claim.expires_at) == (span.session, span.start, span.limit)


@given(histories())
def test_rule_3_only_the_holder_changes_a_claim(events: list[Event]) -> None:
    """Only the current holder can renew, release or hand over a claim."""
    _, decisions = judged(events)
    by_id = {event.id: event for event in events}
    holders: dict[str, str] = {}
    for said in decisions:
        if said.what in ("granted", "waiting"):
            holders[said.claim] = said.session
        elif said.what in ("released", "renewed", "handed_over", "accepted") and said.cause:
            covered = said.others and said.what in ("renewed", "accepted")  # by a claim that the session has
            claim = said.others[0] if covered else said.claim
            assert holders[claim] == by_id[said.cause].actor


# --- rule 4 -----------------------------------------------------------------------------------------------------------


@given(histories())
def test_rule_4_every_waiting_request_is_blocked(events: list[Event]) -> None:
    """At every instant, each waiting request conflicts with an active claim or an earlier waiting request."""
    book = ledger_of(events)
    last = events[-1].at
    for wait in book.waits:
        for instant in book.instants():
            if wait.at(instant) and instant <= last:
                ahead = [other for other in book.waits if other.order < wait.order]
                assert any(other.at(instant) and conflict(other, wait) for other in (*book.grants, *ahead))


@given(histories())
def test_rule_4_waits_end_in_time_and_keep_their_order(events: list[Event]) -> None:
    """A wait ends when granted, at its limit (half-open), when withdrawn or with its session; no waiter overtakes an
    earlier one that it conflicts with.
    """
    state, decisions = judged(events)
    book = ledger(events, decisions)
    for wait in book.waits:
        assert wait.end == wait.limit if wait.how == "timed_out" else min(wait.end, state.at) < wait.limit
        if wait.how == "granted":
            for ahead in book.waits:
                assert not (ahead.order < wait.order and ahead.at(wait.end) and conflict(ahead, wait))
    order = [event.id for event in events]
    waiting = list(state.waits)
    assert waiting == sorted(waiting, key=order.index)
    assert set(waiting) == {wait.id for wait in book.waits if wait.end == NEVER}


@given(histories())
def test_rule_4_a_grant_to_a_waiter_lapses_unless_accepted(events: list[Event]) -> None:
    """A grant to a waiter lapses 60 seconds later unless accepted."""
    book = ledger_of(events)
    for grant in book.grants:
        if grant.how == "lapsed":
            assert grant.to_accept
            assert grant.end == add_time(grant.start, 60)
        elif grant.to_accept:
            assert min(grant.end, events[-1].at) < add_time(grant.start, 60)


# --- rule 5 -----------------------------------------------------------------------------------------------------------


@given(histories())
def test_rule_5_handing_over_leaves_no_gap_and_keeps_the_end(events: list[Event]) -> None:
    """Handing over is a grant without a gap, to the named session, with the same end and a new token; void if that
    session is not live at that time.
    """
    state, decisions = State(), list[Decision]()
    for event in events:
        payload = event.payload
        if not isinstance(payload, ClaimHandedOver):
            fold(state, [event], decisions.append)
            continue
        fold(state, [], decisions.append)
        claims.advance_time(state, event.at, decisions.append)
        given, target = state.claims.get(payload.claim), state.sessions.get(payload.to)
        live = target is not None and (target.live or (target.id == event.session and target.status != "ended"))
        before = len(decisions)
        fold(state, [event], decisions.append)
        said = [d.what for d in decisions[before:] if d.rule == 5]
        if given is None or given.session != event.session:
            assert said == []
            continue
        if not live:
            assert said == ["void"]
        if said == ["void"]:
            assert payload.claim in state.claims
            continue
        assert said == ["handed_over", "granted"], "in this order, and before any waiter"
        new = state.claims[event.id]
        assert payload.claim not in state.claims
        assert (new.session, new.granted_at, new.expires_at) == (payload.to, event.at, given.expires_at)
        assert new.token > given.token


# --- rule 6 -----------------------------------------------------------------------------------------------------------


@st.composite
def queues(draw: st.DrawFn) -> list[Event]:
    """Sessions that each hold a resource and wait for resources of others."""
    count = draw(st.integers(2, 5))
    names = [f"s{number}" for number in range(count)]
    story = Story(*names)
    for number, name in enumerate(names):
        story.asks(1 + number, name, f"port/{number}")
    for step in range(draw(st.integers(1, 8))):
        name, wanted = draw(st.sampled_from(names)), draw(st.integers(0, count - 1))
        story.asks(10 + step, name, f"port/{wanted}", "waiting", wait_s=300)
    return story.history()


@given(st.one_of(queues(), histories()))
def test_rule_6_every_session_in_a_circle_is_shown_one(events: list[Event]) -> None:
    """A circle of sessions that wait for each other is shown to every session in it."""
    state = fold(State(), events)
    waits = list(state.waits.values())
    edges: set[tuple[str, str]] = set()
    for number, wait in enumerate(waits):
        for other in [*state.claims.values(), *waits[:number]]:
            if other.session != wait.session and conflicts.conflict(other, wait):
                edges.add((wait.session, other.session))
    reach = set(edges)
    while more := {(a, d) for a, b in reach for c, d in edges if b == c} - reach:
        reach |= more
    found = wait_cycles(state)
    for circle in found:
        assert len(set(circle)) == len(circle) > 1
        assert all(step in edges for step in zip(circle, (*circle[1:], circle[0]), strict=True))
    assert {name for circle in found for name in circle} == {a for a, b in reach if a == b}


# --- rule 7 -----------------------------------------------------------------------------------------------------------


@given(histories())
def test_rule_7_tokens_increase_and_old_ones_are_invalid(events: list[Event]) -> None:
    """A grant's token is its instant, and larger than that of any grant before it; only the token of a claim that is
    still active, under its current holder, is valid. An imported claim has no token.
    """
    state, decisions, tokens = State(), list[Decision](), list[int]()

    def record(said: Decision) -> None:
        decisions.append(said)
        if said.what == "granted" and not state.claims[said.claim].imported:
            tokens.append(state.claims[said.claim].token)

    fold(state, events, record)
    grants = [grant for grant in ledger(events, decisions).grants if not grant.imported]
    assert tokens == sorted(set(tokens)), "tokens increase, also for grants at the same time"
    for number, (grant, token) in enumerate(zip(grants, tokens, strict=True)):
        before = tokens[number - 1] if number else 0
        assert token == max(to_micros(grant.start), before + 1)
        assert is_token_valid(state, grant.id, token) == (grant.end == NEVER)
        assert not is_token_valid(state, grant.id, token - 1)


def test_rule_7_a_claim_passed_on_at_its_grant_gets_a_new_token() -> None:
    """A grant's token is larger than that of the grant before it, also at the same time."""
    story = Story("amber", "brown", "coral")
    held = story.asks(1, "amber", "port/1", ttl_s=60)
    wait = story.asks(2, "brown", "port/1", "waiting", wait_s=300)
    assert held.id in story.state(60).claims
    before = story.state(61).claims[wait.id].token
    story.continues(61, "coral", "brown")  # at the same time at which its wait is granted
    assert story.state().claims[wait.id].session == "coral"
    assert story.state().claims[wait.id].token > before
    assert not is_token_valid(story.state(), wait.id, before)


# --- rule 8 -----------------------------------------------------------------------------------------------------------


@given(histories())
def test_rule_8_a_session_that_lost_a_claim_gets_a_notice(events: list[Event]) -> None:
    """A claim whose requester was told granted, or accepted it, but which the history does not grant, is lost: its
    session gets a notice that names the event. No other session and no imported session gets one.
    """
    state, decisions = State(), list[Decision]()
    for event in events:
        fold(state, [event], decisions.append)
        payload = event.payload
        believed = isinstance(payload, ClaimAccepted) or (
            isinstance(payload, ClaimRequested) and payload.told == "granted"
        )
        granted = any(
            said.claim == event.id if said.what in ("granted", "renewed") else said.cause == event.id
            for said in decisions
            if said.what in ("granted", "renewed", "accepted")
        )
        session = state.sessions.get(event.actor)  # None if an import has brought the file before
        notices = [notice for notice in session.notices if notice.id == event.id] if session else []
        lost = [notice for notice in notices if notice.kind == "lost"]
        if isinstance(payload, ClaimHandedOver):
            continue  # the next test is about handovers
        assert len(lost) == (believed and not granted and not event.imported)
        assert all(notice.reason and notice.resources == (payload.resource,) for notice in lost)  # type: ignore[union-attr]


@st.composite
def provisional_requests(draw: st.DrawFn, events: list[Event]) -> list[Event]:
    """The events of a session that claims resources of a history without the other machines, at any time."""
    resources = sorted({e.payload.resource for e in events if isinstance(e.payload, ClaimRequested)}) or ["deploy/x"]
    steps = draw(st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(resources), st.booleans()), max_size=6))
    taken = {event.at for event in events}
    found = [Event(v=1, at="2000-01-01T00:00:00.000000Z", session="far", n=1, payload=SessionStarted(machine="far"))]
    for micros, resource, waits in sorted(steps):
        at = add_time(events[0].at, micros=micros)
        if at in taken or at <= found[-1].at:
            continue
        request = ClaimRequested(
            resource=resource,
            mode="exclusive",
            ttl_s=3600,
            wait_s=600 if waits else 0,
            told="waiting" if waits else "granted",
            provisional=True,
        )
        found.append(Event(v=1, at=at, session="far", n=len(found) + 1, payload=request))
    return found


@given(st.data(), histories())
def test_rule_8_provisional_requests_take_nothing_agreed(data: st.DataObject, events: list[Event]) -> None:
    """Whenever the requests of a machine that was offline arrive, the claims that the others agreed on are the same."""
    more = data.draw(provisional_requests(events))
    mixed = sorted([*events, *more], key=lambda event: event.key)

    def agreed(found: Ledger) -> list[tuple[str, str, str, str]]:
        return [(one.id, one.session, one.start, one.end) for one in found.grants if one.session != "far"]

    assert agreed(ledger_of(mixed)) == agreed(ledger_of(events))


@given(histories())
def test_rule_8_the_target_of_a_void_handover_gets_a_notice(events: list[Event]) -> None:
    """A session that a handover names gets the claim, or a notice that it did not."""
    state = State()
    for event in events:
        fold(state, [event])
        payload = event.payload
        if isinstance(payload, ClaimHandedOver) and payload.to in state.sessions and payload.to != event.session:
            holds = event.id in state.claims and state.claims[event.id].session == payload.to
            told = [notice.kind for notice in state.sessions[payload.to].notices if notice.id == event.id]
            assert told == (["handed_over"] if holds else ["lost"])


# --- rule 9 -----------------------------------------------------------------------------------------------------------


def test_rule_9_when_an_anchor_counts_as_gone() -> None:
    """An anchor is gone if, on the same machine, boot and pid namespace, its pid is free, a zombie or another
    process, or if the same machine has booted again. In any other case its state is unknown, which is not dead.
    """
    here = ObserverHost("m1", "b1", "n1")
    looks: tuple[ProcessStatus, ...] = ("free", "zombie", "unknown", 100, 101)
    for machine, boot, namespace, seen in product(("m1", "m2", ""), ("b1", "b2", ""), ("n1", "n2", ""), looks):
        its = Anchor(machine=machine, boot=boot, pid=7, start_ticks=100, pid_namespace=namespace)
        same_place = (machine, boot, namespace) == ("m1", "b1", "n1")
        dead = (same_place and seen in ("free", "zombie", 101)) or (machine == "m1" and boot == "b2")
        assert bool(death_evidence(its, here, lambda pid, seen=seen: seen if pid == 7 else "unknown")) == dead  # type: ignore[misc]
    assert not death_evidence(None, here, lambda pid: "free")
    nameless = Anchor(machine="", boot="b2", pid=7, start_ticks=100)
    assert not death_evidence(nameless, ObserverHost("", "b1", ""), lambda pid: "free")


@given(histories())
def test_rule_9_presumed_dead_applies_to_the_latest_anchor(events: list[Event]) -> None:
    """`session.presumed_dead` counts only for the latest anchor of a live session other than the observer. It ends the
    session's claims. The session's next event makes it live again, without its claims and with a notice.
    """
    state = State()
    anchors: dict[str, Anchor | None] = {}
    for event in events:
        payload = event.payload
        observed = payload.session if isinstance(payload, SessionPresumedDead) else ""
        was_live = observed in state.sessions and state.sessions[observed].live
        by_before = state.sessions[event.session].status if event.session in state.sessions else ""
        fold(state, [event])
        if isinstance(payload, SessionStarted):
            anchors[event.session] = payload.anchor
        elif isinstance(payload, SessionPresumedDead) and was_live and observed != event.session:
            died = anchors.get(observed) == payload.anchor
            session = state.sessions[observed]
            assert (session.status == "dead") == died
            assert died == any(n.kind == "presumed_dead" and n.id == event.id for n in session.notices)
        elif observed and observed != event.session and observed in state.sessions:
            assert not state.sessions[observed].live
        if by_before == "dead" and state.sessions[event.session].live:
            mine = [claim.id for claim in state.claims.values() if claim.session == event.session]
            assert set(mine) <= {event.id, *(state.claims if _continues(payload) else ())}
    for session in state.sessions.values():
        if not session.live and session.status != "imported":
            held = (*state.claims.values(), *state.waits.values())
            assert not [ask.id for ask in held if ask.session == session.id]


def _continues(payload: object) -> bool:
    return isinstance(payload, SessionStarted) and bool(payload.continues)
