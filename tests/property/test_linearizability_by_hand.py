"""The linearizability check of attack 12, on histories written by hand (promise 3).

Histories are written in seconds of one correct clock, and an operation runs from its first time to its second.
`tests.property.test_linearizability` generates such histories.
"""

from dataclasses import replace

import pytest

from tests.support.model.leases import Mortal
from tests.support.model.linearizability import SECOND, Answer, Op, Seen
from tests.support.model.one_process import judged

A, B, C = "amber-otter", "brown-hare", "coral-swift"
X, DEPLOY = "file/a/b", "deploy/x"


def op(session: str, what: str, start: float, end: float, answer: Answer | None, **more: object) -> Op:
    """An operation, on `file/a/b` unless another resource is given."""
    clock = (round(start * SECOND), round(end * SECOND))
    times = (clock[0] * 1000, clock[1] * 1000, *clock)
    fields = {"resource": X} | more
    return Op(session, what, fields.pop("resource"), *times, answer, **fields)  # type: ignore[arg-type]


def granted(at: float, token: int = 0, ttl: int = 60, name: str = "a/1", **more: object) -> Answer:
    granted_at = round(at * SECOND)
    return replace(Answer("granted", (name,), granted_at, granted_at + ttl * SECOND, token or granted_at), **more)  # type: ignore[arg-type]


def until(answer: Answer, second: float, said: str = "done") -> Answer:
    return replace(answer, said=said, at=0, until=round(second * SECOND))


def seen(session: str, second: float, name: str = "a/1", *, waits: bool = False) -> Seen:
    return Seen(name, session, X, round(second * SECOND), waits)


def refused(at: float, *by: Seen) -> Answer:
    return Answer("refused", ("z/9",), round(at * SECOND), seen=by)


def row(session: str, start: float, end: float, name: str = "a/1") -> Seen:
    return Seen(name, session, X, round(end * SECOND), mode="exclusive", token=round(start * SECOND))


def listed(*rows: Seen) -> Answer:
    return Answer("done", seen=rows)


REFUSED = Answer("refused")
RELEASED = Answer("done", ("a/1",))
AMBER = op(A, "claim", 1, 2, granted(1.5))  # until 61.5
LONG = op(A, "claim", 1, 2, granted(1.5, ttl=600), ttl=600 * SECOND)
BOTH = [
    op(A, "claim", 1, 2, granted(1.5), mode="shared"),
    op(A, "claim", 3, 4, granted(3.5, name="a/2")),
    op(A, "release", 5, 9, Answer("done", ("a/1", "a/2"))),
]
WAITED = granted(20, name="b/1", seen=(seen(A, 61.5),))

RIGHT: dict[str, list[Op]] = {
    "nothing": [],
    "one after the other": [AMBER, op(B, "claim", 3, 4, refused(3.5, seen(A, 61.5)))],
    "the later call is granted first": [
        op(B, "claim", 1, 5, refused(4, seen(A, 62))),
        op(A, "claim", 2, 5, granted(2)),
    ],
    "shared": [
        op(A, "claim", 1, 2, granted(1.5), mode="shared"),
        op(B, "claim", 1, 2, granted(1.6), mode="shared"),
    ],
    "it has expired": [AMBER, op(B, "claim", 61, 63, granted(61.5))],
    "it expires while others list claims": [
        AMBER,
        op(B, "claims", 61, 63, listed()),
        op(C, "claims", 61, 63, listed(row(A, 1.5, 61.5))),
    ],
    "renewed, and so refused": [
        AMBER,
        op(A, "renew", 50, 52, until(AMBER.answer or REFUSED, 111)),
        op(B, "claim", 62, 63, refused(62.5, seen(A, 111))),
    ],
    "a renewal that shortens": [LONG, op(A, "renew", 62, 63, until(LONG.answer or REFUSED, 122.5))],
    "a renewal whose process was killed before its answer": [
        AMBER,
        op(A, "renew", 50, 52, None),
        op(B, "claim", 62, 63, refused(62.5, seen(A, 111))),
    ],
    "a renewal that was never made": [AMBER, op(A, "renew", 50, 52, None), op(B, "claim", 62, 63, granted(62.5))],
    "a claim of a killed process blocks": [
        op(A, "claim", 1, 2, None),
        op(B, "claim", 3, 4, refused(3.5, seen(A, 61.3))),
    ],
    "released while another asks": [
        AMBER,
        op(A, "release", 3, 5, RELEASED),
        op(B, "claim", 3, 4, granted(3.5)),
    ],
    "a waiter is granted the claim that is released": [
        LONG,
        op(
            B,
            "claim",
            3,
            30,
            granted(20, name="b/1", until=79 * SECOND, token=19 * SECOND, seen=(seen(A, 601.5),)),
            wait=99 * SECOND,
        ),
        op(A, "release", 18, 21, RELEASED),
    ],
    "a wait times out": [
        LONG,
        op(B, "claim", 3, 15, Answer("timed_out", ("b/1",), 14 * SECOND, seen=(seen(A, 601.5),)), wait=10 * SECOND),
    ],
    "a grant to a waiter lapses": [
        AMBER,
        op(B, "claim", 3, 150, Answer("timed_out", ("b/1",), 140 * SECOND, seen=(seen(A, 61.5),)), wait=99 * SECOND),
        op(C, "claim", 130, 131, granted(130, name="c/1")),
    ],
    "a list while two claims are released": [
        *BOTH,
        op(B, "claims", 6, 7, listed(row(A, 3.5, 63.5, "a/2"))),
        op(B, "claims", 8, 8.5, listed()),
    ],
    "handed over": [
        AMBER,
        op(A, "handoff", 3, 4, Answer("done", ("a/2",)), to=B),
        op(B, "release", 5, 6, Answer("done", ("a/2",))),
    ],
    "broken": [AMBER, op(B, "break", 3, 4, Answer("done", (A,))), op(A, "release", 5, 6, REFUSED)],
    "a folder and a file elsewhere": [
        op(A, "claim", 1, 2, granted(1.5), resource="file/a/"),
        op(B, "claim", 1, 2, granted(1.5), resource="file/b"),
    ],
}

