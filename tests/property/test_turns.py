"""Rule 9 about agents: `session.presumed_idle` changes only what a session does, and only as long as nothing newer is
known. Whether an agent is at work depends on its signs of work in an orderly way.
"""

from hypothesis import given
from hypothesis import strategies as st

from coord.guard.work_signs import WorkSigns
from eventlog.events import Event, SessionHeartbeat, SessionPresumedIdle, add_time, to_micros
from projections.rules.fold import as_of, fold
from projections.rules.liveness import STOPPED, idle_evidence
from projections.rules.sessions import idle_after, is_at_work
from projections.rules.state import Session, State
from tests.support.histories import START, histories

WORK = SessionHeartbeat(action="editing", target="a.py", automatic=True)


@given(histories())
def test_presumed_idle_changes_only_what_the_session_does(events: list[Event]) -> None:
    state, last = State(), dict[str, int]()
    for event in events:
        payload, as_of_then = event.payload, as_of(state, event.at)
        if not isinstance(payload, SessionPresumedIdle):
            fold(state, [event])
        else:
            session = state.sessions.get(payload.session)
            counts = bool(session and session.live and session.id != event.session and is_at_work(session.doing))
            counts = counts and last[payload.session] == payload.n
            doing = {name: each.doing for name, each in state.sessions.items()}
            if counts:
                doing[payload.session] = idle_after(doing[payload.session])
            held = (
                set(state.claims),
                list(state.waits),
                {name: set(each.agents) for name, each in state.sessions.items()},
            )
            fold(as_of_then, [event])
            doing.setdefault(event.session, SessionHeartbeat())
            held[2].setdefault(event.session, set())
            assert {name: each.doing for name, each in state.sessions.items()} == doing
            agents = {name: set(each.agents) for name, each in state.sessions.items()}
            assert (set(state.claims), list(state.waits), agents) == held
        if event.imported is None:
            last[event.session] = event.n


@given(histories())
def test_the_next_report_of_a_session_replaces_presumed_idle(events: list[Event]) -> None:
    state = State()
    for event in events:
        fold(state, [event])
        payload = event.payload
        if event.imported is None and isinstance(payload, SessionHeartbeat) and payload.action:
            assert state.sessions[event.session].doing == payload
            assert is_at_work(payload)


seconds = st.integers(0, 700)
signs = st.builds(
    lambda ago, runs, ended, known: WorkSigns(
        known=known, transcript_at=to_micros(add_time(START, 1000 - ago)), runs=runs, ended=ended
    ),
    seconds, st.booleans(), st.sampled_from(("", "its turn was interrupted")), st.booleans(),
)  # fmt: skip
NOW = add_time(START, 1000)


def session(ago: float, doing: SessionHeartbeat = WORK, *agents: str) -> Session:
    """A session whose last event is so many seconds old."""
    at = add_time(NOW, -ago)
    return Session(id="amber", started_at=at, last_at=at, doing=doing, agents=dict.fromkeys(agents, "x"))


@given(seconds, seconds, signs, seconds, seconds)
def test_more_signs_or_more_patience_never_make_an_agent_idle(
    ago: int, newer: int, seen: WorkSigns, patience: int, more: int
) -> None:
    evidence = idle_evidence(session(ago), seen, NOW, patience, ())
    at_work = not evidence
    assert not (at_work and idle_evidence(session(min(ago, newer)), seen, NOW, patience, ()))
    assert not (at_work and idle_evidence(session(ago), seen, NOW, patience + more, ()))
    assert not (at_work and idle_evidence(session(ago), WorkSigns(**vars(seen) | {"runs": True}), NOW, patience, ()))
    assert not (at_work and idle_evidence(session(ago, WORK, "a1"), seen, NOW, patience, ()))


@given(seconds, signs, seconds)
def test_an_agent_is_idle_if_and_only_if_nothing_shows_work(ago: int, seen: WorkSigns, patience: int) -> None:
    quiet = min(ago, (to_micros(NOW) - seen.transcript_at) / 1_000_000)
    idle = bool(seen.ended) or (not seen.runs and quiet >= patience)
    assert bool(idle_evidence(session(ago), seen, NOW, patience, ())) == idle
    stopped = idle_after(WORK)
    assert idle_evidence(session(ago, stopped), seen, NOW, patience, ()) == STOPPED
    silent = not seen.runs and quiet >= patience
    assert bool(idle_evidence(session(ago, stopped, "a1"), seen, NOW, patience, ())) == silent, "its subagents may work"
