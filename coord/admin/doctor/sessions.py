"""Checks of sessions: those whose death would not be noticed, those that are silent, two with the same process, and a
conversation with two processes.

None of these findings is proof that a session is dead: a silent session can be waiting for a long build. So the first
steps are always to look and to ask.
"""

from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited
from coord.engine.board import find_deaths, find_idle
from coord.render.format import ago, plural, session_label
from coord.render.needs import commands_text
from projections.rules.liveness import ObserverHost, ProcessStatus
from projections.rules.sessions import same_conversation
from projections.rules.state import Session, State
from projections.views.board import names_of
from projections.views.needs import Observed, find_needs, need_text


def undetectable_reason(session: Session, here: ObserverHost, seen: ProcessStatus) -> str:
    """Return why this machine cannot tell whether a session is alive; empty if it can."""
    anchor = session.anchor
    if anchor is None:
        return "started without an anchor (a process to watch)"
    if anchor.machine != here.machine:
        return "on another machine"
    if not anchor.boot or not here.boot:
        return "this system gives too little information about processes"
    if anchor.boot == here.boot and anchor.pid_namespace != here.pid_namespace:
        return "in another container"
    return "no permission to see its process" if anchor.boot == here.boot and seen == "unknown" else ""


def unwatched_anchors(subject: Subject) -> Iterator[DoctorFinding]:
    """Find live sessions whose death would not be noticed here."""
    look, names = subject.system.processes.start_or_status, names_of(subject.state)
    unwatched: list[str] = []
    labels_by_reason: dict[str, list[str]] = {}
    for session in subject.live:
        status = look(session.anchor.pid) if session.anchor else "unknown"
        if reason := undetectable_reason(session, subject.system.here, status):
            unwatched.append(session.id)
            labels_by_reason.setdefault(reason, []).append(session_label(session.id, names, full=True))
    if not unwatched:
        return
    evidence = "; ".join(f"{reason}: {join_limited(labels)}" for reason, labels in labels_by_reason.items())
    holding = [claim.session for claim in subject.state.claims.values() if claim.session in unwatched]
    first = (holding or unwatched)[0]
    steps = (
        RepairStep("see what they last reported", "coord status"),
        RepairStep("ask", f'coord send {first} "Are you there?" "..." --needs-ack'),
        RepairStep("if you know that it has ended, end it here", f"coord end --session {first}"),
    )
    what = f"coord cannot notice the death of {plural(len(unwatched), 'live session')}"
    what += f"; {len(set(holding))} of them hold claims, which would last until they expire" if holding else ""
    yield DoctorFinding("warning" if holding else "note", what, evidence, steps)


def silent_sessions(subject: Subject) -> Iterator[DoctorFinding]:
    """Find sessions that hold claims and have written nothing for a long time."""
    names = names_of(subject.state)
    idle = find_idle(subject.system, subject.snapshot.workspace, subject.config, subject.state, subject.now)
    deaths = find_deaths(subject.system, subject.snapshot)
    seen = Observed(subject.now, subject.config.silent_minutes * 60, deaths, idle)
    for need in find_needs(subject.state, seen):
        if need.kind == "silent":
            steps = [RepairStep("see its process and its last change; a build can take an hour", "coord status")]
            steps += [RepairStep(step.why, commands_text(step)) for step in need.steps]
            evidence = f"last seen {ago(need.since, subject.now)}"
            yield DoctorFinding(
                "warning", need_text(need, lambda name: session_label(name, names)), evidence, tuple(steps)
            )


def sessions_by_shared_anchor(state: State) -> list[list[Session]]:
    """Group the live sessions that have the same process and no conversation of a client.

    A command without --session cannot tell the sessions of a group apart.
    """
    groups: dict[object, list[Session]] = {}
    for session in state.sessions.values():
        if session.live and session.anchor and not session.client_session:
            groups.setdefault(session.anchor, []).append(session)
    return [sessions for sessions in groups.values() if len(sessions) > 1]


def shared_anchors(subject: Subject) -> Iterator[DoctorFinding]:
    """Find live sessions with the same process, such as two that were started in one shell."""
    for sessions in sessions_by_shared_anchor(subject.state):
        anchor, last = sessions[0].anchor, sessions[-1]
        assert anchor is not None
        steps = (
            RepairStep("in that shell, choose one of them", f"export COORD_SESSION={last.id}"),
            RepairStep("or end the one that you do not use", f"coord end --session {sessions[0].id}"),
        )
        names = names_of(subject.state)
        labels = (session_label(session.id, names, full=True) for session in sessions)
        evidence = f"process {anchor.pid}: {join_limited(labels)}"
        yield DoctorFinding(
            "warning",
            "two live sessions have the same process, so commands there do not know which one they act for",
            evidence,
            steps,
        )


def copied_conversations(subject: Subject) -> Iterator[DoctorFinding]:
    """Find conversations that are open in several running processes of their client."""
    names = names_of(subject.state)
    left = {session.id: session for session in subject.live if subject.system.is_alive(session.anchor)}
    while left:
        _, first = left.popitem()
        copies = [first, *same_conversation(first, left.values())]
        if len(copies) == 1:
            continue
        for session in copies[1:]:
            del left[session.id]
        pids = {session.id: session.anchor.pid for session in copies if session.anchor}
        labels = (f"{session_label(name, names, full=True)} (process {pid})" for name, pid in sorted(pids.items()))
        steps = (
            RepairStep("look at these processes", f"ps -p {','.join(str(pid) for pid in sorted(pids.values()))}"),
            RepairStep("end those that you do not need, in their terminals; their sessions end too"),
        )
        yield DoctorFinding(
            "warning",
            f"{len(copies)} processes of {first.client} have the same conversation; each is a session of its own",
            join_limited(labels),
            steps,
        )
