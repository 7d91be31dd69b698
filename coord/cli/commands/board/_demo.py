"""The demo: three real sessions, each a shell process of its own, play a story in a temporary folder.

Nothing is pretended: the driver types into three shells and prints what each of them shows.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from msgspec import Struct

from coord.clients.registry import CLIENTS
from coord.errors import CoordError

SESSIONS = ("ada", "ben", "cai")


class DemoStep(Struct, frozen=True):
    """Something that one session types, and the exit code that the story needs. `{message}` is the last message that
    this session was shown.
    """

    who: str
    types: str
    code: int = 0


SCRIPT: tuple[str | DemoStep, ...] = (
    "Three sessions register. Each is a shell of its own.",
    DemoStep("ada", "coord start --name ada"),
    DemoStep("ben", "coord start --name ben"),
    DemoStep("cai", "coord start --name cai"),
    "Parallel work: ada takes one piece, ben wants the same one, is told who has it, and takes another.",
    DemoStep("ada", "coord claim droplet church-guidance 4"),
    DemoStep("ada", 'coord heartbeat building church-guidance "BUILD - landing page" 25%'),
    DemoStep("ben", "coord claim droplet church-guidance", 1),
    DemoStep("ben", "coord claim droplet email-automation 3"),
    "A question and its answer, without a person in between.",
    DemoStep("ben", 'coord send ada Question "Do you need the email templates? I am building email-automation"'),
    DemoStep("ada", "coord inbox"),
    DemoStep("ada", 'coord reply {message} "Great timing! church-guidance needs email delivery"'),
    DemoStep("ben", "coord inbox"),
    "A handoff: cai goes on where ada stops, and nobody else could take it in between.",
    DemoStep("ada", 'coord handoff droplet church-guidance cai --note "pages done, deploy is yours"'),
    DemoStep("cai", "coord inbox"),
    DemoStep("ada", 'coord end --summary "landing page and intake form"'),
    "A blocker told to all, seen on the board, and resolved.",
    DemoStep("ben", 'coord heartbeat building email-automation BUILD 60% --blocked-on "the Stripe API key"'),
    DemoStep("ben", 'coord send broadcast Blocker "Need the Stripe API key" --urgency high --needs-ack'),
    DemoStep("cai", "coord status"),
    DemoStep("cai", "coord inbox"),
    DemoStep("cai", 'coord reply {message} "The key is in the vault, under stripe/live"'),
    DemoStep("ben", "coord inbox"),
    DemoStep("ben", 'coord heartbeat building email-automation "BUILD - tests passing" 80%'),
    "And what a person sees: COORDINATION/STATUS_BOARD.md",
    DemoStep("cai", "cat COORDINATION/STATUS_BOARD.md"),
)


class PlayedStep(Struct):
    """One step as it was played."""

    session: str
    typed: str
    output: str
    code: int


def play(folder: str, env: Mapping[str, str], tell: Callable[[str | PlayedStep], None]) -> None:
    """Play the story in an empty folder. Raises CoordError (1) if it does not go as it must."""
    shells = {name: _Shell(folder, env) for name in SESSIONS}
    try:
        shells["ada"].run("coord init")
        message = ""
        for step in SCRIPT:
            if isinstance(step, str):
                tell(step)
                continue
            typed = step.types.replace("{message}", message)
            output, code = shells[step.who].run(typed)
            shown = re.findall(r"(?m)^From: .* · (\S+/\d+)$", output)
            message = shown[-1] if shown else message
            tell(PlayedStep(step.who, typed, output, code))
            if code != step.code:
                raise CoordError(1, f"the demo went wrong: `{typed}` of {step.who} gave {code}, not {step.code}.")
    finally:
        for shell in shells.values():
            shell.close()


class _Shell:
    """A shell that is a session's process: leader of its own process session, and no descendant of ours, so that no
    agent's client above us is taken for it.
    """

    def __init__(self, folder: str, env: Mapping[str, str]) -> None:
        to_shell, self._typing = os.pipe()
        self._reading, from_shell = os.pipe()
        starter = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, "/bin/sh"],
            cwd=folder,
            env=clean_environment(env),
            stdin=to_shell,
            stdout=from_shell,
            stderr=subprocess.STDOUT,
        )
        os.close(to_shell)
        os.close(from_shell)
        starter.wait()
        self._output = os.fdopen(self._reading, "rb")
        command = f"{shlex.quote(sys.executable)} -P -m coord"
        os.write(self._typing, f'coord() {{ {command} "$@"; }}\n'.encode())

    def run(self, command: str) -> tuple[str, int]:
        """Type a command; what it printed, and its exit code."""
        mark = f"done-{os.urandom(8).hex()}"
        os.write(self._typing, f'{command}\necho "{mark} $?"\n'.encode())
        lines: list[str] = []
        for raw in self._output:
            text = raw.decode(errors="replace")
            if mark in text:
                before, _, code = text.partition(mark)
                return "".join([*lines, before]), int(code)
            lines.append(text)
        raise CoordError(1, f"the demo went wrong: a shell ended at `{command}`.")

    def close(self) -> None:
        """Let the shell end."""
        os.close(self._typing)
        self._output.close()


_START = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])
"""


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would make a session of the shells before they start."""
    known = {name for client in CLIENTS for name in (*client.marks, *client.ids)}
    return {name: value for name, value in env.items() if name not in known and not name.startswith("COORD_")}


@contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder that is gone afterwards."""
    with TemporaryDirectory(prefix="coord-demo-", ignore_cleanup_errors=True) as folder:
        yield os.path.realpath(folder)
