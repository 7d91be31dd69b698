"""A session acts for one process only, also if its conversation is open in several processes of the client."""

from hypothesis import given
from hypothesis import strategies as st

from coord.clients.registry import CLIENTS
from coord.errors import CoordError
from coord.platform.processes import Process
from coord.workspace.conversations import sessions_of_caller
from coord.workspace.system import System
from eventlog.events import Anchor, SessionEnded, SessionHeartbeat, SessionPresumedDead, SessionStarted
from projections.rules.sessions import same_conversation
from projections.rules.state import State
from tests.support.histories import Story
from tests.support.in_process import HERE, NOON, Table

CLAUDE = next(client for client in CLIENTS if client.word == "claude")
NAMES, PIDS = ("amber", "brown", "coral", "dusky"), (101, 102, 103)
SHELLS = {pid: pid + 100 for pid in PIDS}  # a shell command below each process
LONE = 300  # a shell without a client
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("start", "start", "start", "end", "die", "beat")),
        st.sampled_from(("talk", "talk", "other", "")),
        st.sampled_from((*PIDS, 0, 999)),
        st.sampled_from(("", "", "", *NAMES)),
    ),
    max_size=12,
)


def anchor(pid: int) -> Anchor | None:
    return Anchor(HERE.machine, HERE.boot, pid, pid * 10, HERE.pid_namespace) if pid else None


def state_of(events: list[tuple[str, str, str, int, str]]) -> State:
    story, anchors = Story(), dict[str, Anchor | None]()
    for second, (name, kind, conversation, pid, other) in enumerate(events, 1):
        if kind == "start" or name not in anchors:
            anchors[name] = anchor(pid)
            continues = other if other != name else ""
            started = SessionStarted(client_session=conversation, anchor=anchors[name], continues=continues)
            story.tell(second, name, started)
        elif kind == "end":
            story.tell(second, name, SessionEnded())
        elif kind == "beat":
            story.tell(second, name, SessionHeartbeat())
        elif other in anchors and (gone := anchors[other]):
            story.tell(second, name, SessionPresumedDead(session=other, anchor=gone))
    return story.state()


def system_at(pid: int, living: set[int]) -> System:
    """The system of a process below `pid`. The processes of the clients that are not `living` are gone."""
    rows = [Process(1, 0, 1, 1, "S", ("init",)), Process(LONE, 1, LONE, 3000, "S", ("bash",))]
    for client in sorted(living):
        rows.append(Process(client, 1, client, client * 10, "S", ("claude",)))
        rows.append(Process(SHELLS[client], client, client, 1, "S", ("bash", "-c", "x")))
    rows.append(Process(5000, pid, pid, 1, "S", ("coord",)))
    return System({}, "/", lambda: NOON, 5000, lambda: HERE, lambda: Table(*rows))


@given(EVENTS, st.sets(st.sampled_from(PIDS)), st.booleans())
def test_no_session_acts_for_two_running_processes(
    events: list[tuple[str, str, str, int, str]], living: set[int], in_hook: bool
) -> None:
    state = state_of(events)
    for pid in living:
        system = system_at(pid if in_hook else SHELLS[pid], living)
        for session in sessions_of_caller(system, state, CLAUDE, ("talk",), in_hook=in_hook)[:1]:
            if session.live and session.anchor in map(anchor, living):
                assert session.anchor == anchor(pid)


@given(EVENTS, st.sets(st.sampled_from(PIDS)))
def test_a_process_keeps_the_session_that_is_anchored_to_it(
    events: list[tuple[str, str, str, int, str]], living: set[int]
) -> None:
    state = state_of(events)
    for pid in living:
        talking = [session for session in state.sessions.values() if session.live and session.client_session == "talk"]
        found = sessions_of_caller(system_at(pid, living), state, CLAUDE, ("talk",), in_hook=True)
        if anchor(pid) in [session.anchor for session in talking]:
            assert found[0].anchor == anchor(pid)


@given(EVENTS, st.sets(st.sampled_from(PIDS)))
def test_without_a_client_the_only_live_session_acts(
    events: list[tuple[str, str, str, int, str]], living: set[int]
) -> None:
    state = state_of(events)
    live = [s for s in state.sessions.values() if s.live and s.client_session == "talk"]
    heirs = {state.current_session(s.id) for s in state.sessions.values() if s.client_session == "talk"}
    system = system_at(LONE, living)
    refused = found = None
    try:
        found = sessions_of_caller(system, state, CLAUDE, ("talk",))
    except CoordError as error:
        refused = error
    if len(live) == 1 and heirs <= {s.id for s in state.sessions.values() if s.client_session == "talk"}:
        assert refused is None
        assert found is not None
        assert found[0] == live[0]
    if refused:
        assert len({s.anchor for s in live if s.anchor}) > 1, "it must be open in several processes"
        assert refused.code == 3


@given(EVENTS)
def test_both_sessions_of_a_conversation_are_told(events: list[tuple[str, str, str, int, str]]) -> None:
    """Nobody reads a notice here, so each of two live sessions that share a conversation has one about the other."""
    state = state_of(events)
    for session in state.sessions.values():
        told = {notice.other for notice in session.notices if notice.kind == "copied"}
        assert session.id not in told
        for other in same_conversation(session, state.sessions.values()):
            assert same_conversation(other, state.sessions.values()).count(session) == 1
            assert told
