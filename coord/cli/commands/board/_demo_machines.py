"""Run the demo of two machines: two clones of one repository in a temporary folder, with a session and a link in each.

The bare repository that both have cloned is their remote. It is renamed while it should be away.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from tempfile import TemporaryDirectory

from msgspec import Struct

from coord.cli.commands.board._demo import DemoStep, PlayedStep, Shell
from coord.errors import CoordError

MACHINES = {"ana": "laptop", "ben": "desktop"}
_SETTINGS = "sync_seconds = 1\n"


class Race(Struct, frozen=True):
    """A command that both sessions type at the same instant. One of them succeeds, and the other is refused."""

    command: str


SCRIPT: tuple[str | DemoStep | Race, ...] = (
    "Two machines: ana works on a laptop, ben on a desktop. Both have cloned one repository, and join its git remote.",
    DemoStep("ana", "coord remote add git origin"),
    DemoStep("ana", "coord start --name ana"),
    DemoStep("ben", "coord remote add git origin"),
    DemoStep("ben", "coord start --name ben"),
    DemoStep("ben", "coord sync"),
    "A race: both claim one file at the same instant. Exactly one gets it.",
    Race("coord claim file app.py"),
    "A message travels by itself.",
    DemoStep("ana", 'coord send ben Question "Which port does the server use?"'),
    DemoStep("ben", "coord inbox --wait 20s"),
    "The remote goes away. Nobody can be asked, so a claim is refused; with --offline it is provisional.",
    DemoStep("ben", "mv ../shared.git ../away.git"),
    DemoStep("ben", "coord claim file docs.md", 1),
    DemoStep("ben", "coord claim file docs.md --offline"),
    "The remote comes back. A claim that the machines agree on comes before a provisional one, and ben is told.",
    DemoStep("ben", "mv ../away.git ../shared.git"),
    DemoStep("ana", "coord claim file docs.md"),
    DemoStep("ben", "coord sync"),
    DemoStep("ben", "coord inbox"),
    "The board of either machine shows everyone.",
    DemoStep("ana", "coord status"),
)


def play_machines(env: Mapping[str, str], show: Callable[[str | PlayedStep], None]) -> None:
    """Play the script in a temporary folder, and call `show` for each heading and step.

    Raises CoordError (1) for an unexpected exit code.
    """
    with TemporaryDirectory(prefix="coord-demo-", ignore_cleanup_errors=True) as base, ExitStack() as stack:
        shells = _open_shells(os.path.realpath(base), env, stack)
        for step in SCRIPT:
            if isinstance(step, str):
                show(step)
            elif isinstance(step, Race):
                _race(shells, step.command, show)
            else:
                played = PlayedStep(step.session, step.command, *shells[step.session].run(step.command))
                show(played)
                if played.code != step.code:
                    raise _failed(f"`{step.command}` of {step.session} exited with {played.code}, not {step.code}")


def _open_shells(base: str, env: Mapping[str, str], stack: ExitStack) -> dict[str, Shell]:
    """Return a shell for each session, in its clone; at the end, the links and the shells are ended."""
    shells: dict[str, Shell] = {}
    for name, machine in MACHINES.items():
        home = os.path.join(base, f"home of {name}")
        os.mkdir(home)
        shells[name] = shell = Shell(base, {**env, "HOME": home, "GIT_CONFIG_NOSYSTEM": "1"})
        stack.callback(shell.close)
        for command in (
            "[ -d shared.git ] || git init --quiet --bare shared.git",
            f"git clone --quiet shared.git {machine} 2>&1 && cd {machine}",
            f"coord init && printf %s '{_SETTINGS}' >> COORDINATION/config.toml",
        ):
            output, code = shell.run(command)
            if code:
                raise _failed(f"`{command}` exited with {code}: {output.strip()}")
        stack.callback(shell.run, "coord link --stop")
    return shells


def _race(shells: Mapping[str, Shell], command: str, show: Callable[[str | PlayedStep], None]) -> None:
    for shell in shells.values():
        shell.begin(command)
    played = [PlayedStep(name, command, *shell.finish()) for name, shell in shells.items()]
    for step in played:
        show(step)
    if sorted(step.code for step in played) != [0, 1]:
        raise _failed(f"`{command}` has no single winner")


def _failed(reason: str) -> CoordError:
    return CoordError(1, f"the demo failed: {reason}.")
