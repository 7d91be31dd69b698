"""What can be wrong with the journals, the checkpoint, the clock and the lock.

Every advice about a journal begins with keeping a copy, and none ends in deleting one: what does not verify may still
be all that someone has.
"""

import os
import time
from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited
from coord.admin.verify import JournalResult
from coord.engine.journal_problems import clock_note
from coord.render.format import duration_text, plural, time_text
from coord.workspace.paths import REMOVED
from eventlog.errors import LogError
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.lock import SEAL_SUFFIX, lock_owner
from eventlog.local.writer import TORN_SUFFIX

_LOCK_LOOKS, _LOCK_PAUSE_S = 5, 0.2  # held at every look is held long: an append takes milliseconds


def unusable_log(subject: Subject) -> Iterator[DoctorFinding]:
    """The log as a whole cannot be read."""
    if subject.unusable:
        look = RepairStep("look at what is there", f"ls -la {subject.path('log')}")
        yield DoctorFinding("serious", "the log cannot be used", subject.unusable, (look,))


def damage(subject: Subject) -> Iterator[DoctorFinding]:
    """Journals that are not as they were written, or cannot be read."""
    for journal in subject.verified.journals:
        if journal.damage:
            spot, more = journal.damage[0], len(journal.damage) - 1
            last = journal.damage[-1]
            where = f"line {spot.line}, byte {spot.byte}: {spot.reason}"
            where += f", and {more} more places, the last in line {last.line}: {last.reason}" if more else ""
            goes_on = RepairStep(
                "nothing has to be done: what verifies counts, and its session goes on in a new journal"
            )
            places = RepairStep("see every place", "coord verify")
            mend = _replace(subject, journal) if journal.events else _move_out(subject, journal)
            yield DoctorFinding("serious", f"{journal.file} is damaged", where, (_copy(subject), places, goes_on, mend))
        if journal.problem:
            look = RepairStep("see what stands there", f"ls -la {subject.path(journal.file)}")
            out = RepairStep("make it readable, or move it out of the log: nothing of it counts as it is")
            yield DoctorFinding("serious", f"{journal.file} cannot be used", journal.problem, (look, out))
        if journal.whole and not journal.events:
            evidence = f"{plural(journal.tear, 'byte')} without a line end" if journal.tear else "it is empty"
            yield DoctorFinding("note", f"{journal.file} has no event", evidence, (_move_out(subject, journal),))


def _move_out(subject: Subject, journal: JournalResult) -> RepairStep:
    why = "no event is in it, so nothing of it counts: unless a backup has it whole, move it out of the log"
    return RepairStep(why, f"mv {subject.path(journal.file)} ~/")


def _copy(subject: Subject) -> RepairStep:
    return RepairStep("keep what is there, before anything else", f"cp -a {subject.path('log')} ~/coord-log-copy")


def _replace(subject: Subject, journal: JournalResult) -> RepairStep:
    why = (
        f"if a backup has {journal.session}.jsonl whole, put it in its place while nobody works, and have all read anew"
    )
    return RepairStep(why, f"rm -f {subject.path('.cache/checkpoint')}; coord verify")


def rewinds(subject: Subject) -> Iterator[DoctorFinding]:
    """Journals that were longer, or other, when they were read before."""
    for journal in subject.verified.journals:
        if journal.rewound:
            who = RepairStep(
                "find what put an older file there: a stash, a checkout, a backup, a program that syncs folders"
            )
            steps = (_copy(subject), who, _replace(subject, journal))
            if journal.rewound == REMOVED and (repository := subject.folder.repository):
                forgotten = f"rm -f {os.path.join(repository.common, 'coord')} {subject.path('.cache/checkpoint')}"
                steps = (*steps[1:], RepairStep("or, if nobody misses it, have it forgotten", forgotten))
            yield DoctorFinding("serious", f"{journal.file} was rewound", journal.rewound, steps)


def duplicate_journals(subject: Subject) -> Iterator[DoctorFinding]:
    """A journal in the log and among the ended."""
    for name in subject.verified.twice:
        here, there = subject.path(f"log/{name}.jsonl"), subject.path(f"log/{ARCHIVE_FOLDER}/{name}.jsonl")
        steps = (
            RepairStep("see whether they are the same", f"cmp {here} {there}"),
            RepairStep("if so, or if it is the longer one that is in log/, keep the other elsewhere", f"mv {there} ~/"),
        )
        yield DoctorFinding(
            "warning", f"{name}.jsonl is in two places", f"in log/, which counts, and in log/{ARCHIVE_FOLDER}/", steps
        )


def checkpoint(subject: Subject) -> Iterator[DoctorFinding]:
    """A checkpoint that is not used, or gives wrong answers."""
    delete = (
        RepairStep(
            "it is a cache, which the next command makes anew: delete it", f"rm {subject.path('.cache/checkpoint')}"
        ),
    )
    if subject.verified.checkpoint == "damaged":
        evidence = "its sum is wrong, so it is not used: answers are right, and take longer"
        yield DoctorFinding("warning", "the checkpoint is damaged", evidence, delete)
    if subject.verified.checkpoint == "different":
        evidence = "its saved fold is not what the journals give, so answers may be wrong"
        yield DoctorFinding("serious", "the checkpoint is not what the journals say", evidence, delete)