WRONG: dict[str, list[Op]] = {
    "two holders": [AMBER, op(B, "claim", 1, 2, granted(1.6))],
    "two holders, one by the folder": [
        op(A, "claim", 1, 2, granted(1.5), resource="file/a/"),
        op(B, "claim", 1, 2, granted(1.6)),
    ],
    "an exclusive and a shared claim": [AMBER, op(B, "claim", 1, 2, granted(1.6), mode="shared")],
    "refused because of a later claim": [
        op(A, "claim", 3, 4, granted(3.5)),
        op(B, "claim", 1, 2, refused(1.5, seen(A, 63.5))),
    ],
    "refused although nobody holds it": [op(B, "claim", 1, 2, refused(1.5, seen(A, 61)))],
    "refused because of a released claim": [
        AMBER,
        op(A, "release", 3, 4, RELEASED),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 61.5))),
    ],
    "refused because of an expired claim": [AMBER, op(B, "claim", 62, 63, refused(62.5, seen(A, 61.5)))],
    "granted before it has expired": [AMBER, op(B, "claim", 59, 61, granted(60))],
    "a renewal is lost": [
        AMBER,
        op(A, "renew", 50, 52, until(AMBER.answer or REFUSED, 111)),
        op(B, "claim", 62, 63, granted(62.5)),
    ],
    "a claim is lost": [AMBER, op(A, "release", 3, 4, REFUSED)],
    "released by a session that does not hold it": [AMBER, op(B, "release", 3, 4, RELEASED)],
    "released twice": [AMBER, op(A, "release", 3, 4, RELEASED), op(A, "release", 5, 6, RELEASED)],
    "renewed after another session got it": [
        AMBER,
        op(B, "claim", 62, 63, granted(62.5)),
        op(A, "renew", 64, 65, until(AMBER.answer or REFUSED, 124.5)),
    ],
    "renewed after it expired": [AMBER, op(A, "renew", 62, 63, until(AMBER.answer or REFUSED, 122.5))],
    "a renewal that keeps a later end": [LONG, op(A, "renew", 62, 63, until(LONG.answer or REFUSED, 601.5))],
    "a token that is no longer valid": [
        AMBER,
        op(A, "release", 3, 4, RELEASED),
        op(A, "claim", 5, 6, granted(5.5)),
        op(A, "renew", 7, 8, until(granted(5.5), 67.5), token=1_500_000),
    ],
    "a token that goes back": [
        AMBER,
        op(A, "release", 3, 4, RELEASED),
        op(B, "claim", 5, 6, granted(5.5, token=1_400_000)),
    ],
    "two grants with one token": [
        op(A, "claim", 1, 2, granted(1.5), mode="shared"),
        op(B, "claim", 1, 2, granted(1.5), mode="shared"),
    ],
    "a waiter is overtaken": [
        op(A, "claim", 1, 2, granted(1.5), mode="shared"),
        op(B, "claim", 3, 40, WAITED, wait=99 * SECOND),
        op(C, "claim", 5, 6, refused(5, seen(A, 61.5), seen(B, 103, "b/1", waits=True))),
        op(A, "release", 18, 30, RELEASED),
        op(C, "claim", 19, 20, granted(19.2, name="c/1"), mode="shared"),
    ],
    "a waiter is granted a claim that is still held": [LONG, op(B, "claim", 3, 30, WAITED, wait=99 * SECOND)],
    "a waiter gives up although nothing blocks it": [
        LONG,
        op(A, "release", 18, 19, RELEASED),
        op(B, "claim", 3, 30, Answer("timed_out", ("b/1",), 29 * SECOND, seen=(seen(A, 601.5),)), wait=99 * SECOND),
    ],
    "a waiter gives up its grant before its time limit": [
        LONG,
        op(A, "release", 5, 6, RELEASED),
        op(B, "claim", 3, 15, Answer("timed_out", ("b/1",), seen=(seen(A, 601.5),)), wait=10 * SECOND),
    ],
    "handed over, and still held": [
        AMBER,
        op(A, "handoff", 3, 4, Answer("done", ("a/2",)), to=B),
        op(A, "renew", 5, 6, until(AMBER.answer or REFUSED, 65.5)),
    ],
    "granted to another session during a handover": [
        LONG,
        op(A, "handoff", 3, 5, Answer("done", ("a/2",)), to=B),
        op(C, "claim", 3, 5, granted(4)),
    ],
    "a list without a claim": [AMBER, op(B, "claims", 3, 4, listed())],
    "a list with the second of two released claims": [
        *BOTH,
        op(B, "claims", 10, 11, listed(row(A, 3.5, 63.5, "a/2"))),
    ],
    "a list with a released claim that another session has": [
        *BOTH,
        op(B, "claim", 6, 6.5, granted(6.2, name="b/1")),
        op(B, "claims", 7, 8, listed(row(A, 3.5, 63.5, "a/2"))),
    ],
    "a list with a released claim": [
        AMBER,
        op(A, "release", 3, 4, RELEASED),
        op(B, "claims", 5, 6, listed(row(A, 1.5, 61.5))),
    ],
    "a claim of a killed process, seen before its request": [
        op(A, "claim", 3, 4, None),
        op(B, "claim", 1, 2, refused(1.5, seen(A, 63.2))),
    ],
    "a killed process that releases after its death": [
        LONG,
        op(A, "release", 3, 4, None),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 601.5))),
        op(B, "claim", 7, 8, granted(7.5)),
    ],
    "an answer with a future time": [op(A, "claim", 1, 2, granted(3))],
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_possible_history_is_accepted(name: str) -> None:
    assert judged(RIGHT[name]) == ""


