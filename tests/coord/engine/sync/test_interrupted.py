"""A claim whose command is killed between two of its steps: after the next exchange, all machines have the same."""

from typing import Any

import pytest

from coord.engine.sync import agreeing
from coord.engine.sync.exchange.exchange import Exchange
from coord.engine.sync.exchange.progress import Tracker
from coord.engine.sync.pending import read_pending
from coord.workspace.paths import find_workspace
from eventlog.local.writer import JournalWriter
from eventlog.remotes.git.remote import GitRemote
from tests.support.simulated_machines import Node, Nodes

RESOURCE = "deploy/prod"


class Killed(BaseException):
    """The process ends here, as by `kill -9`."""


# The function at which it is killed, whether after it, and whether the claim counts: a draft is published again.
STEPS = {
    "before the draft is written": (agreeing, "write_pending", False, False),
    "after the draft is written": (agreeing, "write_pending", True, True),
    "before it is published": (GitRemote, "publish", False, True),
    "after it is published": (GitRemote, "publish", True, True),
    "after the cursor is saved": (Tracker, "save", True, True),
    "after the answer": (Exchange, "agree", True, True),
    "before it is in the journal": (JournalWriter, "write_draft", False, True),
    "after it is in the journal": (JournalWriter, "write_draft", True, True),
    "after it is durable": (JournalWriter, "sync", True, True),
    "before the draft is removed": (agreeing, "remove_pending", False, True),
    "after the draft is removed": (agreeing, "remove_pending", True, True),
}


def kill_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the next command at a step. What a killed process does not do any more is not done either."""
    owner, name, after, _ = STEPS[step]
    original = getattr(owner, name)

    def killed(*words: Any, **options: Any) -> object:
        if after:
            original(*words, **options)
        raise Killed

    monkeypatch.setattr(owner, name, killed)
    monkeypatch.setattr(JournalWriter, "drop_draft", lambda _: None)


def holders(node: Node) -> dict[str, str]:
    return {row["resource"]: row["session"] for row in node.ok("claims", "--json").json["claims"]}


def session_of(node: Node) -> str:
    return str(node.ok("whoami", "--json").json["session"])


@pytest.mark.parametrize("step", STEPS)
def test_a_claim_whose_command_is_killed_at_a_step(nodes: Nodes, two: list[Node], step: str) -> None:
    """The next command of the machine reads only what is new at the remote."""
    a, b = two
    a.start(200, "--name", "second")
    nodes.exchange()
    with pytest.MonkeyPatch.context() as patch:
        kill_at(step, patch)
        with pytest.raises(Killed):
            a.run(100, "claim", RESOURCE)
    is_decided = STEPS[step][-1]
    assert a.run(200, "claim", RESOURCE).code == is_decided
    assert read_pending(find_workspace(a.system(100, {}), None)) is None
    nodes.exchange()
    assert a.journals() == b.journals()
    assert holders(a) == holders(b)
