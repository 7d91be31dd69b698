"""`coord doctor`: find problems, and print what to do about each."""

from collections.abc import Iterator

import msgspec

from coord.admin.doctor.registry import run_checks
from coord.admin.doctor.subject import DoctorFinding, Subject
from coord.cli.commands.admin._steps import step_lines
from coord.cli.paging import limit_option, rest_hint
from coord.cli.parser import argument, command, option
from coord.clients.client import WORDS
from coord.engine.run import Run
from coord.errors import NO_LOG, REFUSED, CoordError, usage_error
from coord.render.format import line, plural

_SHOWN = 20
_SEVERITY_SYMBOLS = {"serious": "🔴", "warning": "🟡", "note": "💡"}


@command("doctor", acts=False)
@argument("client", metavar="[CLIENT]", required=False, suggestions=WORDS)
@option("--prove", is_flag=True, help="Let CLIENT, or every client with hooks here, try to write a claimed file.")
@option("--hook-only", is_flag=True, help="With --prove: call the client's hook, and do not run the client.")
@option("--yes", is_flag=True, help="With --prove: do not ask before the client asks its model.")
@limit_option(f"findings; the default is {_SHOWN}, and all with --json")
def doctor(run: Run, client: str | None, prove: bool, hook_only: bool, yes: bool, limit: int | None) -> None:
    """Find problems with the log, its folder and this installation, and show how to fix each, the safest way first.

    It changes nothing. Exit code 0 means that nothing is wrong, 1 that something is, and 4 that the log cannot be used.

    With --prove, a client is run without a user and asked to write a file in a scratch folder, which another session
    has claimed. The result is `denied`, which has exit code 0; `not asked`: the client wrote the file without asking a
    hook; `asked and ignored`; or `not tried`, with the reason. If the client is not tried, its hook is called instead,
    and `hook` in the JSON document is the result of that.

    \b
    Examples:
      coord doctor
      coord doctor --prove claude
      coord doctor --json | jq -r '.findings[].what'
    """
    if prove:
        from coord.cli.commands.admin._prove import prove_clients  # the other checks do not need it

        prove_clients(run, client or "", hook_only=hook_only, yes=yes)
        return
    if client or hook_only or yes:
        raise usage_error(f"a client, --hook-only and --yes need --prove: coord doctor --prove {client or 'CLIENT'}")
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
            yield from step_lines(step)
