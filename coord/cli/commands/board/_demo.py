"""Run the demo: three sessions, each a shell process of its own, work together in a temporary folder.

The driver types the script's commands into the shells, and passes on what each shell prints.
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

from coord.errors import CoordError
from coord.servers.environment import clean_environment

SESSIONS = ("ada", "ben", "cai")


class DemoStep(Struct, frozen=True):
    """A command that one session types, and its expected exit code. `{message}` is the id of the last message shown."""

    session: str
    command: str
    code: int = 0


SCRIPT: tuple[str | DemoStep, ...] = (
    "Three sessions register. Each is a shell of its own.",
    DemoStep("ada", "coord start --name ada"),
    DemoStep("ben", "coord start --name ben"),
    DemoStep("cai", "coord start --name cai"),
    "Parallel work: ada claims a droplet, ben wants the same one, sees who has it, and claims another.",
    DemoStep("ada", "coord claim droplet church-guidance 4"),
    DemoStep("ada", 'coord heartbeat building church-guidance "BUILD - landing page" 25%'),
    DemoStep("ben", "coord claim droplet church-guidance", 1),
    DemoStep("ben", "coord claim droplet email-automation 3"),
    "A question and its answer, without a person in between.",
    DemoStep("ben", 'coord send ada Question "Do you need the email templates? I am building email-automation"'),
    DemoStep("ada", "coord inbox"),
    DemoStep("ada", 'coord reply {message} "Great timing! church-guidance needs email delivery"'),
    DemoStep("ben", "coord inbox"),
    "A handoff: cai continues where ada stops, and nobody else can claim the droplet in between.",
    DemoStep("ada", 'coord handoff droplet church-guidance cai --note "pages done, deploy is yours"'),
    DemoStep("cai", "coord inbox"),
    DemoStep("ada", 'coord end --summary "landing page and intake form"'),
    "A blocker: ben tells everyone, the board shows it, and cai resolves it.",
    DemoStep("ben", 'coord heartbeat building email-automation BUILD 60% --blocked-on "the Stripe API key"'),
    DemoStep("ben", 'coord send broadcast Blocker "Need the Stripe API key" --urgency high --needs-ack'),
    DemoStep("cai", "coord status"),
    DemoStep("cai", "coord inbox"),
    DemoStep("cai", 'coord reply {message} "The key is in the vault, under stripe/live"'),
    DemoStep("ben", "coord inbox"),
    DemoStep("ben", 'coord heartbeat building email-automation "BUILD - tests passing" 80%'),
)


class PlayedStep(Struct):
    """A step after it was played, with its output and exit code."""

    session: str
    typed: str
    output: str
    code: int


def play(
    folder: str, env: Mapping[str, str], show: Callable[[str | PlayedStep], None], look: Callable[[], None]
) -> None:
    """Play the script in an empty folder, call `show` for each heading and step, and `look` after the last.

    The sessions are live until `look` returns.

    Raises CoordError (1) for an unexpected exit code.
    """
    shells = {name: Shell(folder, env) for name in SESSIONS}
    try:
        shells["ada"].run("coord init")
        message = ""
        for step in SCRIPT:
            if isinstance(step, str):
                show(step)
                continue
            command = step.command.replace("{message}", message)
            output, code = shells[step.session].run(command)
            message_ids = re.findall(r"(?m)^From: .* · (\S+/\d+)$", output)
            message = message_ids[-1] if message_ids else message
            show(PlayedStep(step.session, command, output, code))
            if code != step.code:
                raise CoordError(
                    1, f"the demo failed: `{command}` of {step.session} exited with {code}, not {step.code}."
                )
        look()
    finally:
        for shell in shells.values():
            shell.close()


class Shell:
    """A shell that is the anchor of a session.

    It leads its own process session and is not our descendant, so that an agent's client above us is not found as the
    anchor.
    """

    def __init__(self, folder: str, env: Mapping[str, str]) -> None:
        to_shell, self._input = os.pipe()
        output, from_shell = os.pipe()
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
        self._output = os.fdopen(output, "rb")
        command = f"{shlex.quote(sys.executable)} -P -m coord"
        os.write(self._input, f'coord() {{ {command} "$@"; }}\n'.encode())

    def run(self, command: str) -> tuple[str, int]:
        """Type a command, and return its output and exit code."""
        self.begin(command)
        return self.finish()

    def begin(self, command: str) -> None:
        """Type a command, and do not wait for it."""
        self._command, self._end_mark = command, f"done-{os.urandom(8).hex()}"
        os.write(self._input, f'{command}\necho "{self._end_mark} $?"\n'.encode())

    def finish(self) -> tuple[str, int]:
        """Wait for the command that was begun, and return its output and exit code."""
        end_mark, lines = self._end_mark, list[str]()
        for raw in self._output:
            text = raw.decode(errors="replace")
            if end_mark in text:
                before, _, code = text.partition(end_mark)
                return "".join([*lines, before]), int(code)
            lines.append(text)
        raise CoordError(1, f"the demo failed: a shell ended during `{self._command}`.")

    def close(self) -> None:
        """Close the shell's input, which ends it."""
        os.close(self._input)
        self._output.close()


_START = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Create a temporary folder, and remove it at the end."""
    with TemporaryDirectory(prefix="coord-demo-", ignore_cleanup_errors=True) as folder:
        yield os.path.realpath(folder)
