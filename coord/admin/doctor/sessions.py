"""What can be wrong with sessions: those whose death nobody would notice, those that are silent, two on one process.

None of it is proof of anything: a silent session may be in the middle of a long build. So every advice begins with
looking and asking.
"""

from collections.abc import Iterator

from coord.admin.doctor.subject import Patient, Step, Symptom, listed
from coord.render.format import ago, called, plural
from eventlog.events import seconds_between
from projections.rules.liveness import Here, Seen
from projections.rules.state import Session, State
from projections.views.board import names_of


def unseen(session: Session, here: Here, seen: Seen) -> str:
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


def anchors(patient: Patient) -> Iterator[Symptom]:
    """Live sessions whose death nobody here would notice."""
    look, names = patient.world.processes.look, names_of(patient.state)
    found: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    for session in patient.live:
        if reason := unseen(session, patient.world.here, look(session.anchor.pid) if session.anchor else "unknown"):
            found[session.id] = reason
            reasons.setdefault(reason, []).append(called(session.id, names))
    if not found:
        return
    evidence = "; ".join(f"{reason}: {listed(sessions)}" for reason, sessions in reasons.items())
    holding = [claim.session for claim in patient.state.claims.values() if claim.session in found]
    first = holding[0] if holding else next(iter(found))
    steps = (
        Step("see what they last said", "coord status"),
        Step("ask", f'coord send {first} "Are you there?" "..." --needs-ack'),
        Step("end one that you know is over", f"coord end --session {first}"),
    )
    what = f"nobody here would notice the death of {plural(len(found), 'live session')}"
    what += f"; {len(set(holding))} of them with claims, which would stand until they expire" if holding else ""
    yield Symptom("warning" if holding else "note", what, evidence, steps)


def silent(patient: Patient) -> Iterator[Symptom]:
    """Sessions that hold something and have long said nothing."""
    holds: dict[str, list[str]] = {}
    for claim in patient.state.claims.values():
        holds.setdefault(claim.session, []).append(claim.resource)
    for session in patient.live:
        if session.id in holds and seconds_between(session.last_at, patient.now) >= patient.config.silent_minutes * 60:
            resource = holds[session.id][0]
            steps = (
                Step("see its process and what it last changed; a build can take an hour", "coord status"),
                Step("ask", f'coord send {session.id} "{resource}" "Do you still need it?" --needs-ack'),
                Step("if you know that nobody is behind it", f'coord break {resource} --reason "..."'),
            )
            who = called(session.id, names_of(patient.state))
            evidence = f"last heard {ago(session.last_at, patient.now)}; holds {listed(holds[session.id])}"
            yield Symptom(
                "warning", f"{who} is silent and holds {plural(len(holds[session.id]), 'claim')}", evidence, steps
            )


def on_one_anchor(state: State) -> list[list[Session]]:
    """Live sessions that no bare command can tell apart: of one process, and not known by a client's conversation."""
    found: dict[object, list[Session]] = {}
    for session in state.sessions.values():
        if session.live and session.anchor and not session.client_session:
            found.setdefault(session.anchor, []).append(session)
    return [sessions for sessions in found.values() if len(sessions) > 1]


def one_anchor(patient: Patient) -> Iterator[Symptom]:
    """Two sessions of one shell."""
    for sessions in on_one_anchor(patient.state):
        anchor, last = sessions[0].anchor, sessions[-1]
        assert anchor is not None
        steps = (
            Step("say in that shell which one it is", f"export COORD_SESSION={last.id}"),
            Step("or end the one that is not used", f"coord end --session {sessions[0].id}"),
        )
        names = names_of(patient.state)
        evidence = f"process {anchor.pid}: {listed(called(session.id, names) for session in sessions)}"
        yield Symptom(
            "warning", "two live sessions have one process: commands there cannot tell who acts", evidence, steps
        )
