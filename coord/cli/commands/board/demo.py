"""`coord demo`."""

import os
import sys

import msgspec

from coord.cli.commands.board._demo import PlayedStep, play, temporary_folder
from coord.cli.parser import command
from coord.engine.run import Run
from coord.errors import USAGE, CoordError

_BOLD, _BOLD_CYAN, _FAINT = "1", "1;36", "2"


@command("demo", acts=False)
def demo(run: Run) -> None:
    """Watch three sessions work together: real processes, in a temporary folder that is removed afterwards.

    \b
    Example:
      coord demo
    """
    if os.name != "posix":
        raise CoordError(USAGE, "the demo needs a POSIX shell.")
    told: list[PlayedStep] = []
    colours = sys.stdout.isatty() and not run.system.env.get("NO_COLOR")

    def tell(part: str | PlayedStep) -> None:
        if isinstance(part, PlayedStep):
            told.append(part)
        if not run.json:
            sys.stdout.write(_words(part, colours) + "\n")
            sys.stdout.flush()

    with temporary_folder() as folder:
        play(folder, run.system.env, tell)
    if run.json:
        run.say("", {"steps": msgspec.to_builtins(told)})


def _words(part: str | PlayedStep, colours: bool) -> str:
    if isinstance(part, str):
        return _marked(f"\n─── {part}\n", _BOLD, colours)
    prompt = _marked(f"{part.session}$", _BOLD_CYAN, colours)
    code = "" if part.code == 0 else _marked(f"\n(exit code {part.code})", _FAINT, colours)
    return f"{prompt} {part.typed}\n{part.output.rstrip()}{code}\n"


def _marked(text: str, how: str, colours: bool) -> str:
    return f"\x1b[{how}m{text}\x1b[0m" if colours else text
