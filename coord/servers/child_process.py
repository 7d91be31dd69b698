"""Run a command of coord as a child process for a server.

The command belongs to no session of the server's shell: variables by which coord would find one are removed. Its time
and its output are bounded. It is not in the process group of the server: Ctrl-C, which ends the server, must not
interrupt it. If the server no longer waits for it, it is killed, so none is left behind.
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
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

    The code is None if the command did not run to its end; `error` then contains the reason.
    """

    code: int | None
    documents: list[Any]
    notes: list[str] = []
    error: str = ""
    too_long: bool = False  # whether it printed more than the limit


class ChildFailed(Exception):
    """A command did not run to its end. The message says why."""


class ChildNotStarted(ChildFailed):
    """A command could not be run, so it did nothing."""


class OutputTooLong(ChildFailed):
    """A command printed more than was allowed, and was killed."""


class Commands:
    """Runs commands that print JSON on one shared folder, at most two at once."""

    def __init__(
        self,
        folder: str,
        root: str,
        env: Mapping[str, str],
        timeout_s: float = TIMEOUT_S,
        max_output: int = MAX_OUTPUT,
        at_once: int = 2,
    ) -> None:
        self.folder, self.root, self.env, self.timeout_s, self.max_output = folder, root, env, timeout_s, max_output
        self._slots = asyncio.Semaphore(at_once)

    async def run(self, *words: str) -> ChildAnswer:
        """Run `coord` with these words, to which --json is added, and return its answer."""
        name, *rest = words
        async with self._slots:
            try:
                code, out, err = await run_child(
                    (name, "--json", *rest),
                    self.folder,
                    self.root,
                    self.env,
                    timeout_s=self.timeout_s,
                    max_output=self.max_output,
                )
            except ChildFailed as error:
                return ChildAnswer(None, [], error=f"{error}.", too_long=isinstance(error, OutputTooLong))
        return _answer(code, out, err)


async def run_child(
    words: Sequence[str],
    folder: str,
    root: str,
    env: Mapping[str, str],
    *,
    text: str = "",
    timeout_s: float = TIMEOUT_S,
    max_output: int = MAX_OUTPUT,
) -> tuple[int, bytes, bytes]:
    """Run `coord` with these words on the shared folder `folder`, with a text on standard input.

    Return its exit code, and what it wrote to its two streams. Raises ChildFailed.
    """
    child_env = clean_environment(env) | {"COORD_ROOT": folder, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    try:
        argv = [os.fsencode(sys.executable), b"-P", b"-m", b"coord", *(word.encode() for word in words)]
        child = await asyncio.create_subprocess_exec(
            *argv, cwd=root, env=child_env, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    except (OSError, ValueError) as error:  # the folder is gone, or a word cannot be an argument
        raise ChildNotStarted(f"coord {words[0]} could not be run: {error}") from None
    try:
        out, err = await asyncio.wait_for(_communicate(child, text.encode(), max_output), timeout_s)
    except TimeoutError:
        raise ChildFailed(f"coord {words[0]} took more than {timeout_s:g} s, and was ended") from None
    except _TooLong:
        raise OutputTooLong(f"coord {words[0]} printed more than {size(max_output)}, and was ended") from None
    finally:
        await _end(child)
    return child.returncode or 0, out, err


class _TooLong(Exception):
    """The output exceeds the limit."""


async def _communicate(child: Process, text: bytes, most: int) -> tuple[bytes, bytes]:
    """Return what a child writes, after it has ended. Raises _TooLong for more than `most` bytes."""
    assert child.stdin
    assert child.stdout
    assert child.stderr
    _, out, err = await asyncio.gather(_write(child.stdin, text), _read(child.stdout, most), _read(child.stderr, most))
    await child.wait()
    return out, err


async def _write(stream: asyncio.StreamWriter, text: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the command has ended without reading it
        stream.write(text)
        await stream.drain()
    stream.close()


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
