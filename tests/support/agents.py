"""Simulated agents whose hooks run inside the test, on real files and with a real git, but with a clock and a process
table that the test controls.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coord.clients.claude import CLIENT as CLAUDE
from coord.clients.client import KEYS, Client, client_named
from coord.guard.entry import ALLOWED, Machine, answer_call
from coord.guard.payload import HookCall, parse_call
from coord.hooks.dispatch import handle_call
from coord.platform.processes import Process
from eventlog.events import to_micros
from tests.support.in_process import HERE, SimulatedMachine
from tests.support.processes import Result, environment
from tests.support.repositories import Repo


def hook_machine(machine: SimulatedMachine, pid: int, env: dict[str, str]) -> Machine:
    """What a hook sees of a machine that a process calls."""

    def above() -> Iterator[int]:
        process = machine.table.process(pid)
        while process:
            yield process.pid
            process = machine.table.process(process.parent)

    def started(process: int) -> int:
        row = machine.table.process(process)
        return row.start_ticks if row else 0

    def argv(process: int) -> list[str]:
        row = machine.table.process(process)
        return list(row.argv) if row else []

    here = (HERE.machine, HERE.boot, HERE.pid_namespace)
    return Machine(env, lambda: to_micros(machine.now), lambda: here, started, above, argv)


CLIENT_OF = {100: "claude", 200: "codex", 300: "gemini"}
"""The client of each agent, by its pid."""


@dataclass
class HookAnswer:
    """The answer of a hook to a client."""

    code: int
    err: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    client: Client = CLAUDE

    @property
    def context(self) -> str:
        """The text that is added to the agent's context."""
        return "\n".join(text_in(self.client.context_form, said) for said in self.documents)

    @property
    def block_reason(self) -> str:
        """The reason why the agent may not stop; empty if it may stop."""
        return "\n".join(filter(None, (text_in(self.client.stop_form, said) for said in self.documents)))

    @property
    def silent(self) -> bool:
        """Whether the hook allowed and printed nothing."""
        return (self.code, self.err, self.documents) == (ALLOWED, "", [])


def text_in(form: Any, document: Any) -> str:
    """The text in a document of this form; empty if the document has another form."""
    if form == "{text}":
        return str(document)
    if isinstance(form, list) and isinstance(document, list) and len(form) == len(document):
        return "".join(map(text_in, form, document))
    if not isinstance(form, dict) or not isinstance(document, dict) or form.keys() != document.keys():
        return ""
    fixed = {key: value for key, value in form.items() if isinstance(value, str) and value[:1] != "{"}
    same = all(document[key] == value for key, value in fixed.items())
    return "".join(text_in(value, document[key]) for key, value in form.items()) if same else ""


_FIELDS = {name: key for key, name in KEYS.items()}


def payload(client: Client, said: Mapping[str, Any]) -> dict[str, Any]:
    """A hook's input with the fields that most clients have, in the form of this client."""
    fields: dict[str, Any] = {}
    for name, value in said.items():
        *path, last = client.keys[_FIELDS[name]].split(" ")[0].split(".") if name in _FIELDS else [name]
        if last == "0":
            fields[path[0]] = [value]
        elif last:
            target = fields
            for step in path:
                target = target.setdefault(step, {})
            target[last] = value
    return fields


