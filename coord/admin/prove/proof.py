"""Prove for a client that its hooks deny a write of a claimed file (`prove`), and say what to do if they do not."""

import os
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from coord.admin.doctor.subject import RepairStep
from coord.admin.install.changeset import Changeset
from coord.admin.install.clients import installed_hooks
from coord.admin.install.record import InstallRecord
from coord.admin.install.request import InstallRequest, resolve_path
from coord.admin.prove.attempt import call_hook, run_client
from coord.admin.prove.canary import NAME, claimed_canary
from coord.admin.prove.verdict import Verdict, judge_hook, judge_run
from coord.clients.client import Client
from coord.clients.registry import CLIENTS
from coord.guard.decision import is_ignored
from coord.guard.hook_state import client_trace_path, write_trace
from coord.platform.executable import find_program
from coord.platform.git.repository import CONFIG
from coord.render.format import shell_word
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System


class Proof(Struct, frozen=True):
    """The result for a client. `by` is who made the attempt: the client itself, or coord, which called its hook.

    `not_run` is why the client itself could not make it: the result is `not_tried` then. `hook` is the result of the
    call of its hook.
    """

    client: str
    title: str
    result: Verdict
    by: Literal["client", "hook"]
    evidence: str
    not_run: str = ""
    do: tuple[RepairStep, ...] = ()
    hook: Verdict | Literal[""] = ""  # empty if its hook was not called


class Prover(Struct, frozen=True):
    """What a proof needs: the folder whose settings count, and the settings of its log."""

    system: System
    workspace: Workspace
    config: Config

    @property
    def request(self) -> InstallRequest:
        """A request with which the installers can be asked about this worktree."""
        return InstallRequest(self.system, self.workspace.root, self.workspace.repository)

    def hooks(self, client: Client) -> dict[str, list[str]]:
        """Return the commands of a client's hooks by the scope of the settings. Raises CoordError."""
        return installed_hooks(client, self.request, Changeset(InstallRecord("", {})))

    def installed(self) -> list[Client]:
        """Return the clients in whose settings the hooks are. Raises CoordError."""
        return [client for client in CLIENTS if self.hooks(client)]

    def program(self, client: Client) -> str:
        """Return the client's program; empty if it is not on the PATH or cannot be run without a user."""
        return find_program(self.system.env, client.command) if client.headless else ""


def prove(prover: Prover, client: Client, *, hook_only: bool) -> Proof:
    """Find out whether a client's hooks deny a write. Raises CoordError."""
    if reason := _never_denies(prover.config):
        return _proof(prover, client, "not_tried", "hook", reason)
    not_run = ""
    if not hook_only:
        result, evidence = _run(prover, client)
        if result != "not_tried":
            return _proof(prover, client, result, "client", evidence)
        not_run = evidence
    result, evidence = _call(prover, client)
    proof = _proof(prover, client, result, "hook", evidence, not_run)
    return replace(proof, result="not_tried" if not_run else result, hook=result)


def _never_denies(config: Config) -> str:
    """Return why no hook can deny the canary with the settings of the log; empty if a hook can."""
    if config.guard in ("warn", "off"):
        return f"{CONFIG} has guard = {config.guard!r}, so hooks deny nothing"
    if is_ignored(f"file/{NAME}", config.ignore):
        return f"{CONFIG} has a pattern in `ignore` that matches every file such as {NAME}, so hooks do not guard it"
    return ""


def _run(prover: Prover, client: Client) -> tuple[Verdict, str]:
    if not client.headless:
        return "not_tried", "coord does not know how to run it without a user"
    if not (program := prover.program(client)):
        return "not_tried", f"{client.command} is not on the PATH"
    with claimed_canary(prover.system, prover.workspace, prover.config) as canary:
        attempt = run_client(client, program, canary, prover.workspace.root)
        seen = canary.evidence()
    if seen.ran:  # `coord doctor` reports hooks that have never run here
        write_trace(client_trace_path(prover.workspace.cache, client.word))
    return judge_run(seen, attempt)


def _call(prover: Prover, client: Client) -> tuple[Verdict, str]:
    commands = dict.fromkeys(command for scope in prover.hooks(client).values() for command in scope)
    results = [_call_one(prover, client, command) for command in commands if _is_called_before(client, command)]
    if not results:
        return "not_asked", "its settings have no hooks of coord"
    return min(results, key=lambda result: result[0] != "denied")  # one that denies is enough


def _is_called_before(client: Client, command: str) -> bool:
    """Return whether the command of a hook can be the one before a write: it does not wait for messages, and names no
    other hook event.
    """
    words = command.split()
    named = {client.hook_events[word] for word in words if word in client.hook_events}
    return "--wake" not in words and (not named or "before" in named)


def _call_one(prover: Prover, client: Client, command: str) -> tuple[Verdict, str]:
    with claimed_canary(prover.system, prover.workspace, prover.config) as canary:
        attempt = call_hook(client, command, canary, prover.workspace.root)
        return judge_hook(canary.evidence(), attempt)


def _proof(
    prover: Prover, client: Client, result: Verdict, by: Literal["client", "hook"], evidence: str, not_run: str = ""
) -> Proof:
    do = tuple(_steps(prover, client, result, not_run))
    return Proof(client.name, client.title, result, by, evidence, not_run, do)


def _steps(prover: Prover, client: Client, result: Verdict, not_run: str) -> Iterator[RepairStep]:
    """Yield the steps that help after a result, the safest first."""
    again = RepairStep("then try again", f"coord doctor --prove {client.word}")
    paths = [resolve_path(client.settings[scope], prover.request, client) for scope in prover.hooks(client)]
    if result == "not_asked" and not paths:
        yield RepairStep("install its hooks", f"coord install {client.word}")
        yield again
    elif result == "not_asked":
        if not find_program(prover.system.env, "coord"):  # shared hooks do nothing for people without coord
            yield RepairStep(
                "put coord on the PATH: the hooks do nothing if they do not find it; to see how", "coord doctor"
            )
        yield RepairStep(client.todo)
        yield RepairStep("check whether its settings disable hooks", _cat(paths))
        yield again
    elif result == "ignored":
        yield RepairStep(
            "check whether its settings change the answer of the hooks, for example with `|| true`", _cat(paths)
        )
        for scope in prover.hooks(client):
            yield RepairStep("write the hooks again", f"coord install {client.word} --{scope}")
        yield again
    elif _never_denies(prover.config):
        yield RepairStep("look at the settings", _cat([os.path.join(prover.workspace.folder, CONFIG)]))
        yield again
    elif not_run and prover.program(client):
        start = f"cd {shell_word(prover.workspace.root)} && {client.command}"
        yield RepairStep(f"start {client.title} here, log in if it asks for that, and check that it answers", start)
        yield again


def _cat(paths: list[str]) -> str:
    return f"cat {' '.join(map(shell_word, paths))}" if paths else ""