@pytest.mark.parametrize("name", WRONG)
def test_an_impossible_history_is_rejected_for_its_last_answer(name: str) -> None:
    assert "answers are possible" in judged(WRONG[name])
    assert judged(WRONG[name][:-1]) == ""


DEAD = (Mortal(A, 3_000_000_000, 4_000_000_000),)  # between its third second and its fourth


@pytest.mark.parametrize(
    "last",
    [
        op(B, "claim", 3, 3.5, granted(3.2)),
        op(B, "claim", 3, 3.5, refused(3.2, seen(A, 601.5))),
        op(B, "claim", 5, 6, granted(5.5)),
        op(B, "claims", 5, 6, listed(row(A, 1.5, 601.5))),
        op(B, "handoff", 5, 6, REFUSED, to=A),
    ],
)
def test_claims_of_the_dead_are_free_once_the_death_is_recorded(last: Op) -> None:
    assert judged([LONG, last], mortal=DEAD) == ""


@pytest.mark.parametrize(
    "last",
    [
        op(B, "claim", 2, 2.9, granted(2.5)),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 601.5))),
        op(A, "release", 6.1, 7, RELEASED),
    ],
)
def test_no_session_is_dead_too_early_or_alive_after_death(last: Op) -> None:
    assert judged([LONG, op(B, "claim", 5, 6, granted(5.5))], mortal=DEAD) == ""
    noticed = [op(B, "claim", 5, 6, granted(5.5))] if last.session == A else []
    assert judged([LONG, *noticed, last], mortal=DEAD) != ""
