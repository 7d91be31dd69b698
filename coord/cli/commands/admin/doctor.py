"""`coord doctor`: what is wrong here, and what to do about it."""

from collections.abc import Iterator

import msgspec

from coord.admin.doctor.registry import run_checks
from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import NO_LOG, REFUSED, CoordError
from coord.render.format import line, plural

_SHOWN = 20
_SEVERITY_SYMBOLS = {"serious": "🔴", "warning": "🟡", "note": "💡"}


@command("doctor", acts=False)
def doctor(run: Run) -> None:
    """Say what is wrong with the log, its folder and this installation, and what to do about it, the safest first.

    It changes nothing. Exit 0 if nothing is wrong, 1 if something is, 4 if the log cannot be used at all.

    \b
    Examples:
      coord doctor
      coord doctor --json | jq -r '.findings[].what'
    """
    subject = Subject(run.system, run.root)
    made, found = run_checks(subject)
    wrong = [symptom for _, symptom in found if symptom.severity != "note"]
    run.say("\n".join(_render_lines(made, [symptom for _, symptom in found], len(wrong))), _data(subject, made, found))
    if subject.unusable:
        raise CoordError(NO_LOG, "")
    if wrong:
        raise CoordError(REFUSED, "")


def _data(subject: Subject, made: list[str], found: list[tuple[str, DoctorFinding]]) -> dict[str, object]:
    return {
        "folder": subject.workspace.folder if subject.workspace else "",
        "checks": made,
        "findings": [{"check": name, **msgspec.to_builtins(symptom)} for name, symptom in found],
    }


def _render_lines(made: list[str], found: list[DoctorFinding], wrong: int) -> Iterator[str]:
    if not found:
        yield f"✅ {plural(len(made), 'check')}, nothing found."
        return
    if wrong:
        notes = f" and {plural(len(found) - wrong, 'thing')} good to know" if len(found) > wrong else ""
        count = f"{plural(len(made), 'check')}, {plural(wrong, 'thing')} wrong{notes}"
        yield f"{count}, the worst first. Nothing was changed."
    else:
        yield f"✅ {plural(len(made), 'check')}, nothing wrong. Good to know:"
    for symptom in found[:_SHOWN]:
        yield ""
        yield f"{_SEVERITY_SYMBOLS[symptom.severity]} {line(symptom.what, 200)}"
        yield f"   {line(symptom.evidence, 500)}"
        for step in symptom.do:
            yield from _step(step)
    if len(found) > _SHOWN:
        yield f"\n… and {len(found) - _SHOWN} more: --json shows all"


def _step(step: RepairStep) -> Iterator[str]:
    yield f"   → {line(step.why, 300)}{':' if step.command else ''}"
    if step.command:
        yield f"       {line(step.command, 1000)}"
