"""An agent in a real client whose model is scripted by the test.

Its environment has only our PATH, and its home is its own. A client that takes several prompts in one process stays
alive between them; other clients run one process for each prompt.
"""

import json
import os
import signal
import subprocess
import threading
import uuid
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

    Each step of the model returns what follows: the next request, a question to the user, or the end of the turn.
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
        self._pending: dict[str, Heard] = {}  # the waiting requests, by the mark of their conversation
        self._process: subprocess.Popen[str] | None = None
        self._named = ""  # the id of the conversation that the client was given

    # --- its process

    def start(self, *more: str, prompt: str = "") -> None:
        """Start the client, with additional arguments."""
        assert self._process is None
        program = self.program
        self._named = str(uuid.uuid4())
        words = [word.replace("{conversation}", self._named) for word in program.argv]
        argv = [found(program), *words, *(more or program.free), *((*program.asking, prompt) if prompt else ())]
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
    def running(self) -> bool:
        """Whether its client was started and has not been waited for."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The client's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def conversation(self) -> str:
        """The client's id of the conversation: the one that it printed, or the one that it was given."""
        ids = [line.get("session_id") or line.get("thread_id") or line.get("sessionID") for line in self.out]
        return next((str(id) for id in reversed(ids) if id), self._named)

    @property
    def hooks(self) -> list[dict[str, Any]]:
        """The client's reports about the hooks that it ran, if it reports them."""
        return [line for line in self.out if line.get("subtype") == "hook_response"]

    def finish(self) -> int:
        """Close the client's input and wait for its end; its exit code."""
        assert self._process is not None
        if self._process.stdin:
            self._process.stdin.close()
        return self._gone()

    def kill(self) -> None:
        """Kill all processes of the client with SIGKILL."""
        os.killpg(self.pid, signal.SIGKILL)
        self._gone()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the client's processes; its exit code."""
        os.killpg(self.pid, number)
        return self._gone()

    def close(self) -> None:
        """Kill what still runs, and check that no hook failed."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._gone()
        self.model.close()
        odd = [hook for hook in self.hooks if hook["exit_code"] not in (0, 2)]
        assert not odd, "one of our hooks failed"

    def _gone(self) -> int:
        assert self._process is not None
        code = self._process.wait(GUARD_S)
        self._reader.join(GUARD_S)
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None
        return code

    # --- its user, and its model

    def prompt(self, text: str, *more: str) -> Heard:
        """Type a prompt; the request that follows."""
        return self._a(Heard, self.types(text, *more))

    def types(self, text: str, *more: str) -> Came:
        """Type something; what follows. A client with one process per prompt is started with additional arguments."""
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
        """Answer the last request, or the one of a subagent; what follows."""
        waits = self._pending.pop(self.heard[-1].mark if mark is None else mark, None)
        assert waits is not None, f"no request waits; those that do: {list(self._pending)}"
        waits.reply.put(answer)
        return self._next()

    def says(self, text: str) -> Came:
        """Answer with a text, to end the turn. A request follows if a hook blocks the stop."""
        return self.answers(Answer(text))

    def fails(self, status: int) -> Ended:
        """Let the model's API answer with an error, also when the client tries again; the end of the turn."""
        came = self.answers(Answer(status=status))
        while isinstance(came, Heard):
            came = self.answers(Answer(status=status))
        return self._a(Ended, came)

    def interrupts(self) -> Ended:
        """Interrupt the turn, as a program that uses the client does; the end of the turn."""
        self._pending.clear()
        self._send({"type": "control_request", "request_id": "interrupt", "request": {"subtype": "interrupt"}})
        return self._a(Ended, self._next())

    def calls(self, *calls: Call, mark: str | None = None) -> Heard:
        """Answer with calls of tools; the request with their results."""
        return self._a(Heard, self.answers(Answer(calls=calls), mark))

    def begins(self, call: Call) -> None:
        """Answer with a call of a tool, and do not wait for its result."""
        self._pending.pop(self.heard[-1].mark).reply.put(Answer(calls=(call,)))

    def writes(self, path: str, text: str, mark: str | None = None) -> Heard:
        """Let the model write a whole file; its path is relative to the root."""
        return self.calls(self.program.write(str(self.root), path, text), mark=mark)

    def reads(self, path: str) -> Heard:
        """Let the model read a file. Some clients require this before they overwrite a file."""
        return self.calls(self.program.read(str(self.root), path))

    def runs(self, command: str) -> Heard:
        """Let the model run a shell command."""
        return self.calls(self.program.shell(command))

    def uses(self, tool: str, **given: str) -> Heard:
        """Let the model call a tool of coord's server, repeatedly until the client is connected to the server."""
        results: list[Heard] = []

        def done() -> bool:
            results.append(self.calls(self.program.tool(tool, given)))
            return "is not a function" not in results[-1].text

        until(done, "coord's server")
        return results[-1]

    def asks(self, call: Call) -> Asked:
        """Let the model call a tool for which the client asks the user."""
        return self._a(Asked, self.answers(Answer(calls=(call,))))

    def told(self, asked: Asked, yes: bool) -> Heard:
        """Answer the client's question as the user."""
        said = {"behavior": "allow", "updatedInput": asked.input} if yes else {"behavior": "deny", "message": "no"}
        answer = {"subtype": "success", "request_id": asked.id, "response": said}
        self._send({"type": "control_response", "response": answer})
        return self._a(Heard, self._next())

    def hears(self) -> Heard:
        """The next request, which comes without a prompt or an answer."""
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
    """Creates an agent of a client, in the repository and with a home of its own unless other folders are given."""

    def __call__(self, program: Program, root: Path | None = None, home: Path | None = None) -> Agent: ...
