"""An agent in a real client, whose model the test plays.

Nothing of our environment reaches it but the PATH; its home is its own. A client that takes several prompts in one
process stays alive between them; of the others each prompt is a process.
"""

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.support.clients.dialects import Answer, Call
from tests.support.clients.model import Asked, Came, Ended, Heard, Model
from tests.support.clients.programs import Program, found
from tests.support.processes import BIN, GUARD_S, until

T = TypeVar("T", bound=Came)


class Agent:
    """An agent. `root` is the folder that it works in, `home` its own home folder.

    Each step of the model's gives what comes of it: the next request, a question to its person, or the end of the turn.
    """

    def __init__(self, program: Program, root: Path, home: Path) -> None:
        self.program, self.root, self.home = program, root, home
        self.model = Model(program.dialect)
        self.out: list[dict[str, Any]] = []  # what the client printed
        self.env = {name: self._filled(value) for name, value in program.env.items()} | {
            "PATH": os.pathsep.join((BIN, os.environ.get("PATH", os.defpath))),
            "HOME": str(home),
        }
        for path, text in program.home.items():
            file = home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._filled(text))
        self.heard: list[Heard] = []  # the requests that its model got, in order
        self._pending: dict[str, Heard] = {}  # those that wait, by their conversation
        self._process: subprocess.Popen[str] | None = None

    # --- its process

    def start(self, *more: str, prompt: str = "") -> None:
        """Start the client, with more arguments than usual."""
        assert self._process is None
        program = self.program
        argv = [found(program), *program.argv, *(more or program.free), *((*program.asking, prompt) if prompt else ())]
        with (self.home / "stderr").open("a") as stderr:
            self._process = subprocess.Popen(
                argv,
                cwd=self.root,
                env=self.env,
                stdin=subprocess.PIPE if program.alive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The client's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def conversation(self) -> str:
        """The id of its conversation, as the client has it."""
        ids = [line.get("session_id") or line.get("thread_id") for line in self.out]
        return next(str(id) for id in reversed(ids) if id)

    @property
    def hooks(self) -> list[dict[str, Any]]:
        """What the client says of each hook that it ran, where it says that."""
        return [line for line in self.out if line.get("subtype") == "hook_response"]

    def finish(self) -> int:
        """The client is left in peace: nothing more is typed. Its exit code."""
        assert self._process is not None
        if self._process.stdin:
            self._process.stdin.close()
        return self._gone()

    def kill(self) -> None:
        """`kill -9` everything that the client is."""
        os.killpg(self.pid, signal.SIGKILL)
        self._gone()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The client's processes are sent a signal. Its exit code."""
        os.killpg(self.pid, number)
        return self._gone()

    def close(self) -> None:
        """End whatever still runs, without asking."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._gone()
        self.model.close()
        odd = [hook for hook in self.hooks if hook["exit_code"] not in (0, 2)]
        assert not odd, "a hook of ours failed"

    def _gone(self) -> int:
        assert self._process is not None
        code = self._process.wait(GUARD_S)
        self._reader.join(GUARD_S)
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None
        return code

    # --- its person, and its model

    def prompt(self, text: str, *more: str) -> Heard:
        """Its person says something: the request that follows."""
        return self._a(Heard, self.types(text, *more))

    def types(self, text: str, *more: str) -> Came:
        """Its person types something: what comes of it. A client that ends with the turn starts with more arguments."""
        if not self.program.alive:
            if self._process is not None:
                self._gone()
            self.start(*more, prompt=text)
            return self._next()
        if self._process is None:
            self.start()
        self._send({"type": "user", "message": {"role": "user", "content": text}})
        return self._next()

    def answers(self, answer: Answer, mark: str | None = None) -> Came:
        """The model answers the request that came last, or the one of a subagent: what comes of it."""
        waits = self._pending.pop(self.heard[-1].mark if mark is None else mark, None)
        assert waits is not None, f"no request waits; those that do: {list(self._pending)}"
        waits.reply.put(answer)
        return self._next()

    def says(self, text: str) -> Came:
        """The model says something, and wants to stop: the end of the turn, or a request if it is held back."""
        return self.answers(Answer(text))

    def calls(self, *calls: Call, mark: str | None = None) -> Heard:
        """The model calls tools: the request with their results."""
        return self._a(Heard, self.answers(Answer(calls=calls), mark))

    def writes(self, path: str, text: str, mark: str | None = None) -> Heard:
        """The model writes a whole file, named from the root."""
        return self.calls(self.program.write(str(self.root), path, text), mark=mark)

    def reads(self, path: str) -> Heard:
        """The model reads a file: some clients let it write over a file only then."""
        return self.calls(self.program.read(str(self.root), path))

    def runs(self, command: str) -> Heard:
        """The model runs a shell command."""
        return self.calls(self.program.shell(command))

    def uses(self, tool: str, **given: str) -> Heard:
        """The model calls a tool of coord's server; again, while the client has not yet connected to that."""
        results: list[Heard] = []

        def done() -> bool:
            results.append(self.calls(self.program.tool(tool, given)))
            return "is not a function" not in results[-1].text

        until(done, "coord's server")
        return results[-1]

    def asks(self, call: Call) -> Asked:
        """The model calls a tool for which the client asks its person."""
        return self._a(Asked, self.answers(Answer(calls=(call,))))

    def told(self, asked: Asked, yes: bool) -> Heard:
        """The person answers what the client asked."""
        said = {"behavior": "allow", "updatedInput": asked.input} if yes else {"behavior": "deny", "message": "no"}
        answer = {"subtype": "success", "request_id": asked.id, "response": said}
        self._send({"type": "control_response", "response": answer})
        return self._a(Heard, self._next())

    def hears(self) -> Heard:
        """The next request, while nobody says anything."""
        return self._a(Heard, self._next())

    # ---

    def _next(self) -> Came:
        came = self.model.next()
        if isinstance(came, Heard):
            self.heard.append(came)
            self._pending[came.mark] = came
        return came

    def _a(self, kind: type[T], came: Came) -> T:
        assert isinstance(came, kind), (came, (self.home / "stderr").read_text()[-2000:])
        return came

    def _send(self, line: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as stdout:
            for text in stdout:
                line: dict[str, Any] = json.loads(text) if text.startswith("{") else {"text": text}
                self.out.append(line)
                if self.program.alive and line.get("type") == "result":
                    self.model.inbox.put(Ended(str(line.get("result"))))
                elif line.get("type") == "control_request":
                    asked = line["request"]
                    self.model.inbox.put(Asked(asked["tool_name"], asked["input"], line["request_id"]))
        if not self.program.alive:
            self.model.inbox.put(Ended(""))

    def _filled(self, text: str) -> str:
        return text.replace("{url}", self.model.url).replace("{repo}", str(self.root)).replace("{bin}", BIN)


class Make(Protocol):
    """Makes an agent of a client; in the repository, if no other folder is said."""

    def __call__(self, program: Program, root: Path | None = None) -> Agent: ...
