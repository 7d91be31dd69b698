"""The quick path and the full path of a hook give the same answer.

Three agents, one of them with subagents and a conversation in two processes, work in a repository with two worktrees,
by a script that Hypothesis draws: claims of all kinds, messages, questions, commits, deaths, settings, time. Every call
of a hook is answered on the quick path, if that answers it, and again on the full path from the same files. Both must
allow or deny, and leave the same files; and where the quick path answers, the full path must append nothing and tell
nothing.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coord.clients.client import client_named
from coord.engine.guard_index import encode_view
from coord.engine.snapshot import Snapshot
from coord.guard import entry
from coord.guard.entry import ALLOWED, DENIED, answer_call
from coord.guard.index import load_index, read_index
from coord.guard.payload import HookCall, parse_call
from coord.hooks.dispatch import handle_call
from coord.workspace.config import read_config
from coord.workspace.paths import find_workspace
from eventlog.events import add_time, to_micros
from projections.rules.fold import as_of
from tests.support.agents import CLIENT_OF, Agents, HookAnswer, hook_machine
from tests.support.in_process import HERE
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

CLAUDE, COPY = 100, 150
PIDS = st.sampled_from((CLAUDE, CLAUDE, COPY, 200, 300))
FILES = st.sampled_from(("a.py", "a.py", "b.py", "src/c.py", "uv.lock", "new.py", "../other/a.py", "../elsewhere.py"))
RESOURCES = st.sampled_from(("a.py", "b.py", "src/", "**/*.py"))
AGENTS = st.sampled_from(("", "", "one", "two"))
COMMANDS = st.sampled_from(
    (
        "true",
        "true",
        "echo x >> a.py",
        "echo x >> src/c.py",
        "git commit -qam more",
        "git checkout -q .",
    )
)
RESULTS = st.sampled_from(({}, {}, {"backgroundTaskId": "b1"}))
SETTINGS = st.sampled_from(
    (
        "",
        "",
        'guard = "check"\n',
        'guard = "warn"\n',
        'guard = "off"\n',
        "heartbeat_seconds = 0.5\n",
        'ignore = ["b.py"]\n',
    )
)
WAITS = st.sampled_from((0, 0.000001, 0.5, 29.999999, 30, 1, 299, 301, 700, 1300, 4000))


class BothPaths(Agents):
    """Agents whose hooks are answered on both paths."""

    def __init__(self, repo: Repo) -> None:
        super().__init__(repo, CLIENT_OF | {COPY: "claude"})
        self.conversations[COPY] = self.conversations[CLAUDE]
        self.quick_answers: dict[str, int] = {}

    def run_hook(self, pid: int, data: bytes, event: str = "", **env: str) -> HookAnswer:
        client = client_named(self.clients[pid])
        assert client
        call = parse_call(client, data, event)
        if call is None:
            return HookAnswer(ALLOWED, "")
        before = self._files()
        quick = self._answer(pid, call, self._no_answer)
        if quick is not None:
            after_quick = self._hook_files()
            self._restore(before)
        events = len(self.repo.events())
        full = HookAnswer(ALLOWED, "")

        def full_answer(call: HookCall) -> tuple[int, str]:
            return handle_call(self.machine.system(pid, {}), call, full.documents.append)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(entry, "load_index", lambda *_: None)
            full.code, full.err = self._answer(pid, call, full_answer) or (ALLOWED, "")
        if quick is not None:
            new = [event["event"]["type"] for event in self.repo.events()[events:]]
            # what the quick path looks for only where it matters
            died = not {"session.presumed_dead", "session.presumed_idle"}.isdisjoint(new)
            told = f"{call.hook_event} {call.tool} of {call.conversation}: quick {quick}, full {full}, appended {new}"
            assert quick[0] == full.code, told
            if not died:
                assert (new, full.documents) == ([], []), told
                assert after_quick == self._hook_files(), told
            kind = "deny" if quick[0] == DENIED else call.hook_event
            self.quick_answers[kind] = self.quick_answers.get(kind, 0) + 1
        return full

    def _answer(self, pid: int, call: HookCall, full: Callable[[HookCall], Any]) -> Any:
        return answer_call(call, hook_machine(self.machine, pid, self.env), full)

    @staticmethod
    def _no_answer(_: HookCall) -> None:
        """The full path is not taken: there is no quick answer."""

    def _files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (self.repo.folder / ".cache").rglob("*") if path.is_file()}

    def _hook_files(self) -> dict[Path, bytes]:
        """The hooks' own files. What git said of a file is kept in one; only the full path asks git."""
        return {
            path: data.replace(b',"sure":1', b"").replace(b',"ignored":1', b"")
            for path, data in self._files().items()
            if path.parent.parent.name == "hooks" or path.parent.parent.parent.name == "hooks"
        }

    def _restore(self, files: dict[Path, bytes]) -> None:
        for path in self._files().keys() - files.keys():
            path.unlink()
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def check_view(self) -> None:
        """The view that the index holds is the view of the state, if the index may be used."""
        folder, now = str(self.repo.folder), to_micros(self.machine.now)
        here = (HERE.machine, HERE.boot, HERE.pid_namespace)
        if load_index(folder, {}, now, lambda: here) is None:
            return
        index = read_index(str(self.repo.folder / ".cache"))
        assert index
        workspace = find_workspace(self.machine.system(CLAUDE, {}), None)
        snapshot = Snapshot(self.machine.system(CLAUDE, {}), workspace)
        snapshot.catch_up()
        fields, tables = encode_view(as_of(snapshot.state, self.machine.now), read_config(workspace), HERE)
        assert (fields, tables) == ({name: index[0][name] for name in fields}, index[1])  # type: ignore[literal-required]

    # --- the steps

    def write(self, data: st.DataObject) -> None:
        pid, name, agent = data.draw(PIDS), data.draw(FILES), data.draw(AGENTS)
        if data.draw(st.sampled_from((True, True, True, False))):
            self.writes(pid, name, agent_id=agent)
        else:
            self.has_written(pid, name, agent_id=agent)

    def command(self, data: st.DataObject) -> None:
        pid = data.draw(PIDS)
        where = data.draw(st.sampled_from((self.root, self.root, self.root.parent / "other", self.root / "src")))
        command, result = f"({data.draw(COMMANDS)}) 2>/dev/null || true", data.draw(RESULTS)
        self.shell(pid, command, cwd=where, agent_id=data.draw(AGENTS), tool_response=result)

    def event(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(("prompt", "prompt", "before", "after", "stop", "start")))
        self.hook(data.draw(PIDS), name, tool_name="Read", agent_id=data.draw(AGENTS))

    def question(self, data: st.DataObject) -> None:
        """Claude asks its user."""
        self.hook(
            data.draw(st.sampled_from((CLAUDE, COPY))), "asks", tool_name=data.draw(st.sampled_from(("Bash", "Write")))
        )

    def subagent(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(("agent_start", "agent_stop")))
        self.hook(CLAUDE, name, agent_id=data.draw(st.sampled_from(("one", "two"))))

    def claim(self, data: st.DataObject) -> None:
        more = data.draw(st.sampled_from(((), ("--shared",), ("--ttl", "5m"))))
        self.coord(data.draw(PIDS), "claim", "file", data.draw(RESOURCES), *more)

    def release(self, data: st.DataObject) -> None:
        verb = data.draw(st.sampled_from((("release",), ("break", "--reason", "x"))))
        self.coord(data.draw(PIDS), verb[0], "file", data.draw(RESOURCES), *verb[1:])

    def message(self, data: st.DataObject) -> None:
        more = data.draw(st.sampled_from(((), ("--urgency", "high"), ("--needs-ack",))))
        with suppress(ValueError):  # the session has ended
            to = data.draw(st.sampled_from((None, *self.clients)))
            self.coord(data.draw(PIDS), "send", self.session(to) if to else "broadcast", "subject", "body", *more)

    def confirm(self, data: st.DataObject) -> None:
        pid = data.draw(PIDS)
        for row in self.coord(pid, "inbox", "--json").json["messages"]:
            self.coord(pid, "ack", row["id"])

    def user(self, data: st.DataObject) -> None:
        self.shell(CLAUDE, f"{data.draw(COMMANDS)} || true", hooks=False)

    def setting(self, data: st.DataObject) -> None:
        (self.repo.folder / "config.toml").write_text(data.draw(SETTINGS))

    def time(self, data: st.DataObject) -> None:
        self.machine.now = add_time(self.machine.now, data.draw(WAITS))

    def death(self, data: st.DataObject) -> None:
        """An agent's process ends, and its conversation continues in another one."""
        pid = data.draw(PIDS)
        self.runs(pid, self.clients[pid], start_ticks=self.machine.table.rows[pid].start_ticks + 1)


