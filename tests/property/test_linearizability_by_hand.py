"""The judge of attack 12 must tell wrong histories from right ones: promise 3, by hand. `tests.property` has the same
by construction.

A history is written in seconds, by one clock that is right: an operation runs from its first second to its second one,
both by the clock that nobody sets and by the one that the processes are given.
"""

from dataclasses import replace

import pytest

from tests.support.model.leases import Mortal
from tests.support.model.linearizability import SECOND, Answer, Op, Seen
from tests.support.model.one_process import judged

A, B, C = "amber-otter", "brown-hare", "coral-swift"
X, DEPLOY = "file/a/b", "deploy/x"


def op(session: str, what: str, start: float, end: float, answer: Answer | None, **more: object) -> Op:
    """An operation, on `file/a/b` if nothing else is said."""
    clock = (round(start * SECOND), round(end * SECOND))
    times = (clock[0] * 1000, clock[1] * 1000, *clock)
    fields = {"resource": X} | more
    return Op(session, what, fields.pop("resource"), *times, answer, **fields)  # type: ignore[arg-type]


def granted(at: float, token: int = 0, ttl: int = 60, name: str = "a/1", **more: object) -> Answer:
    moment = round(at * SECOND)
    return replace(Answer("granted", (name,), moment, moment + ttl * SECOND, token or moment), **more)  # type: ignore[arg-type]


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


NO = Answer("refused")
GIVEN_BACK = Answer("done", ("a/1",))
AMBER = op(A, "claim", 1, 2, granted(1.5))  # until 61.5
LONG = op(A, "claim", 1, 2, granted(1.5, ttl=600), ttl=600 * SECOND)
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
    "it has run out": [AMBER, op(B, "claim", 61, 63, granted(61.5))],
    "it runs out while others look": [
        AMBER,
        op(B, "claims", 61, 63, listed()),
        op(C, "claims", 61, 63, listed(row(A, 1.5, 61.5))),
    ],
    "renewed, and so refused": [
        AMBER,
        op(A, "renew", 50, 52, until(AMBER.answer or NO, 111)),
        op(B, "claim", 62, 63, refused(62.5, seen(A, 111))),
    ],
    "a renewal that its process did not live to tell": [
        AMBER,
        op(A, "renew", 50, 52, None),
        op(B, "claim", 62, 63, refused(62.5, seen(A, 111))),
    ],
    "and one that was never made": [AMBER, op(A, "renew", 50, 52, None), op(B, "claim", 62, 63, granted(62.5))],
    "a claim of one who was killed is in the way": [
        op(A, "claim", 1, 2, None),
        op(B, "claim", 3, 4, refused(3.5, seen(A, 61.3))),
    ],
    "given back while another asks": [AMBER, op(A, "release", 3, 5, GIVEN_BACK), op(B, "claim", 3, 4, granted(3.5))],
    "a waiter is granted when it is given back": [
        LONG,
        op(
            B,
            "claim",
            3,
            30,
            granted(20, name="b/1", until=79 * SECOND, token=19 * SECOND, seen=(seen(A, 601.5),)),
            wait=99 * SECOND,
        ),
        op(A, "release", 18, 21, GIVEN_BACK),
    ],
    "a waiter's limit": [
        LONG,
        op(B, "claim", 3, 15, Answer("timed_out", ("b/1",), 14 * SECOND, seen=(seen(A, 601.5),)), wait=10 * SECOND),
    ],
    "a waiter that comes too late lapses": [
        AMBER,
        op(B, "claim", 3, 150, Answer("timed_out", ("b/1",), 140 * SECOND, seen=(seen(A, 61.5),)), wait=99 * SECOND),
        op(C, "claim", 130, 131, granted(130, name="c/1")),
    ],
    "handed over": [
        AMBER,
        op(A, "handoff", 3, 4, Answer("done", ("a/2",)), to=B),
        op(B, "release", 5, 6, Answer("done", ("a/2",))),
    ],
    "broken": [AMBER, op(B, "break", 3, 4, Answer("done", (A,))), op(A, "release", 5, 6, NO)],
    "a folder and a file elsewhere": [
        op(A, "claim", 1, 2, granted(1.5), resource="file/a/"),
        op(B, "claim", 1, 2, granted(1.5), resource="file/b"),
    ],
}

