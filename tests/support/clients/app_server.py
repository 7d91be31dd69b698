"""Codex's app server, which editors and other programs use: a turn of it can be interrupted."""

import json
import queue
import subprocess
import threading
from typing import Any

from tests.support.clients.agents import Agent
from tests.support.clients.dialects import Answer
from tests.support.clients.model import Heard
from tests.support.clients.programs import CODEX, found
from tests.support.processes import GUARD_S


class AppServer:
    """An app server with one thread in an agent's folder. It trusts all hooks and asks for no approval."""

    def __init__(self, agent: Agent) -> None:
        self.agent, self._id = agent, 0
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = subprocess.Popen(
            [found(CODEX), "app-server"],
            cwd=agent.root,
            env=agent.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        self._call("initialize", {"clientInfo": {"name": "test", "title": "test", "version": "1"}})
        free = {"approvalPolicy": "never", "sandbox": "danger-full-access", "config": {"bypass_hook_trust": True}}
        self.thread: str = self._call("thread/start", {"cwd": str(agent.root), **free})["thread"]["id"]
        self.turn = ""

    def prompt(self, text: str) -> Heard:
        """Start a turn; the model's first request."""
        said = {"threadId": self.thread, "input": [{"type": "text", "text": text}]}
        self.turn = self._call("turn/start", said)["turn"]["id"]
        return self.agent.hears()

    def writes(self, path: str, text: str) -> Heard:
        """Let the model write a file; its next request."""
        return self.agent.writes(path, text)

    def interrupt(self) -> None:
        """Interrupt the turn, and wait for its end."""
        self._call("turn/interrupt", {"threadId": self.thread, "turnId": self.turn})
        self.await_end()

    def fails(self, status: int) -> None:
        """Let the model's API answer with an error, and wait for the end of the turn."""
        self.agent.heard[-1].reply.put(Answer(status=status))
        self.await_end()

    def await_end(self) -> None:
        """Wait for the end of the turn."""
        while self._next().get("method") != "turn/completed":
            pass

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate()

    def _call(self, method: str, given: dict[str, Any]) -> Any:
        self._id += 1
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": self._id, "method": method, "params": given}) + "\n")
        self._process.stdin.flush()
        while True:
            line = self._next()
            if line.get("id") == self._id:
                assert "result" in line, line
                return line["result"]

    def _next(self) -> dict[str, Any]:
        return self._lines.get(timeout=GUARD_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            self._lines.put(json.loads(text))
