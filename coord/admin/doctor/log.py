"""What can be wrong with the journals, the checkpoint, the clock and the lock.

Every advice about a journal begins with keeping a copy, and none ends in deleting one: what does not verify may still
be all that someone has.
"""

import os
import time
from collections.abc import Iterator

from coord.admin.doctor.subject import Patient, Step, Symptom, listed
from coord.admin.verify import Checked
from coord.render.format import clock, length, plural
from coord.workspace.paths import REMOVED
from eventlog.errors import LogError
from eventlog.local.files import ENDED
from eventlog.local.lock import SEAL_SUFFIX, holder_of
from eventlog.local.writer import TORN_SUFFIX

_LOCK_LOOKS, _LOCK_PAUSE_S = 5, 0.2  # held at every look is held long: an append takes milliseconds


def unusable(patient: Patient) -> Iterator[Symptom]:
    """The log as a whole cannot be read."""
    if patient.unusable:
        look = Step("look at what is there", f"ls -la {patient.path('log')}")
        yield Symptom("serious", "the log cannot be used", patient.unusable, (look,))


def damage(patient: Patient) -> Iterator[Symptom]:
    """Journals that are not as they were written, or cannot be read."""
    for journal in patient.verified.journals:
        if journal.damage:
            spot, more = journal.damage[0], len(journal.damage) - 1
            last = journal.damage[-1]
            where = f"line {spot.line}, byte {spot.byte}: {spot.reason}"
            where += f", and {more} more places, the last in line {last.line}: {last.reason}" if more else ""
            goes_on = Step("nothing has to be done: what verifies counts, and its session goes on in a new journal")
            places = Step("see every place", "coord verify")
            mend = _replace(patient, journal) if journal.events else _move_out(patient, journal)
            yield Symptom("serious", f"{journal.file} is damaged", where, (_copy(patient), places, goes_on, mend))
        if journal.problem:
            look = Step("see what stands there", f"ls -la {patient.path(journal.file)}")
            out = Step("make it readable, or move it out of the log: nothing of it counts as it is")
            yield Symptom("serious", f"{journal.file} cannot be used", journal.problem, (look, out))
        if journal.whole and not journal.events:
            evidence = f"{plural(journal.tear, 'byte')} without a line end" if journal.tear else "it is empty"
            yield Symptom("note", f"{journal.file} has no event", evidence, (_move_out(patient, journal),))


def _move_out(patient: Patient, journal: Checked) -> Step:
    why = "no event is in it, so nothing of it counts: unless a backup has it whole, move it out of the log"
    return Step(why, f"mv {patient.path(journal.file)} ~/")


def _copy(patient: Patient) -> Step:
    return Step("keep what is there, before anything else", f"cp -a {patient.path('log')} ~/coord-log-copy")


def _replace(patient: Patient, journal: Checked) -> Step:
    why = (
        f"if a backup has {journal.session}.jsonl whole, put it in its place while nobody works, and have all read anew"
    )
    return Step(why, f"rm -f {patient.path('.cache/checkpoint')}; coord verify")


def rewinds(patient: Patient) -> Iterator[Symptom]:
    """Journals that were longer, or other, when they were read before."""
    for journal in patient.verified.journals:
        if journal.rewound:
            who = Step("find what put an older file there: a stash, a checkout, a backup, a program that syncs folders")
            steps = (_copy(patient), who, _replace(patient, journal))
            if journal.rewound == REMOVED and (repository := patient.folder.repository):
                forgotten = f"rm -f {os.path.join(repository.common, 'coord')} {patient.path('.cache/checkpoint')}"
                steps = (*steps[1:], Step("or, if nobody misses it, have it forgotten", forgotten))
            yield Symptom("serious", f"{journal.file} was rewound", journal.rewound, steps)


def twice(patient: Patient) -> Iterator[Symptom]:
    """A journal in the log and among the ended."""
    for name in patient.verified.twice:
        here, there = patient.path(f"log/{name}.jsonl"), patient.path(f"log/{ENDED}/{name}.jsonl")
        steps = (
            Step("see whether they are the same", f"cmp {here} {there}"),
            Step("if so, or if it is the longer one that is in log/, keep the other elsewhere", f"mv {there} ~/"),
        )
        yield Symptom("warning", f"{name}.jsonl is in two places", f"in log/, which counts, and in log/{ENDED}/", steps)


def checkpoint(patient: Patient) -> Iterator[Symptom]:
    """A checkpoint that is not used, or gives wrong answers."""
    delete = (
        Step("it is a cache, which the next command makes anew: delete it", f"rm {patient.path('.cache/checkpoint')}"),
    )
    if patient.verified.checkpoint == "damaged":
        evidence = "its sum is wrong, so it is not used: answers are right, and take longer"
        yield Symptom("warning", "the checkpoint is damaged", evidence, delete)
    if patient.verified.checkpoint == "different":
        evidence = "its saved fold is not what the journals give, so answers may be wrong"
        yield Symptom("serious", "the checkpoint is not what the journals say", evidence, delete)