WRONG: dict[str, list[Op]] = {
    "two have it": [AMBER, op(B, "claim", 1, 2, granted(1.6))],
    "two have it, one by the folder": [
        op(A, "claim", 1, 2, granted(1.5), resource="file/a/"),
        op(B, "claim", 1, 2, granted(1.6)),
    ],
    "one has it alone and one shares it": [AMBER, op(B, "claim", 1, 2, granted(1.6), mode="shared")],
    "refused by a claim that comes later": [
        op(A, "claim", 3, 4, granted(3.5)),
        op(B, "claim", 1, 2, refused(1.5, seen(A, 63.5))),
    ],
    "refused, and nobody has it": [op(B, "claim", 1, 2, refused(1.5, seen(A, 61)))],
    "refused by one that has given it back": [
        AMBER,
        op(A, "release", 3, 4, GIVEN_BACK),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 61.5))),
    ],
    "refused by one that has run out": [AMBER, op(B, "claim", 62, 63, refused(62.5, seen(A, 61.5)))],
    "granted before it has run out": [AMBER, op(B, "claim", 59, 61, granted(60))],
    "a renewal is lost": [
        AMBER,
        op(A, "renew", 50, 52, until(AMBER.answer or NO, 111)),
        op(B, "claim", 62, 63, granted(62.5)),
    ],
    "a claim is lost": [AMBER, op(A, "release", 3, 4, NO)],
    "given back by one that does not have it": [AMBER, op(B, "release", 3, 4, GIVEN_BACK)],
    "given back twice": [AMBER, op(A, "release", 3, 4, GIVEN_BACK), op(A, "release", 5, 6, GIVEN_BACK)],
    "renewed after another got it": [
        AMBER,
        op(B, "claim", 62, 63, granted(62.5)),
        op(A, "renew", 64, 65, until(AMBER.answer or NO, 124.5)),
    ],
    "renewed after it has run out": [AMBER, op(A, "renew", 62, 63, until(AMBER.answer or NO, 122.5))],
    "a renewal that shortens": [LONG, op(A, "renew", 62, 63, until(LONG.answer or NO, 122.5))],
    "a token that no longer stands": [
        AMBER,
        op(A, "release", 3, 4, GIVEN_BACK),
        op(A, "claim", 5, 6, granted(5.5)),
        op(A, "renew", 7, 8, until(granted(5.5), 67.5), token=1_500_000),
    ],
    "a token that goes back": [
        AMBER,
        op(A, "release", 3, 4, GIVEN_BACK),
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
        op(A, "release", 18, 30, GIVEN_BACK),
        op(C, "claim", 19, 20, granted(19.2, name="c/1"), mode="shared"),
    ],
    "a waiter has it while it is taken": [LONG, op(B, "claim", 3, 30, WAITED, wait=99 * SECOND)],
    "a waiter gives up and nobody is in its way": [
        LONG,
        op(A, "release", 18, 19, GIVEN_BACK),
        op(B, "claim", 3, 30, Answer("timed_out", ("b/1",), 29 * SECOND, seen=(seen(A, 601.5),)), wait=99 * SECOND),
    ],
    "a waiter gives up what it was given before its limit": [
        LONG,
        op(A, "release", 5, 6, GIVEN_BACK),
        op(B, "claim", 3, 15, Answer("timed_out", ("b/1",), seen=(seen(A, 601.5),)), wait=10 * SECOND),
    ],
    "handed over, and still had": [
        AMBER,
        op(A, "handoff", 3, 4, Answer("done", ("a/2",)), to=B),
        op(A, "renew", 5, 6, until(AMBER.answer or NO, 65.5)),
    ],
    "taken between the two hands": [
        LONG,
        op(A, "handoff", 3, 5, Answer("done", ("a/2",)), to=B),
        op(C, "claim", 3, 5, granted(4)),
    ],
    "a list without a claim": [AMBER, op(B, "claims", 3, 4, listed())],
    "a list with one that was given back": [
        AMBER,
        op(A, "release", 3, 4, GIVEN_BACK),
        op(B, "claims", 5, 6, listed(row(A, 1.5, 61.5))),
    ],
    "a claim of one who was killed, known before it asked": [
        op(A, "claim", 3, 4, None),
        op(B, "claim", 1, 2, refused(1.5, seen(A, 63.2))),
    ],
    "a killed process that gives back after its death": [
        LONG,
        op(A, "release", 3, 4, None),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 601.5))),
        op(B, "claim", 7, 8, granted(7.5)),
    ],
    "a moment that had not come": [op(A, "claim", 1, 2, granted(3))],
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_one_process_could_have_done_is_accepted(name: str) -> None:
    assert judged(RIGHT[name]) == ""


@pytest.mark.parametrize("name", WRONG)
def test_an_impossible_history_is_refused_for_its_last_answer(name: str) -> None:
    assert "answers can be had" in judged(WRONG[name])
    assert judged(WRONG[name][:-1]) == ""


DEAD = (Mortal(A, 3_000_000_000, 4_000_000_000),)  # between its third second and its fourth


@pytest.mark.parametrize(
    "last",
    [
        op(B, "claim", 3, 3.5, granted(3.2)),
        op(B, "claim", 3, 3.5, refused(3.2, seen(A, 601.5))),
        op(B, "claim", 5, 6, granted(5.5)),
        op(B, "claims", 5, 6, listed(row(A, 1.5, 601.5))),
        op(B, "handoff", 5, 6, NO, to=A),
    ],
)
def test_what_the_dead_had_is_free_once_somebody_has_noticed(last: Op) -> None:
    assert judged([LONG, last], mortal=DEAD) == ""


@pytest.mark.parametrize(
    "last",
    [
        op(B, "claim", 2, 2.9, granted(2.5)),
        op(B, "claim", 5, 6, refused(5.5, seen(A, 601.5))),
        op(A, "release", 6.1, 7, GIVEN_BACK),
    ],
)
def test_nobody_is_dead_before_its_death_or_alive_after_it(last: Op) -> None:
    assert judged([LONG, op(B, "claim", 5, 6, granted(5.5))], mortal=DEAD) == ""
    noticed = [op(B, "claim", 5, 6, granted(5.5))] if last.session == A else []
    assert judged([LONG, *noticed, last], mortal=DEAD) != ""
