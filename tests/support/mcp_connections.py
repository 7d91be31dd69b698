"""A minimal client of the real MCP server: it writes a line, and reads the line that answers."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tests.support.processes import COORD, GUARD_S, environment
from tests.support.repositories import Repo

VERSION = "2025-06-18"


_ORPHAN = (
    "import os, sys\nif os.fork(): os._exit(0)\nos.setsid()\nname, *argv = sys.argv[1:]\n"
    """os.execvp("bash", [name, "-c", '"$@"; true', "bash", *argv])"""
)


class Told(NamedTuple):
    """The result of a call of a tool."""

    text: str
    is_error: bool


class Connection:
    """A server process and an initialised connection to it.

    The server's parent is this process, or, if a `client` is named, a process of that name whose parent is init.
    """

    def __init__(self, cwd: Path, env: dict[str, str], *words: str, client: str = "") -> None:
        argv = [COORD, "mcp", *words]
        self.process = subprocess.Popen(
            [sys.executable, "-ISc", _ORPHAN, client, *argv] if client else argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.asked, self.pending = 0, b""
        who = {"name": "tests", "version": "1"}
        self.greeting = self.ask("initialize", protocolVersion=VERSION, capabilities={}, clientInfo=who)
        self.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def write(self, text: str) -> None:
        """Write a line."""
        assert self.process.stdin is not None
        data = text.encode() + b"\n"
        while data:
            data = data[self.process.stdin.write(data) or 0 :]

    def line(self) -> Any:
        """Read the next line of the server, which must be a JSON document."""
        assert self.process.stdout is not None
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], GUARD_S)[0]:
                raise TimeoutError("the server did not answer")
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            assert part, f"the server has ended: {self.process.stderr.read().decode() if self.process.stderr else ''}"
            self.pending += part
        line, _, self.pending = self.pending.partition(b"\n")
        return json.loads(line)

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request; its result or error."""
        self.asked += 1
        self.write(json.dumps({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}))
        answer = self.line()
        assert answer["id"] == self.asked
        return answer.get("result", answer.get("error"))

    def call(self, tool: str, meta: dict[str, Any] | None = None, /, **arguments: Any) -> Told:
        """Call a tool."""
        more = {"_meta": meta} if meta else {}
        result = self.ask("tools/call", name=tool, arguments=arguments, **more)
        (content,) = result["content"]
        assert content["type"] == "text"
        return Told(content["text"], result["isError"])

    def ok(self, tool: str, meta: dict[str, Any] | None = None, /, **arguments: Any) -> str:
        """Call a tool that must succeed; the text of its result."""
        told = self.call(tool, meta, **arguments)
        assert not told.is_error, told.text
        return told.text

    def refused(self, tool: str, meta: dict[str, Any] | None = None, /, **arguments: Any) -> str:
        """Call a tool that must fail without a traceback; the text of its error."""
        told = self.call(tool, meta, **arguments)
        assert told.is_error, told.text
        assert "Traceback" not in told.text
        return told.text

    def end(self) -> tuple[int, str]:
        """Close the server's input and wait for its end; its exit code and standard error."""
        _, errors = self.process.communicate(timeout=GUARD_S)
        return self.process.returncode, errors.decode()


def connected(repo: Repo, *words: str, client: str = "", **env: str) -> Connection:
    """Start a server in a repository, with these environment variables."""
    return Connection(repo.root, environment(repo.home, **env), *words, client=client)
