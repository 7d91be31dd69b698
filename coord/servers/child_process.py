"""Run a command of coord as a child process for a server, and return its JSON answer.

The command does not act as a session of the server's shell: variables that identify one are removed. Its time and its
output are limited.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from coord.render.format import size
from coord.servers.environment import clean_environment

TIMEOUT_S = 20.0
MAX_OUTPUT = 32 << 20  # bytes
_PIECE = 1 << 16  # bytes per read


class ChildAnswer(Struct):
    """How a command ended: its exit code, the JSON documents that it printed, its notes, and its error message.

    The code is None if the command was ended because of its time or its output; `error` then contains the reason.
    """

    code: int | None
    documents: list[Any]
    notes: list[str] = []
    error: str = ""
    too_long: bool = False  # whether it printed more than the limit


class _TooLong(Exception):
    """The output exceeds the limit."""


class Commands:
    """Runs commands on one shared folder, at most two at once."""

    def __init__(
        self,
        folder: str,
        root: str,
        env: Mapping[str, str],
        timeout_s: float = TIMEOUT_S,
        max_output: int = MAX_OUTPUT,
        at_once: int = 2,
    ) -> None:
        self.folder, self.root, self.timeout_s, self.max_output = folder, root, timeout_s, max_output
        self.env = clean_environment(env) | {"COORD_ROOT": folder, "PYTHONUTF8": "1"}
        self.running = 0  # for tests
        self._slots = asyncio.Semaphore(at_once)

    async def run(self, *words: str) -> ChildAnswer:
        """Run `coord` with these words, to which --json is added, and return its answer."""
        async with self._slots:
            self.running += 1
            try:
                return await self._run(words)
            finally:
                self.running -= 1

    async def _run(self, words: Sequence[str]) -> ChildAnswer:
        argv = (sys.executable, "-P", "-m", "coord", words[0], "--json", *words[1:])
        try:
            child = await asyncio.create_subprocess_exec(
                *argv, cwd=self.root, env=self.env, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except (OSError, ValueError) as error:  # the folder is gone, or a word contains a zero character
            return ChildAnswer(None, [], error=f"coord {words[0]} could not be run: {error}.")
        try:
            out, err = await asyncio.wait_for(_communicate(child, self.max_output), self.timeout_s)
        except TimeoutError:
            return ChildAnswer(None, [], error=f"coord {words[0]} took more than {self.timeout_s:g} s, and was ended.")
        except _TooLong:
            text = f"coord {words[0]} printed more than {size(self.max_output)}, and was ended."
            return ChildAnswer(None, [], error=text, too_long=True)
        finally:
            await _end(child)
        return _answer(child.returncode or 0, out, err)


async def _communicate(child: Process, most: int) -> tuple[bytes, bytes]:
    """Return what a child writes, after it has ended. Raises _TooLong for more than `most` bytes."""
    assert child.stdout
    assert child.stderr
    out, err = await asyncio.gather(_read(child.stdout, most), _read(child.stderr, most))
    await child.wait()
    return out, err


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    pieces, total = [], 0
    while piece := await stream.read(_PIECE):
        pieces.append(piece)
        total += len(piece)
        if total > most:
            raise _TooLong
    return b"".join(pieces)


async def _end(child: Process) -> None:
    """Kill a child that still runs, as after a timeout or when the reader of the answer is gone."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _answer(code: int, out: bytes, err: bytes) -> ChildAnswer:
    notes: list[str] = []
    error = ""
    for line in err.decode(errors="replace").splitlines():
        value = _decoded(line.encode())
        if isinstance(value, dict) and isinstance(value.get("note"), str):
            notes.append(value["note"])
        elif isinstance(value, dict) and isinstance(value.get("error"), dict):
            error = str(value["error"].get("message", ""))
        elif code and not error:
            error = line
    whole = _decoded(out)
    documents = [whole] if whole is not None else [each for each in map(_decoded, out.splitlines()) if each is not None]
    return ChildAnswer(code, documents, notes, error or (f"the command failed with exit code {code}" if code else ""))


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
