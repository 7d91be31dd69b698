"""Decide what an attempt to write the canary proves. Pure: the evidence is passed in."""

from typing import Literal, TypeAlias

from coord.admin.prove.attempt import Attempt
from coord.admin.prove.canary import Evidence

Verdict: TypeAlias = Literal["denied", "not_asked", "ignored", "not_tried"]
"""`denied`: the write was denied. `not_asked`: the client wrote the file without asking a hook that could deny it.
`ignored`: a hook denied the write, and the file was written all the same. `not_tried`: nothing was proved.
"""


def judge_run(seen: Evidence, attempt: Attempt) -> tuple[Verdict, str]:
    """Return what the run of a client proves, and why."""
    if seen.denied and seen.written and not seen.by_command:
        return "ignored", "a hook denied the write, but the file was written"
    if seen.denied and seen.written:
        return "denied", "a hook denied the write; then a shell command wrote the file, which no hook can prevent"
    if seen.denied:
        return "denied", "it asked to write a claimed file, and a hook denied that"
    if seen.written:
        return "not_asked", f"it wrote a claimed file, and {_no_denial(seen)}"
    if attempt.failed:
        return "not_tried", f"{attempt.failed}{_quoted(attempt)}"
    return "not_tried", f"its model did not try to write the file{_quoted(attempt)}"


def judge_hook(seen: Evidence, attempt: Attempt) -> tuple[Verdict, str]:
    """Return what a call of the hook's command proves, and why."""
    if attempt.denies:
        return "denied", "the hook's command denied the write of a claimed file"
    if seen.denied:
        return "ignored", f"coord denied the write, but the answer of the hook's command allows it: {attempt.failed}"
    return "not_asked", f"the hook's command did not ask coord: {_failure(seen) or attempt.failed}{_quoted(attempt)}"


def _no_denial(seen: Evidence) -> str:
    if failure := _failure(seen):
        return f"the hook failed: {failure}"
    return "no hook ran before the write, only at other times" if seen.ran else "no hook of coord ran"


def _failure(seen: Evidence) -> str:
    """Return the error of a failed hook. The line begins with the time, the client and the hook event."""
    return seen.failure.split(" ", 3)[-1] if seen.failure else ""


def _quoted(attempt: Attempt) -> str:
    return f" (it printed: {attempt.last_line})" if attempt.last_line else ""
