"""Interactive bash, zsh and fish on a terminal of their own, in which Tab is pressed.

To see what a completion inserted, the line is not run: `showargs ` is put before it, a program that writes its
arguments to a file. So the shell itself says which words the line means.
"""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.support.processes import GUARD_S, environment

COMMANDS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
LOADING = {
    "bash": 'eval "$(coord completion bash)"',
    "zsh": "bindkey -e; source <(coord completion zsh)",
    "fish": "coord completion fish | source",
}
OLD_LOADING = {
    "bash": 'eval "$(_COORD_COMPLETE=bash_source coord)"',
    "zsh": 'bindkey -e; autoload -Uz compinit; compinit; eval "$(_COORD_COMPLETE=zsh_source coord)"',
    "fish": "_COORD_COMPLETE=fish_source coord | source",
}
_SHOWARGS = """#!{python}
import os, sys
with open({file!r} + ".new", "w") as file:
    file.write("".join(word + "\\0" for word in sys.argv[1:]))
os.rename({file!r} + ".new", {file!r})
"""
_TAKE_TERMINAL = """import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class CompletingShell:
    """An interactive shell in which the completion of coord is loaded."""

    def __init__(self, kind: str, cwd: Path, home: Path, loading: str = "") -> None:
        self.folder = home / f"completing-{kind}"
        self.folder.mkdir(parents=True)
        self._file = self.folder / "arguments"
        program = self.folder / "showargs"
        program.write_text(_SHOWARGS.format(python=sys.executable, file=str(self._file)))
        program.chmod(0o755)
        env = environment(home, PS1="$ ", TERM="xterm", LINES="60", COLUMNS="200")
        env["PATH"] = f"{self.folder}:{env['PATH']}"
        self._terminal, inner = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", _TAKE_TERMINAL, *COMMANDS[kind]],
            stdin=inner, stdout=inner, stderr=inner, cwd=cwd, env=env,
        )  # fmt: skip
        os.close(inner)
        self._shown = b""
        self.type(f"{loading or LOADING[kind]}\n")
        self.arguments("true")

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._terminal, text.encode())

    def completed(self, line: str) -> list[str]:
        """Type `line`, press Tab, and return the words that the line then has."""
        return self.arguments(f"{line}\t")

    def arguments(self, keys: str) -> list[str]:
        """Type some keys, and return the words of the line."""
        self._file.unlink(missing_ok=True)
        self.type(keys)
        self.type("\x01showargs \n")  # Ctrl-A is the beginning of the line
        self._read_until(self._file.exists, keys)
        return self._file.read_text().split("\0")[:-1]

    def sees(self, keys: str, *texts: str) -> None:
        """Type some keys, wait until the terminal shows these texts, and delete the line."""
        self._shown = b""
        self.type(keys)
        self._read_until(lambda: all(text.encode() in self._shown for text in texts), f"{texts} after {keys!r}")
        self.type("\x03")

    def _read_until(self, condition: object, what: str) -> None:
        deadline = time.monotonic() + GUARD_S
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come; the terminal shows {self._shown!r}")
            if select.select([self._terminal], [], [], 0.02)[0]:
                self._shown += os.read(self._terminal, 65536)

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)