STEPS = (
    *[BothPaths.write] * 6,
    *[BothPaths.command] * 4,
    *[BothPaths.event] * 4,
    *[BothPaths.time] * 4,
    *[BothPaths.claim, BothPaths.message] * 2,
    *[BothPaths.question, BothPaths.subagent, BothPaths.release, BothPaths.confirm, BothPaths.user],
    *[BothPaths.setting, BothPaths.death],
)


def test_both_paths_of_a_hook_give_the_same_answer(repo: Repo, tmp_path: Path) -> None:
    answered: dict[str, int] = {}  # how many calls the quick path answered, by kind

    @settings(
        max_examples=settings.default.max_examples // 3 if settings.default else 20,
        phases=[Phase.generate],  # to shrink an example takes minutes
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.data())
    def script(data: st.DataObject) -> None:
        shutil.rmtree(tmp_path / "examples", ignore_errors=True)
        agents = BothPaths(Repo(tmp_path / "examples" / "repo", repo.home))
        agents.shell(CLAUDE, f"git init -q {agents.root}; cd {agents.root} && coord init", cwd=tmp_path, hooks=False)
        agents.shell(CLAUDE, "mkdir src; for f in a.py b.py src/c.py; do echo x > $f; done", hooks=False)
        agents.shell(CLAUDE, "git add -A; git commit -qm first; git worktree add -q ../other", hooks=False)
        for pid in agents.clients:
            agents.starts(pid)
        for _ in range(30):
            data.draw(st.sampled_from(STEPS))(agents, data)
            agents.check_view()
        for kind, number in agents.quick_answers.items():
            answered[kind] = answered.get(kind, 0) + number

    script()
    assert answered.keys() >= {"before", "after", "prompt", "deny"}, answered
