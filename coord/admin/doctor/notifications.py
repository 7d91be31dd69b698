"""Check the command that notifies the person: whether it can be run, and whether the last notification failed."""

from collections.abc import Iterator

from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject
from coord.errors import CoordError
from coord.platform.executable import find_program
from coord.render.format import line, time_text
from coord.workspace.notify.record import read_failure
from coord.workspace.paths import person_config_path
from coord.workspace.person_config import read_person_config
from eventlog.events import from_micros

_NOT_TOLD = "your notifications do not work"
_SET = RepairStep("set another command, or none", "coord notify --command CMD")
_OFF = RepairStep("or stop notifications", "coord notify --off")


def notifications(subject: Subject) -> Iterator[DoctorFinding]:
    """Find a command that cannot be run, and a notification that failed. Other commands do not report this."""
    try:
        words = read_person_config(subject.system.env).notify
    except CoordError as error:
        yield DoctorFinding("warning", _NOT_TOLD, error.message, (RepairStep("look at the setting", "coord notify"),))
        return
    if words and not find_program(subject.system.env, words[0]):
        evidence = f"{person_config_path(subject.system.env)} names a program that cannot be run: {line(words[0], 200)}"
        yield DoctorFinding("warning", _NOT_TOLD, evidence, (_SET, _OFF))
    elif words and (failure := read_failure(subject.folder.cache)):
        micros, _, reason = failure.partition(" ")
        is_time = micros.isdecimal() and len(micros) <= 16
        at = f" ({time_text(from_micros(int(micros)), subject.system.wall())})" if is_time else ""
        steps = (RepairStep("run the command now", "coord notify --test"), _SET, _OFF)
        yield DoctorFinding("warning", "the last notification failed", f"{line(reason, 300)}{at}", steps)
