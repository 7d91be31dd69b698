"""`coord demo`."""

import click
import msgspec

from coord.demo import Played, play, temporary_folder
from coord.errors import USAGE, CoordError
from coord.options import command
from coord.run import Run


@command("demo", acts=False)
def demo(run: Run) -> None:
    """Watch three sessions work together: real processes, in a temporary folder that is removed afterwards.

    \b
    Example:
      coord demo
    """
    import os

    if os.name != "posix":
        raise CoordError(USAGE, "the demo needs a POSIX shell.")
    told: list[Played] = []

    def tell(part: str | Played) -> None:
        if isinstance(part, Played):
            told.append(part)
        if not run.json:
            click.echo(_words(part))

    with temporary_folder() as folder:
        play(folder, run.world.env, tell)
    if run.json:
        run.say("", {"steps": msgspec.to_builtins(told)})


def _words(part: str | Played) -> str:
    if isinstance(part, str):
        return click.style(f"\n─── {part}\n", bold=True)
    prompt = click.style(f"{part.session}$", fg="cyan", bold=True)
    code = "" if part.code == 0 else click.style(f"\n(exit code {part.code})", dim=True)
    return f"{prompt} {part.typed}\n{part.output.rstrip()}{code}\n"
