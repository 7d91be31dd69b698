"""What can be wrong with sessions: those whose death nobody would notice, those that are silent, two on one process.

None of it is proof of anything: a silent session may be in the middle of a long build. So every advice begins with
looking and asking.
"""

from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited
from coord.render.format import ago, plural, session_label
from eventlog.events import seconds_between
from projections.rules.liveness import ObserverHost, ProcessStatus
from projections.rules.state import Session, State
from projections.views.board import names_of


def undetectable_reason(session: Session, here: ObserverHost, seen: ProcessStatus) -> str:
    """Why nobody here can tell whether a session lives; empty if one can."""
    anchor = session.anchor
    if anchor is None:
        return "started without a process to live with"
    if anchor.machine != here.machine:
        return "on another machine"
    if not anchor.boot or not here.boot:
        return "this system does not tell enough about processes"
    if anchor.boot == here.boot and anchor.pid_namespace != here.pid_namespace:
        return "in another container"
    return "whose process may not be looked at" if anchor.boot == here.boot and seen == "unknown" else ""


def unwatched_anchors(subject: Subject) -> Iterator[DoctorFinding]:
    """Live sessions whose death nobody here would notice."""
    look, names = subject.system.processes.start_or_status, names_of(subject.state)
    found: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    for session in subject.live:
        if reason := undetectable_reason(
            session, subject.system.here, look(session.anchor.pid) if session.anchor else "unknown"
        ):
            found[session.id] = reason
            reasons.setdefault(reason, []).append(session_label(session.id, names))
    if not found:
        return
    evidence = "; ".join(f"{reason}: {join_limited(sessions)}" for reason, sessions in reasons.items())
    holding = [claim.session for claim in subject.state.claims.values() if claim.session in found]
    first = holding[0] if holding else next(iter(found))
    steps = (
        RepairStep("see what they last said", "coord status"),
        RepairStep("ask", f'coord send {first} "Are you there?" "..." --needs-ack'),
        RepairStep("end one that you know is over", f"coord end --session {first}"),
    )
    what = f"nobody here would notice the death of {plural(len(found), 'live session')}"
    what += f"; {len(set(holding))} of them with claims, which would stand until they expire" if holding else ""
    yield DoctorFinding("warning" if holding else "note", what, evidence, steps)


def silent_sessions(subject: Subject) -> Iterator[DoctorFinding]:
    """Sessions that hold something and have long said nothing."""
    holds: dict[str, list[str]] = {}
    for claim in subject.state.claims.values():
        holds.setdefault(claim.session, []).append(claim.resource)
    for session in subject.live:
        if session.id in holds and seconds_between(session.last_at, subject.now) >= subject.config.silent_minutes * 60:
            resource = holds[session.id][0]
            steps = (
                RepairStep("see its process and what it last changed; a build can take an hour", "coord status"),
                RepairStep("ask", f'coord send {session.id} "{resource}" "Do you still need it?" --needs-ack'),
                RepairStep("if you know that nobody is behind it", f'coord break {resource} --reason "..."'),
            )
            who = session_label(session.id, names_of(subject.state))
            evidence = f"last heard {ago(session.last_at, subject.now)}; holds {join_limited(holds[session.id])}"
            yield DoctorFinding(
                "warning", f"{who} is silent and holds {plural(len(holds[session.id]), 'claim')}", evidence, steps
            )


def sessions_by_shared_anchor(state: State) -> list[list[Session]]:
    """Live sessions that no bare command can tell apart: of one process, and not known by a client's conversation."""
    found: dict[object, list[Session]] = {}
    for session in state.sessions.values():
        if session.live and session.anchor and not session.client_session:
            found.setdefault(session.anchor, []).append(session)
    return [sessions for sessions in found.values() if len(sessions) > 1]


def shared_anchors(subject: Subject) -> Iterator[DoctorFinding]:
    """Two sessions of one shell."""
    for sessions in sessions_by_shared_anchor(subject.state):
        anchor, last = sessions[0].anchor, sessions[-1]
        assert anchor is not None
        steps = (
            RepairStep("say in that shell which one it is", f"export COORD_SESSION={last.id}"),
            RepairStep("or end the one that is not used", f"coord end --session {sessions[0].id}"),
        )
        names = names_of(subject.state)
        evidence = f"process {anchor.pid}: {join_limited(session_label(session.id, names) for session in sessions)}"
        yield DoctorFinding(
            "warning", "two live sessions have one process: commands there cannot tell who acts", evidence, steps
        )