def newer_events(subject: Subject) -> Iterator[DoctorFinding]:
    """Events that a newer coord wrote."""
    if known := subject.state.unknown:
        evidence = join_limited(f"{plural(count, 'event')} {name}" for name, count in known.items())
        steps = (
            RepairStep("in a clone of coord, get the newer one", "git pull && uv tool install --reinstall ."),
            RepairStep("or, if pipx installed it", "git pull && pipx install --force ."),
        )
        yield DoctorFinding("warning", "a newer coord works here, and not all it says is understood", evidence, steps)


def leftover_files(subject: Subject) -> Iterator[DoctorFinding]:
    """What was put beside the journals when something went wrong."""
    found = []
    for folder in ("log", f"log/{ARCHIVE_FOLDER}"):
        try:
            found += [f"{folder}/{name}" for name in os.listdir(os.path.join(subject.folder.folder, folder))]
        except OSError:
            continue
    torn = sorted(name for name in found if name.endswith(TORN_SUFFIX))
    sealed = sorted(
        name for name in found if name.endswith(SEAL_SUFFIX) and name.startswith("log/") and "/ended/" not in name
    )
    if torn:
        steps = (
            RepairStep(
                "look, if you like: nobody was told that it was recorded", f"tail -c 500 {subject.path(torn[0])}"
            ),
            RepairStep("when nobody misses anything, move it away", f"mv {subject.path('log')}/*{TORN_SUFFIX} ~/"),
        )
        what = f"{plural(len(torn), 'beginning')} of a line, cut off by a crash, put aside"
        yield DoctorFinding("note", what, join_limited(torn), steps)
    if sealed:
        steps = (
            RepairStep(
                "the session went on in a new journal by itself; see to the disk", f"df -h {subject.path('log')}"
            ),
            RepairStep("when its session is over, the mark goes aside with its journal", "coord archive"),
        )
        yield DoctorFinding(
            "note",
            f"{plural(len(sealed), 'journal')} closed after a failed write to the disk",
            join_limited(sealed),
            steps,
        )


# --- clocks and the lock ----------------------------------------------------------------------------------------------


def clocks(subject: Subject) -> Iterator[DoctorFinding]:
    """A clock that is behind the log, here or in comparison with another machine."""
    if subject.snapshot.clock_behind_s >= 1:
        steps = (
            RepairStep("compare it with a clock that you trust", "date -u"),
            RepairStep("where the system can keep it right, see whether it does", "timedatectl status"),
            RepairStep(
                f"or wait {duration_text(subject.snapshot.clock_behind_s)}: nothing is lost meanwhile, "
                "claims only last longer"
            ),
        )
        note = clock_note(subject.snapshot.clock_behind_s)
        yield DoctorFinding("warning", "this machine's clock is behind the log", note, steps)
    for journal in subject.verified.journals:
        if journal.held_back:
            steps = (
                RepairStep("compare this machine's clock with one that you trust", "date -u"),
                RepairStep("if this one is right, correct that of the machine that the session is on"),
                RepairStep("or wait: the events count as soon as time has come nearer"),
            )
            evidence = f"its events from {time_text(journal.held_back, subject.now, seconds=True)} on do not count yet"
            yield DoctorFinding("warning", f"{journal.file} comes from a machine whose clock is ahead", evidence, steps)


def lock(subject: Subject) -> Iterator[DoctorFinding]:
    """A process that keeps everyone from writing."""
    pid = 0
    for look in range(_LOCK_LOOKS):
        try:
            found = lock_owner(subject.folder.log)
        except LogError as error:
            see = RepairStep("see what stands there", f"ls -la {subject.path('log/.lock')}")
            yield DoctorFinding(
                "serious", "the log's lock cannot be used, so nothing can be recorded", str(error), (see,)
            )
            return
        process = subject.system.processes.process(found) if found else None
        if found is None or (pid and found != pid):
            return  # free, or passed from one to the next: that is how it should be
        pid = found
        if process and process.state == "T":
            steps: tuple[RepairStep, ...] = (
                RepairStep("let it go on", f"kill -CONT {pid}"),
                RepairStep("see what it is", f"ps -o pid,ppid,stat,lstart,args -p {pid}"),
                RepairStep("or end it; what it had not finished was not acknowledged", f"kill -KILL {pid}"),
            )
            evidence = f"process {pid} ({process.command}) is stopped and holds log/.lock"
            yield DoctorFinding("serious", "a stopped process keeps everyone from writing", evidence, steps)
            return
        if look < _LOCK_LOOKS - 1:
            time.sleep(_LOCK_PAUSE_S)
    who = f"process {pid} ({process.command})" if process else f"process {pid}" if pid else "a process"
    what = "somebody has held the log's lock for a second; an append takes milliseconds"
    steps = (
        RepairStep(
            "see what it does",
            f"ps -o pid,ppid,stat,lstart,args -p {pid}" if pid else f"fuser -v {subject.path('log/.lock')}",
        ),
        RepairStep("wait for it, or end it", f"kill {pid}" if pid else ""),
    )
    yield DoctorFinding("warning", what, f"{who} holds log/.lock", steps)
