"""Check the exchange with other machines: the joined remote, what the exchange found, and the credentials."""

import os
import stat
from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject
from coord.engine.sync.exchange.status import RemoteStatus, read_status
from coord.engine.sync.pending import read_pending
from coord.engine.sync.record import JoinedRemote, joined_remote, recorded_remote
from coord.render.format import duration_text, line, shell_word, time_text

_MAX_CLOCK_LEAD_S = 60
_STATE = RepairStep("look at the state of the exchange", "coord link --status")
_SYNC = RepairStep("exchange now, and see what happens", "coord sync")


def remote(subject: Subject) -> Iterator[DoctorFinding]:
    """Find what is wrong with the exchange with other machines."""
    joined = joined_remote(subject.system, subject.folder)
    if joined is None:
        yield from _not_joined(subject)
        return
    status = read_status(subject.folder)
    yield from _away(subject, joined, status)
    if (lead := abs(status.clock_lead_s)) > _MAX_CLOCK_LEAD_S:
        side = "ahead of" if status.clock_lead_s > 0 else "behind"
        evidence = f"it is {duration_text(lead)} {side} the clock of {line(joined.url)}"
        step = RepairStep("correct the clock; until then, no claim can be agreed on")
        yield DoctorFinding("serious", "this machine's clock is wrong", evidence, (step,))
    for found in status.found:
        who = f"{line(found.session)}: " if found.session else ""
        evidence = f"{who}{line(found.text, 300)} ({time_text(found.at, subject.system.wall())})"
        step = RepairStep("see what differs from this machine's journals", "coord verify")
        yield DoctorFinding("warning", "the remote differed from the journals here", evidence, (_SYNC, step))
    if draft := read_pending(subject.folder):
        evidence = f"the last claim of {line(draft.session)} was published, or not: the remote did not answer"
        yield DoctorFinding("warning", "the outcome of a claim is unknown", evidence, (_SYNC,))
    yield from _credentials(joined)


def _not_joined(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a remote that was joined as another machine, or that the settings name."""
    if recorded := recorded_remote(subject.folder):
        evidence = f"log/.remote names {line(recorded.url)}, but was written by another machine or for another folder"
        words = recorded.url if recorded.kind == "git" else shell_word(recorded.url)
        step = RepairStep("join it again, if this machine was renamed or the folder moved", f"coord remote add {words}")
        yield DoctorFinding("warning", "the remote is not used any more", evidence, (step,))
    elif named := subject.config.remote:
        evidence = f"config.toml names {line(named)}. Whoever can write to it can act as any session"
        step = RepairStep("join it on this machine", "coord remote add")
        yield DoctorFinding("note", "the remote of this repository is not joined", evidence, (step,))


def _away(subject: Subject, joined: JoinedRemote, status: RemoteStatus) -> Iterator[DoctorFinding]:
    if status.reachable:
        return
    now = subject.system.wall()
    evidence = f"{line(joined.url)}, since {time_text(status.since, now)}: {line(status.problem, 200)}"
    if status.queued_events:
        evidence += f". {status.queued_events} events are not published yet"
    yield DoctorFinding("warning", "the remote cannot be reached", evidence, (_STATE, _SYNC))


def _credentials(joined: JoinedRemote) -> Iterator[DoctorFinding]:
    if not joined.credentials:
        return
    try:
        mode = stat.S_IMODE(os.stat(joined.credentials).st_mode)
    except OSError as error:
        evidence = f"{line(joined.credentials)}: {error.strerror}"
        yield DoctorFinding("warning", "the credentials of the remote cannot be read", evidence)
        return
    if os.name == "posix" and mode & 0o077:
        step = RepairStep("let only yourself read it", f"chmod 600 {shell_word(joined.credentials)}")
        evidence = f"{line(joined.credentials)} has mode {mode:o}"
        yield DoctorFinding("serious", "others can read the credentials of the remote", evidence, (step,))