class Agents:
    """A repository with three agents: Claude (pid 100), Codex (200) and Gemini (300), whose conversations are c100,
    c200 and c300.
    """

    def __init__(self, repo: Repo, clients: dict[int, str] | None = None) -> None:
        self.machine, self.repo, self.root = SimulatedMachine(repo), repo, repo.root
        self.clients = clients or CLIENT_OF
        self.conversations = {pid: f"c{pid}" for pid in self.clients}
        self.full_paths = 0
        self.chars: dict[str, int] = {}  # the number of characters shown to each conversation
        self.output_fails = False  # whether printing the output of a hook fails
        self.env: dict[str, str] = {}  # environment variables of every hook
        for pid, word in self.clients.items():
            self.runs(pid, word)

    def runs(self, pid: int, word: str, start_ticks: int = 0) -> None:
        """Add the process of a client to the process table."""
        self.machine.table.rows[pid] = Process(pid, 1, pid, start_ticks or pid * 10, "S", (word,))

    def run_hook(self, pid: int, data: bytes, event: str = "", **env: str) -> HookAnswer:
        """Run a hook with this input; its answer. `event` is the hook event, if the input does not name it."""
        env = self.env | env
        system, client = self.machine.system(pid, env), client_named(self.clients[pid])
        assert client
        answer = HookAnswer(ALLOWED, "", client=client)

        def say(document: dict[str, object]) -> None:
            if self.output_fails:
                raise BrokenPipeError
            answer.documents.append(json.loads(json.dumps(document)))

        def full_path(call: HookCall) -> tuple[int, str]:
            self.full_paths += 1
            return handle_call(system, call, say)

        call = parse_call(client, data, event)
        if call:
            answer.code, answer.err = answer_call(call, hook_machine(self.machine, pid, env), full_path)
            self.chars[call.conversation] = self.chars.get(call.conversation, 0) + sum(
                map(len, (answer.context, answer.block_reason, answer.err))
            )
        return answer

    def hook(self, pid: int, event: str, **said: Any) -> HookAnswer:
        """Run the hook of an agent for a hook event. `said` is added to the usual input."""
        client = client_named(self.clients[pid])
        assert client
        name = next(name for name, hook_event in client.hook_events.items() if hook_event == event)
        fields = {"session_id": self.conversations.get(pid, f"c{pid}"), "cwd": str(self.root), "hook_event_name": name}
        data = json.dumps(payload(client, fields | said)).encode()
        return self.run_hook(pid, data, name) if client.named_events else self.run_hook(pid, data)

    def starts(self, pid: int, source: str = "startup", **said: Any) -> HookAnswer:
        """Run the hook for the start of a conversation."""
        return self.hook(pid, "start", source=source, **said)

    def tool(self, pid: int, path: str) -> dict[str, Any]:
        """The part of a hook's input that says which file is written."""
        client = client_named(self.clients[pid])
        assert client
        if client.files:
            name, keys = next(iter(client.files.items()))
            return {"tool_name": name, "tool_input": {keys.partition("|")[0]: path}}
        name, key = next(iter(client.patches.items()))
        patch = f"*** Begin Patch\n*** Update File: {path}\n\n-a\n+b\n*** End Patch\n"
        return {"tool_name": name, "tool_input": {key: patch}}

    def asks_to_write(self, pid: int, path: str, **said: Any) -> HookAnswer:
        """Run the hook before a write."""
        return self.hook(pid, "before", **self.tool(pid, path) | said)

    def has_written(self, pid: int, path: str, **said: Any) -> HookAnswer:
        """Run the hook after a write."""
        return self.hook(pid, "after", **self.tool(pid, path) | said)

    def writes(self, pid: int, path: str, text: str = "", cwd: Path | None = None, **said: Any) -> HookAnswer:
        """Write a file as an agent, with the hooks before and after, if the first one allows it."""
        at = {"cwd": str(cwd or self.root)} | said
        answer = self.asks_to_write(pid, path, **at)
        if answer.code == ALLOWED:
            file = (cwd or self.root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text or f"by {pid} at {self.machine.now}\n")
            after = self.has_written(pid, path, **at)
            answer.documents += after.documents
        return answer

    def shell(self, pid: int, command: str, cwd: Path | None = None, hooks: bool = True, **said: Any) -> HookAnswer:
        """Run a shell command as an agent, or, without hooks, as its user."""
        client = client_named(self.clients[pid])
        assert client
        used = {"tool_name": client.shells[0], "tool_input": {"command": command}, "cwd": str(cwd or self.root)} | said
        if hooks:
            self.hook(pid, "before", **used)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=cwd or self.root,
            env=environment(self.repo.home),
            capture_output=True,
        )
        assert done.returncode == 0, done
        return self.hook(pid, "after", **used) if hooks else HookAnswer(ALLOWED, "")

    def coord(self, pid: int, *argv: str) -> Result:
        """Run `coord` in the shell of an agent."""
        talk = self.conversations.get(pid, f"c{pid}")
        env = {
            "claude": {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": talk},
            "codex": {"CODEX_THREAD_ID": talk},
            "gemini": {"GEMINI_CLI": "1", "GEMINI_SESSION_ID": talk},
        }
        return self.machine.run(pid, *argv, **env[self.clients[pid]])

    def session(self, pid: int) -> str:
        """The id of an agent's live session."""
        sessions = self.board()["sessions"]
        word = self.clients[pid]
        (found,) = [row["id"] for row in sessions if row["client"].startswith(word) and row["status"] in LIVE]
        return str(found)

    def board(self) -> dict[str, Any]:
        """The document of `coord status --json`, as a user without a session gets it."""
        self.machine.table.rows[900] = Process(900, 1, 900, 9000, "S", ("-bash",))
        board: dict[str, Any] = self.machine.run(900, "status", "--json").json
        return board

    def claims(self) -> dict[str, str]:
        """The holder of each claimed resource."""
        return {row["resource"]: row["session"] for row in self.board()["claims"]}


LIVE = ("live", "silent")
