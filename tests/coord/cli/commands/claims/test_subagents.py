"""Each subagent of a session has its own claims, and the session itself can act on all of them."""

import pytest

from eventlog.events import AnyPayload, ClaimAccepted, ClaimHandedOver, ClaimReleased, ClaimRenewed
from tests.support.histories import Story
from tests.support.in_process import SimulatedMachine
from tests.support.processes import Result
from tests.support.repositories import Repo

ACTS = {
    "release": ("release", "file", "a.py"),
    "renew": ("renew", "file", "a.py", "8"),
    "hand over": ("handoff", "file", "a.py", "other"),
}


def codex(machine: SimulatedMachine, thread: str, *argv: str) -> Result:
    """Run a command as one thread of the conversation `root`."""
    return machine.run(100, *argv, CODEX_THREAD_ID=thread, CODEX_SESSION_ID="root")


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    """A conversation whose first subagent holds a.py, and another session."""
    made = SimulatedMachine(repo)
    made.start(200, "--name", "other")
    assert codex(made, "one", "claim", "file", "a.py").code == 0
    return made


@pytest.mark.parametrize("act", ACTS)
def test_a_subagent_cannot_act_on_the_claim_of_another(machine: SimulatedMachine, act: str) -> None:
    before = machine.run(200, "claims", "--json").json["claims"]
    refused = codex(machine, "two", *ACTS[act])
    assert (refused.code, refused.out) == (1, "")
    assert "not yours" in refused.err
    assert machine.run(200, "claims", "--json").json["claims"] == before


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("thread", ["one", "root"])
def test_the_holding_subagent_and_its_session_can_act(machine: SimulatedMachine, thread: str, act: str) -> None:
    (before,) = machine.run(200, "claims", "--json").json["claims"]
    machine.wait(60)
    assert codex(machine, thread, *ACTS[act]).code == 0
    after = machine.run(200, "claims", "--json").json["claims"]
    if act == "release":
        assert after == []
    elif act == "renew":
        assert after[0]["ends_at"] > before["ends_at"]
    else:
        assert after[0]["session"] != before["session"]


def test_a_refused_subagent_is_not_sent_to_its_own_session(machine: SimulatedMachine) -> None:
    codex(machine, "root", "heartbeat", "building", "the landing page")
    refused = codex(machine, "two", "claim", "file", "a.py")
    assert refused.code == 1
    assert "another subagent of your session (one) has file/a.py" in refused.out
    assert "landing page" not in refused.out, "its own words"
    assert "Ask:" not in refused.out
    assert "Wait: coord claim file/a.py --wait 10m" in refused.out, "its command acts as the subagent"
    assert "another subagent of your session (one) has it" in codex(machine, "two", "release", "file", "a.py").err


@pytest.mark.parametrize(("agent", "counts"), [("one", True), ("", True), ("two", False)])
@pytest.mark.parametrize("kind", ["release", "renew", "hand over"])
def test_only_the_holder_or_its_session_acts_on_a_claim(kind: str, agent: str, counts: bool) -> None:
    story = Story("amber", "brown")
    claim = story.asks(1, "amber", "file/a.py", agent="one")
    payloads: dict[str, AnyPayload] = {
        "release": ClaimReleased(claim=claim.id, agent=agent),
        "renew": ClaimRenewed(claim=claim.id, ttl_s=3600, agent=agent),
        "hand over": ClaimHandedOver(claim=claim.id, resource="file/a.py", to="brown", agent=agent),
    }
    before = [(held.id, held.ends_at) for held in story.state().claims.values()]
    story.tell(2, "amber", payloads[kind])
    assert ([(held.id, held.ends_at) for held in story.state().claims.values()] != before) == counts


def test_a_subagent_cannot_withdraw_or_accept_for_another() -> None:
    story = Story("amber", "brown")
    held = story.asks(1, "brown", "file/a.py")
    wait = story.asks(2, "amber", "file/a.py", "waiting", wait_s=600, agent="one")
    story.tell(3, "amber", ClaimReleased(claim=wait.id, agent="two"))
    assert list(story.state().waits) == [wait.id]
    story.releases(4, "brown", held)
    story.tell(5, "amber", ClaimAccepted(claim=wait.id, resource="file/a.py", agent="two"))
    assert story.state().claims[wait.id].accept_by != ""
    story.tell(6, "amber", ClaimAccepted(claim=wait.id, resource="file/a.py", agent="one"))
    assert story.state().claims[wait.id].accept_by == ""
