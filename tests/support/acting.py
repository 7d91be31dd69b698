"""A process that does the actions of the page, as `coord web` does, without a web server.

It is a child of init, so that an agent that runs the tests is not its ancestor.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from tests.support.processes import ORPHAN, environment, until
from tests.support.repositories import Repo, git

_SERVER = """
import asyncio, json, os, sys
from coord.servers.web.actions.handler import ActionHandler
from coord.workspace.paths import find_workspace
from coord.workspace.system import real_system

async def main():
    system = real_system()
    acting = ActionHandler(system, find_workspace(system, None), **json.loads(sys.argv[1]))
    print(os.getpid(), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asks = json.loads(line)
        do = {"effect": acting.effect, "act": acting.act}
        answers = await asyncio.gather(*(do[ask["do"]](ask["what"]) for ask in asks))
        print(json.dumps(answers), flush=True)
    acting.close()

asyncio.run(main())
"""


class ActingPage:
    """The page's server, and what a person does there."""

    def __init__(self, repo: Repo, env: dict[str, str] | None = None, **options: object) -> None:
        git(repo, "config", "user.name", "Pat")
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", ORPHAN, sys.executable, "-P", "-c", _SERVER, json.dumps(options)],
            cwd=repo.root,
            env=environment(repo.home) | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.pid = int(self._process.stdout.readline())

    def ask_all(self, *asks: tuple[str, str, dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
        """Ask several things at once: each is "effect" or "act", the action, and its fields."""
        documents = [{"do": do, "what": {"action": action, "fields": fields}} for do, action, fields in asks]
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(documents) + "\n")
        self._process.stdin.flush()
        return [(status, answer) for status, answer in json.loads(self._process.stdout.readline())]

    def effect(self, action: str, **fields: Any) -> dict[str, Any]:
        """Return what an action will do; it must be a right question."""
        ((status, answer),) = self.ask_all(("effect", action, fields))
        assert status == 200, answer
        return answer

    def act(self, action: str, **fields: Any) -> dict[str, Any]:
        """Do an action without looking at its effect."""
        ((status, answer),) = self.ask_all(("act", action, fields))
        assert status == 200, answer
        return answer

    def confirm(self, action: str, **fields: Any) -> dict[str, Any]:
        """Look at the effect of an action, and do it; its command must succeed."""
        seen = self.effect(action, **fields)
        assert not seen["refused"], seen
        answer = self.act(action, **fields, seen=seen["seen"])
        assert answer["code"] == 0, answer
        return answer

    def close(self) -> None:
        """End the server, as Ctrl-C does."""
        assert self._process.stdin
        self._process.stdin.close()
        self._gone()

    def kill(self) -> None:
        """Kill the server."""
        os.kill(self.pid, signal.SIGKILL)
        self._gone()

    def _gone(self) -> None:
        until(lambda: not os.path.exists(f"/proc/{self.pid}"), "the end of the server")
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()
        self._process.wait()
