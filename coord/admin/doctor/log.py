"""Checks of the journals, the checkpoint, the clock and the lock.

The first step for a damaged or rewound journal is always to make a copy, and no step deletes a journal: even a damaged
one can be the only record of someone's work.
"""

import os
import time
from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject, join_limited
from coord.admin.verify import JournalResult
from coord.engine.journals.archiving import ended_before, folder_problem, reason_to_keep, sessions_with_requests
from coord.engine.journals.problems import clock_note
from coord.render.format import duration_text, plural, time_text
from coord.workspace.paths import REMOVED
from eventlog.errors import LogError
from eventlog.events import DAY_S, add_time
from eventlog.local.files import ARCHIVE_FOLDER
from eventlog.local.lock import SEAL_SUFFIX, lock_owner
from eventlog.local.writer import TORN_SUFFIX

_LOCK_LOOKS, _LOCK_PAUSE_S = 5, 0.2  # an append takes milliseconds, so a lock that is held at every look is stuck


def unusable_log(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a log that as a whole cannot be used."""
    if subject.unusable:
        look = RepairStep("see what is there", f"ls -la {subject.path('log')}")
        yield DoctorFinding("serious", "the log cannot be used", subject.unusable, (look,))


def damage(subject: Subject) -> Iterator[DoctorFinding]:
    """Find journals that are damaged, that cannot be read, or that have no events."""
    for journal in subject.verified.journals:
        if journal.damage:
            steps: tuple[RepairStep, ...] = (
                _copy(subject),
                RepairStep("see every damaged line", "coord verify"),
                RepairStep(
                    "you can leave it as it is: undamaged lines are still used, and its session uses a new journal"
                ),
                _replace(subject, journal) if journal.events else _move_out(subject, journal),
            )
            yield DoctorFinding("serious", f"{journal.file} is damaged", _damage_text(journal), steps)
        if journal.problem:
            steps = (
                RepairStep("see what it is", f"ls -la {subject.path(journal.file)}"),
                RepairStep("make it readable, or move it out of the log; until then none of its events are used"),
            )
            yield DoctorFinding("serious", f"{journal.file} cannot be used", journal.problem, steps)
        if journal.whole and not journal.events:
            evidence = f"{plural(journal.tear, 'byte')} without a line end" if journal.tear else "it is empty"
            yield DoctorFinding("note", f"{journal.file} has no events", evidence, (_move_out(subject, journal),))


def _damage_text(journal: JournalResult) -> str:
    first, last, more = journal.damage[0], journal.damage[-1], len(journal.damage) - 1
    text = f"line {first.line}, byte {first.byte}: {first.reason}"
    return text + (f"; {plural(more, 'more place')}, the last in line {last.line}: {last.reason}" if more else "")


def _move_out(subject: Subject, journal: JournalResult) -> RepairStep:
    why = "it has no usable events: move it out of the log, unless you can restore it from a backup"
    return RepairStep(why, f"mv {subject.path(journal.file)} ~/")


def _copy(subject: Subject) -> RepairStep:
    return RepairStep("before anything else, make a copy", f"cp -a {subject.path('log')} ~/coord-log-copy")


def _replace(subject: Subject, journal: JournalResult) -> RepairStep:
    why = (
        f"if a backup has {journal.session}.jsonl undamaged, restore it while no session is running, "
        "then delete the checkpoint"
    )
    return RepairStep(why, f"rm -f {subject.path('.cache/checkpoint')}; coord verify")


def rewinds(subject: Subject) -> Iterator[DoctorFinding]:
    """Find journals that were longer, or had other content, when they were read before."""
    for journal in subject.verified.journals:
        if journal.rewound:
            cause = RepairStep(
                "find what put an older file there: git stash or checkout, a backup, or a program that syncs folders"
            )
            steps = (_copy(subject), cause, _replace(subject, journal))
            if journal.rewound == REMOVED and (repository := subject.folder.repository):
                forget = f"rm -f {os.path.join(repository.common, 'coord')} {subject.path('.cache/checkpoint')}"
                steps = (*steps[1:], RepairStep("or, if nobody needs it, make coord forget it", forget))
            yield DoctorFinding("serious", f"{journal.file} was rewound", journal.rewound, steps)


def duplicate_journals(subject: Subject) -> Iterator[DoctorFinding]:
    """Find journals that are both in the log and in the archive."""
    for name in subject.verified.duplicates:
        here, there = subject.path(f"log/{name}.jsonl"), subject.path(f"log/{ARCHIVE_FOLDER}/{name}.jsonl")
        steps = (
            RepairStep("see whether they are the same", f"cmp {here} {there}"),
            RepairStep("if they are the same, or the one in log/ is longer, move the other one away", f"mv {there} ~/"),
        )
        evidence = f"in log/, which is used, and in log/{ARCHIVE_FOLDER}/, which is ignored"
        yield DoctorFinding("warning", f"{name}.jsonl is in two places", evidence, steps)


def unarchived_journals(subject: Subject) -> Iterator[DoctorFinding]:
    """Find journals that should have been archived long ago, for other reasons than those that are reported above."""
    history, state, folder = subject.snapshot.history, subject.state, subject.folder
    busy, problem = sessions_with_requests(state), folder_problem(folder)
    reasons: list[str] = []
    for name in ended_before(history, state, add_time(subject.now, -7 * DAY_S)):
        position = history.positions[name]
        reported = position.damage or position.rewound or name in {*history.problems, *history.duplicates}
        reason = reason_to_keep(subject.system, folder, history, name, position, {name} & busy) or problem
        if reason and not reported:
            reasons.append(f"{name}.jsonl: {reason}")
    if reasons:
        steps = (RepairStep("see each of them with its reason", "coord archive --dry-run"),)
        what = f"{plural(len(reasons), 'journal')} of sessions that ended more than a week ago cannot be archived"
        yield DoctorFinding("note", what, join_limited(reasons), steps)


def checkpoint(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a checkpoint that cannot be used, or that does not agree with the journals."""
    delete = RepairStep(
        "delete it: it is a cache, and the next command builds it again", f"rm {subject.path('.cache/checkpoint')}"
    )
    if subject.verified.checkpoint == "damaged":
        where = "a checksum in it or in .cache/index/ is wrong"
        evidence = f"{where}, so it is not used: answers are right, but commands take longer"
        yield DoctorFinding("warning", "the checkpoint is damaged", evidence, (delete,))
    if subject.verified.checkpoint == "different":
        evidence = "what it has saved differs from what the journals give, so answers can be wrong"
        yield DoctorFinding("serious", "the checkpoint does not agree with the journals", evidence, (delete,))


def newer_events(subject: Subject) -> Iterator[DoctorFinding]:
    """Find events of types that this version does not know."""
    if known := subject.state.unknown:
        evidence = join_limited(f"{plural(count, 'event')} {name}" for name, count in known.items())
        steps = (
            RepairStep("in a clone of coord, install the newer version", "git pull && uv tool install --reinstall ."),
            RepairStep("or, if you installed it with pipx", "git pull && pipx install --force ."),
        )
        what = "a newer version of coord writes to this log, and this version ignores some of its events"
        yield DoctorFinding("warning", what, evidence, steps)


def leftover_files(subject: Subject) -> Iterator[DoctorFinding]:
    """Find the files that coord writes next to a journal after a crash or a failed write."""
    files: list[str] = []
    for folder in ("log", f"log/{ARCHIVE_FOLDER}"):
        try:
            files += [f"{folder}/{name}" for name in os.listdir(os.path.join(subject.folder.folder, folder))]
        except OSError:
            continue
    torn = sorted(name for name in files if name.endswith(TORN_SUFFIX))
    sealed = sorted(
        name for name in files if name.endswith(SEAL_SUFFIX) and not name.startswith(f"log/{ARCHIVE_FOLDER}/")
    )
    if torn:
        steps = (
            RepairStep(
                "nothing was lost, because the command did not finish; to see the line",
                f"tail -c 500 {subject.path(torn[0])}",
            ),
            RepairStep("if you do not need it, move it away", f"mv {subject.path('log')}/*{TORN_SUFFIX} ~/"),
        )
        what = f"{plural(len(torn), 'incomplete line')} left by a crash, moved out of the journal"
        yield DoctorFinding("note", what, join_limited(torn), steps)
    if sealed:
        steps = (
            RepairStep("the session continues in a new journal; check the disk", f"df -h {subject.path('log')}"),
            RepairStep("when the session has ended, archive the journal and this mark", "coord archive"),
        )
        what = f"{plural(len(sealed), 'journal')} sealed after a failed write to the disk"
        yield DoctorFinding("note", what, join_limited(sealed), steps)


# --- clocks and the lock ----------------------------------------------------------------------------------------------


def clocks(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a clock that is wrong: this machine's, if it is behind the log, or another machine's, if it is ahead."""
    if subject.snapshot.clock_behind_s >= 1:
        wait = duration_text(subject.snapshot.clock_behind_s)
        steps = (
            RepairStep("compare it with a clock that you trust", "date -u"),
            RepairStep("see whether the system synchronizes its clock", "timedatectl status"),
            RepairStep(f"or wait {wait}: until then nothing is lost, but claims last longer"),
        )
        note = clock_note(subject.snapshot.clock_behind_s)
        yield DoctorFinding("warning", "this machine's clock is behind the log", note, steps)
    for journal in subject.verified.journals:
        if journal.held_back:
            steps = (
                RepairStep("compare this machine's clock with one that you trust", "date -u"),
                RepairStep("if this one is right, correct the clock of the machine that the session runs on"),
                RepairStep("or wait: the events are used when their time is less than a minute ahead"),
            )
            first = time_text(journal.held_back, subject.now, seconds=True)
            evidence = f"its events from {first} on are not used yet"
            yield DoctorFinding("warning", f"{journal.file} comes from a machine whose clock is ahead", evidence, steps)


def lock(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a process that holds the lock for so long that no other command can write."""
    pid = 0
    for look in range(_LOCK_LOOKS):
        try:
            owner = lock_owner(subject.folder.log)
        except LogError as error:
            see = RepairStep("see what it is", f"ls -la {subject.path('log/.lock')}")
            what = "the log's lock cannot be used, so no command can write to the log"
            yield DoctorFinding("serious", what, str(error), (see,))
            return
        process = subject.system.processes.process(owner) if owner else None
        if owner is None or (pid and owner != pid):
            return  # the lock is free, or different processes hold it in turn
        pid = owner
        if process and process.state == "T":
            steps: tuple[RepairStep, ...] = (
                RepairStep("let it continue", f"kill -CONT {pid}"),
                RepairStep("see what it is", f"ps -o pid,ppid,stat,lstart,args -p {pid}"),
                RepairStep("or kill it; what it was writing was not reported as done", f"kill -KILL {pid}"),
            )
            evidence = f"process {pid} ({process.command}) is stopped (as by Ctrl-Z) and holds log/.lock"
            yield DoctorFinding("serious", "a stopped process keeps all others from writing", evidence, steps)
            return
        if look < _LOCK_LOOKS - 1:
            time.sleep(_LOCK_PAUSE_S)
    owner_text = f"process {pid} ({process.command})" if process else f"process {pid}" if pid else "a process"
    look_command = f"ps -o pid,ppid,stat,lstart,args -p {pid}" if pid else f"fuser -v {subject.path('log/.lock')}"
    steps = (
        RepairStep("see what it does", look_command),
        RepairStep("wait until it has finished, or end it", f"kill {pid}" if pid else ""),
    )
    what = "a process has held the log's lock for a second; normally it is held for milliseconds"
    yield DoctorFinding("warning", what, f"{owner_text} holds log/.lock", steps)
