"""The steps of a repair as lines of text."""

from collections.abc import Iterator

from coord.admin.doctor.subject import RepairStep
from coord.render.format import line


def step_lines(step: RepairStep) -> Iterator[str]:
    """Yield the lines of a step: its purpose, and its command."""
    yield f"   → {line(step.why, 300)}{':' if step.command else ''}"
    if step.command:
        yield f"       {line(step.command, 1000)}"
