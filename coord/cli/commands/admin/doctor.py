"""`coord doctor`: find problems, and print what to do about each."""

from collections.abc import Iterator

import msgspec

from coord.admin.doctor.registry import run_checks
from coord.admin.doctor.subject import DoctorFinding, RepairStep, Subject
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import NO_LOG, REFUSED, CoordError
from coord.render.format import line, plural

_SHOWN = 20
_SEVERITY_SYMBOLS = {"serious": "🔴", "warning": "🟡", "note": "💡"}


@command("doctor", acts=False)
@limit_option(f"findings; the default is {_SHOWN}, and all with --json")
def doctor(run: Run, limit: int | None) -> None:
    """Find problems with the log, its folder and this installation, and show how to fix each, the safest way first.

    It changes nothing. Exit code 0 means that nothing is wrong, 1 that something is, and 4 that the log cannot be used.

    \b
    Examples:
      coord doctor
      coord doctor --json | jq -r '.findings[].what'
    """
    subject = Subject(run.system, run.root)
    checks, findings = run_checks(subject)
    problems = sum(finding.severity != "note" for _, finding in findings)
    shown = limit or _SHOWN
    rows = [*_render_lines(len(checks), [finding for _, finding in findings], problems, shown)]
    rest = rest_hint(run, "doctor", len(findings), shown)
    run.say("\n".join([*rows, *(f"\n{row}" for row in rest)]), _data(subject, checks, findings))
    if subject.unusable:
        raise CoordError(NO_LOG, "")
    if problems:
        raise CoordError(REFUSED, "")


def _data(subject: Subject, checks: list[str], findings: list[tuple[str, DoctorFinding]]) -> dict[str, object]:
    return {
        "folder": subject.workspace.folder if subject.workspace else "",
        "checks": checks,
        "findings": [{"check": name, **msgspec.to_builtins(finding)} for name, finding in findings],
    }


def _render_lines(check_count: int, findings: list[DoctorFinding], problems: int, shown: int) -> Iterator[str]:
    checks = plural(check_count, "check")
    if not findings:
        yield f"✅ {checks}, nothing found."
        return
    if problems:
        notes = f" and {plural(len(findings) - problems, 'note')}" if len(findings) > problems else ""
        yield f"{checks}, {plural(problems, 'problem')}{notes}, the worst first. Nothing was changed."
    else:
        yield f"✅ {checks}, nothing wrong. Notes:"
    for finding in findings[:shown]:
        yield ""
        yield f"{_SEVERITY_SYMBOLS[finding.severity]} {line(finding.what, 200)}"
        yield f"   {line(finding.evidence, 500)}"
        for step in finding.do:
            yield from _step_lines(step)


def _step_lines(step: RepairStep) -> Iterator[str]:
    yield f"   → {line(step.why, 300)}{':' if step.command else ''}"
    if step.command:
        yield f"       {line(step.command, 1000)}"
