"""`coord demo`: print the demo as it runs, or as JSON."""

import os
import sys

import msgspec

from coord.cli.commands.board._demo import PlayedStep, play, temporary_folder
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import USAGE, CoordError
from coord.render.console.output import print_row

_BOLD, _BOLD_CYAN, _FAINT = "1", "1;36", "2"


@command("demo", acts=False)
def demo(run: Run) -> None:
    """Watch three sessions work together. They are real processes, in a temporary folder that is removed afterwards.

    \b
    Example:
      coord demo
    """
    if os.name != "posix":
        raise CoordError(USAGE, "the demo needs a POSIX shell.")
    steps: list[PlayedStep] = []
    use_colours = sys.stdout.isatty() and not run.system.env.get("NO_COLOR")

    def show(part: str | PlayedStep) -> None:
        if isinstance(part, PlayedStep):
            steps.append(part)
        if not run.json:
            print_row(_render_text(part, use_colours))

    with temporary_folder() as folder:
        play(folder, run.system.env, show)
    if run.json:
        run.say("", {"steps": msgspec.to_builtins(steps)})


def _render_text(part: str | PlayedStep, use_colours: bool) -> str:
    if isinstance(part, str):
        return _styled(f"\n─── {part}\n", _BOLD, use_colours)
    prompt = _styled(f"{part.session}$", _BOLD_CYAN, use_colours)
    code = "" if part.code == 0 else _styled(f"\n(exit code {part.code})", _FAINT, use_colours)
    return f"{prompt} {part.typed}\n{part.output.rstrip()}{code}\n"


def _styled(text: str, style: str, use_colours: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if use_colours else text
