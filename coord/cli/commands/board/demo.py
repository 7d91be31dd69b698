"""`coord demo`: print the demo as it runs, or as JSON."""

import os

import msgspec

from coord.cli.commands.board._demo import PlayedStep, play, temporary_folder
from coord.cli.commands.board._demo_machines import play_machines
from coord.cli.parser import command, option
from coord.engine.board import board_of
from coord.engine.run import Run
from coord.errors import USAGE, CoordError
from coord.render.board.text import board_sections
from coord.render.console.output import print_row
from coord.render.format import terminal_text
from coord.render.styled import Row, Section, styled

_NEXT_STEPS = (
    ("cd your/repository", ""),
    ("coord init", "make the folder COORDINATION, with the log and the board"),
    ("coord install claude", "let the agent's client call coord by itself; or: codex, gemini"),
    ("coord start", "register this shell as a session of your own"),
    ("coord watch", "see the board change while others work"),
)


@command("demo", acts=False)
@option("--machines", is_flag=True, help="Show two machines that share one history through a git remote.")
def demo(run: Run, machines: bool) -> None:
    """Watch three sessions work together. They are real processes, in a temporary folder that is removed afterwards.

    With --machines, two sessions work in two clones of a repository, as on two machines: they race for a file, send a
    message, and lose their remote for a while. It takes about 15 seconds.

    \b
    Examples:
      coord demo
      coord demo --machines
    """
    if os.name != "posix":
        raise CoordError(USAGE, "the demo needs a POSIX shell.")
    steps: list[PlayedStep] = []

    def show(part: str | PlayedStep) -> None:
        if isinstance(part, PlayedStep):
            steps.append(part)
        if not run.json:
            _print(run, [_section(part)])

    def look() -> None:
        if not run.json:
            _print(run, [Section("─── What you would see now: coord status", []), *_board(run, folder)])
            _print(run, [_next_steps()])

    if machines:
        play_machines(run.system.env, show)
    else:
        with temporary_folder() as folder:
            play(folder, run.system.env, show, look)
    if run.json:
        run.say("", {"steps": msgspec.to_builtins(steps)})


def _print(run: Run, sections: list[Section]) -> None:
    run.show(sections, {})
    print_row("")


def _section(part: str | PlayedStep) -> Section:
    """Return a heading, or a command with its output."""
    if isinstance(part, str):
        return Section(f"─── {part}", [])
    prompt = Row([(f"{part.session}$", "prompt"), (f" {part.typed}", "name")])
    output = [Row(styled(terminal_text(line))) for line in part.output.rstrip().split("\n")]
    code = [Row(styled(f"(exit code {part.code})", "quiet"))] if part.code else []
    return Section("", [prompt, *output, *code])


def _board(run: Run, folder: str) -> list[Section]:
    """Return the board of the demo's folder, as its sessions left it."""
    inside = Run(run.system, folder)
    snapshot = inside.read_state()
    return board_sections(board_of(inside.system, inside.config, snapshot, snapshot.now), "")


def _next_steps() -> Section:
    rows = [Row(styled(why, "quiet"), (styled(f"  {typed}", "name"),)) for typed, why in _NEXT_STEPS]
    guide = Row(styled("The tutorial is docs/tutorial.md; coord --help lists the commands."))
    return Section("─── What you can do next", [*rows, guide])