def newer_events(patient: Patient) -> Iterator[Symptom]:
    """Events that a newer coord wrote."""
    if known := patient.state.unknown:
        evidence = listed(f"{plural(count, 'event')} {name}" for name, count in known.items())
        steps = (
            Step("in a clone of coord, get the newer one", "git pull && uv tool install --reinstall ."),
            Step("or, if pipx installed it", "git pull && pipx install --force ."),
        )
        yield Symptom("warning", "a newer coord works here, and not all it says is understood", evidence, steps)


def leftovers(patient: Patient) -> Iterator[Symptom]:
    """What was put beside the journals when something went wrong."""
    found = []
    for folder in ("log", f"log/{ENDED}"):
        try:
            found += [f"{folder}/{name}" for name in os.listdir(os.path.join(patient.folder.folder, folder))]
        except OSError:
            continue
    torn = sorted(name for name in found if name.endswith(TORN_SUFFIX))
    sealed = sorted(
        name for name in found if name.endswith(SEAL_SUFFIX) and name.startswith("log/") and "/ended/" not in name
    )
    if torn:
        steps = (
            Step("look, if you like: nobody was told that it was recorded", f"tail -c 500 {patient.path(torn[0])}"),
            Step("when nobody misses anything, move it away", f"mv {patient.path('log')}/*{TORN_SUFFIX} ~/"),
        )
        what = f"{plural(len(torn), 'beginning')} of a line, cut off by a crash, put aside"
        yield Symptom("note", what, listed(torn), steps)
    if sealed:
        steps = (
            Step("the session went on in a new journal by itself; see to the disk", f"df -h {patient.path('log')}"),
            Step("when its session is over, the mark goes aside with its journal", "coord archive"),
        )
        yield Symptom(
            "note", f"{plural(len(sealed), 'journal')} closed after a failed write to the disk", listed(sealed), steps
        )


# --- clocks and the lock ----------------------------------------------------------------------------------------------


def clocks(patient: Patient) -> Iterator[Symptom]:
    """A clock that is behind the log, here or in comparison with another machine."""
    if patient.present.behind_s >= 1:
        steps = (
            Step("compare it with a clock that you trust", "date -u"),
            Step("where the system can keep it right, see whether it does", "timedatectl status"),
            Step(f"or wait {length(patient.present.behind_s)}: nothing is lost meanwhile, claims only last longer"),
        )
        yield Symptom("warning", "this machine's clock is behind the log", patient.present.clock_note(), steps)
    for journal in patient.verified.journals:
        if journal.held_back:
            steps = (
                Step("compare this machine's clock with one that you trust", "date -u"),
                Step("if this one is right, correct that of the machine that the session is on"),
                Step("or wait: the events count as soon as time has come nearer"),
            )
            evidence = f"its events from {clock(journal.held_back, patient.now, seconds=True)} on do not count yet"
            yield Symptom("warning", f"{journal.file} comes from a machine whose clock is ahead", evidence, steps)


def lock(patient: Patient) -> Iterator[Symptom]:
    """A process that keeps everyone from writing."""
    pid = 0
    for look in range(_LOCK_LOOKS):
        try:
            found = holder_of(patient.folder.log)
        except LogError as error:
            see = Step("see what stands there", f"ls -la {patient.path('log/.lock')}")
            yield Symptom("serious", "the log's lock cannot be used, so nothing can be recorded", str(error), (see,))
            return
        process = patient.world.processes.process(found) if found else None
        if found is None or (pid and found != pid):
            return  # free, or passed from one to the next: that is how it should be
        pid = found
        if process and process.state == "T":
            steps: tuple[Step, ...] = (
                Step("let it go on", f"kill -CONT {pid}"),
                Step("see what it is", f"ps -o pid,ppid,stat,lstart,args -p {pid}"),
                Step("or end it; what it had not finished was not acknowledged", f"kill -KILL {pid}"),
            )
            evidence = f"process {pid} ({process.command}) is stopped and holds log/.lock"
            yield Symptom("serious", "a stopped process keeps everyone from writing", evidence, steps)
            return
        if look < _LOCK_LOOKS - 1:
            time.sleep(_LOCK_PAUSE_S)
    who = f"process {pid} ({process.command})" if process else f"process {pid}" if pid else "a process"
    what = "somebody has held the log's lock for a second; an append takes milliseconds"
    steps = (
        Step(
            "see what it does",
            f"ps -o pid,ppid,stat,lstart,args -p {pid}" if pid else f"fuser -v {patient.path('log/.lock')}",
        ),
        Step("wait for it, or end it", f"kill {pid}" if pid else ""),
    )
    yield Symptom("warning", what, f"{who} holds log/.lock", steps)
