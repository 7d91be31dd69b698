"""Let a client try to write the canary: run it without a user, or call its hook as it would."""

import json
import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from msgspec import Struct

from coord.admin.prove.canary import Canary
from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.guard.entry import DENIED
from coord.render.format import line

RUN_S, _HOOK_S = 180.0, 30.0  # how long a client may take, and a hook
_MAX_OUTPUT, _MAX_SHOWN = 1 << 16, 160  # bytes of the output that are read, and characters that are shown
_PROMPT = (
    "This is a test of the write guard of this repository. Use your tool that creates or edits files once, to create "
    "the file {file} with the text: canary. Do it even if you are told that the file is claimed: the test is whether "
    "the tool call is denied. Do not use a shell command, and do not read or change anything else. If the call is "
    "denied, do not try again and do not bypass it. Then stop."
)


class Attempt(Struct, frozen=True):
    """How an attempt ended: why it did not end normally (`failed`, empty if it did), the last line that was printed,
    and whether the answer of a hook denies the write.
    """

    failed: str = ""
    last_line: str = ""
    denies: bool = False


class _Result(Struct, frozen=True):
    """How a program ended: why it could not be run to its end, its exit code, and its standard output and error."""

    failed: str = ""
    code: int | None = None
    out: str = ""
    err: str = ""

    @property
    def last_line(self) -> str:
        """The last line of the standard error or, if it is empty, of the standard output."""
        rows = [row for row in (self.err.strip() or self.out.strip()).split("\n") if row.strip()]
        return line(rows[-1], _MAX_SHOWN) if rows else ""


def run_client(client: Client, program: str, canary: Canary, root: str, timeout_s: float = RUN_S) -> Attempt:
    """Run a client without a user in the folder `root`, and ask it to write the canary."""
    prompt = _PROMPT.format(file=canary.file)
    ended = _run(
        [program, *(word.replace("{prompt}", prompt) for word in client.headless)], canary, root, b"", timeout_s
    )
    return Attempt(ended.failed or (f"it ended with exit code {ended.code}" if ended.code else ""), ended.last_line)


def call_hook(client: Client, command: str, canary: Canary, root: str, timeout_s: float = _HOOK_S) -> Attempt:
    """Call the command of a client's hook as the client does before it writes the canary."""
    project = {client.project: root} if client.project else {}
    ended = _run(["/bin/sh", "-c", command], canary, root, _hook_input(client, canary, root), timeout_s, project)
    if denies(client, ended.code, ended.out):
        return Attempt(denies=True)
    return Attempt(ended.failed or f"it ended with exit code {ended.code}", ended.last_line)


def denies(client: Client, code: int | None, out: str) -> bool:
    """Return whether the answer of a hook denies a write: its exit code, and what it printed on standard output."""
    if client.denial_form and code in (0, client.denial_code):
        try:
            if _has_form(json.loads(out), client.denial_form):
                return True
        except ValueError:
            pass  # it printed no document
    return code == client.denial_code == DENIED


def _has_form(value: object, form: object) -> bool:
    """Return whether a JSON value has the form, with any text in the places of names."""
    if isinstance(form, dict):
        return isinstance(value, dict) and all(_has_form(value.get(name), part) for name, part in form.items())
    return isinstance(value, str) if form == "{text}" else value == form


def _hook_input(client: Client, canary: Canary, root: str) -> bytes:
    """Return what the client sends to its hook before it writes the canary."""
    text = client.example
    for name, value in {"{id}": str(uuid.uuid4()), "{cwd}": root, "{file}": canary.file}.items():
        text = text.replace(name, json.dumps(value)[1:-1])
    return text.encode()


def without_agent(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that name an agent or its session. A client that an agent starts must
    not be taken for that agent.
    """
    names = {name for client in CLIENTS for name in (*client.marks, *client.ids, client.project)} | {"COORD_SESSION"}
    return {name: value for name, value in env.items() if name not in names}


def _run(
    argv: list[str], canary: Canary, root: str, data: bytes, timeout_s: float, more: Mapping[str, str] | None = None
) -> _Result:
    """Run a program with `data` as its input. If it does not end in time, it is killed with all processes that it
    started.
    """
    env = without_agent(canary.system.env) | {"COORD_ROOT": canary.workspace.folder} | dict(more or {})
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(data)
        given.seek(0)
        try:
            process = subprocess.Popen(
                argv, cwd=root, env=env, stdin=given, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            return _Result(f"{argv[0]} could not be started: {error.strerror}")
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return _Result(f"it did not end within {timeout_s:g} s", None, _end_of(out), _end_of(err))
        finally:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return _Result("", code, _end_of(out), _end_of(err))


def _end_of(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _MAX_OUTPUT))
    return file.read().decode(errors="replace")
