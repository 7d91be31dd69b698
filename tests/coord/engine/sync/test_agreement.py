"""Claims that all machines agree on before they are told: with the remote, without it, and when its answer is lost."""

import json
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from coord.engine.sync.pending import read_pending
from coord.workspace.paths import find_workspace
from eventlog.events import ClaimBroken, ClaimReleased, ClaimRequested, SessionHeartbeat
from eventlog.remotes.git.remote import GitRemote
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import OutcomeUnknown
from projections.rules.state import State
from tests.support.simulated_machines import Node, Nodes


def claimed(node: Node, resource: str = "deploy/prod", *more: str, shell: int = 100) -> int:
    return node.run(shell, "claim", resource, *more).code


def holders(node: Node) -> dict[str, str]:
    return {row["resource"]: row["session"] for row in node.ok("claims", "--json").json["claims"]}


def session_of(node: Node) -> str:
    return str(node.ok("whoami", "--json").json["session"])


def test_of_two_machines_exactly_one_gets_a_resource(two: list[Node]) -> None:
    a, b = two
    assert [claimed(a), claimed(b)] == [0, 1]
    assert claimed(b, "deploy/test") == 0
    assert claimed(a, "deploy/test") == 1


def test_a_refusal_is_true_when_it_is_told(two: list[Node]) -> None:
    """The release of the other machine was published, but not read here yet."""
    a, b = two
    claimed(a)
    b.ok("sync")
    a.ok("release", "deploy/prod")
    a.ok("sync")
    assert claimed(b) == 0


def test_what_a_grant_depends_on_is_published_with_it(nodes: Nodes, two: list[Node]) -> None:
    """A release that is not published yet travels with the claim of another session of the same machine."""
    a, b = two
    a.start(200, "--name", "second")
    claimed(a)
    a.ok("release", "deploy/prod")
    assert claimed(a, shell=200) == 0
    b.ok("sync")
    assert holders(b) == holders(a)
    nodes.exchange()
    assert a.journals() == b.journals()


@pytest.mark.parametrize("words", [("renew", "deploy/prod"), ("handoff", "deploy/prod", "second")])
def test_what_changes_a_claim_is_published_before_it_is_told(two: list[Node], words: tuple[str, ...]) -> None:
    a, b = two
    a.start(200, "--name", "second")
    claimed(a)
    a.wait(60)
    a.ok(*words)
    b.ok("sync")
    rows = [node.ok("claims", "--json").json["claims"] for node in two]
    assert rows[1] == [row | {"elsewhere": rows[1][0]["elsewhere"]} for row in rows[0]]


def test_a_claim_of_another_machine_can_be_broken(two: list[Node]) -> None:
    a, b = two
    claimed(a)
    b.ok("sync")
    b.ok("break", "deploy/prod", "--reason", "its machine is away")
    assert claimed(b) == 0
    a.ok("sync")
    assert "broke your claim" in a.ok("inbox").out


def test_without_the_remote_a_claim_is_refused(nodes: Nodes, two: list[Node]) -> None:
    a, _ = two
    nodes.go_away()
    a.ok("heartbeat", "building", "api")
    told = a.run(100, "claim", "deploy/prod")
    assert told.code == 1
    assert "cannot be reached" in told.err
    assert "Nothing was changed" in told.err
    assert "--offline" in told.err
    assert json.loads(a.run(100, "claim", "deploy/prod", "--json").err)["error"]["not_agreed"] is True
    assert holders(a) == {}
    nodes.come_back()
    assert claimed(a) == 0


@pytest.mark.parametrize("setting", [False, True])
def test_without_the_remote_a_claim_can_be_provisional(nodes: Nodes, two: list[Node], setting: bool) -> None:
    a, b = two
    if setting:
        a.set('offline = "provisional"\n')
    nodes.go_away()
    told = a.ok("claim", "deploy/prod", *([] if setting else ["--offline"]))
    assert "provisional until the other machines agree" in told.out
    assert "provisional: other machines have not agreed" in a.ok("claims").out
    nodes.come_back()
    assert claimed(b) == 0
    a.ok("sync")
    assert holders(a) == {"deploy/prod": session_of(b)}
    assert "You lost deploy/prod" in a.ok("inbox").out


def test_a_provisional_claim_becomes_firm_when_requested_again(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    a.ok("claim", "deploy/prod", "--offline")
    a.ok("claim", "deploy/prod")
    assert "provisional" not in a.ok("claims").out
    assert claimed(b) == 1


class Faulty(GitRemote):
    """A git remote whose answer to the next publications is lost."""

    lost: ClassVar[list[Callable[[], bool]]] = []

    def publish(self, pieces: Sequence[Piece], cursor: str) -> object:  # type: ignore[override] # raises instead
        if self.lost:
            if self.lost.pop()():
                super().publish(pieces, cursor)
            raise OutcomeUnknown("the connection was cut")
        return super().publish(pieces, cursor)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> type[Faulty]:
    monkeypatch.setattr("eventlog.remotes.git.remote.GitRemote", Faulty)
    monkeypatch.setattr(Faulty, "lost", [])
    return Faulty


@pytest.mark.parametrize("arrived", [True, False])
def test_an_unknown_outcome_is_settled(nodes: Nodes, two: list[Node], faulty: type[Faulty], arrived: bool) -> None:
    """The session goes on in another journal, until it is known whether its last lines were published."""
    a, b = two
    nodes.exchange()
    before = session_of(a)
    faulty.lost.append(lambda: arrived)
    told = a.run(100, "claim", "deploy/prod")
    assert told.code == 4
    assert "The request is kept" in told.err
    workspace = find_workspace(a.system(100, {}), None)
    draft = read_pending(workspace)
    assert draft is not None
    assert draft.session == before
    assert holders(a) == {}
    a.ok("heartbeat", "building", "api")
    assert read_pending(workspace) is None
    nodes.exchange()
    assert holders(a) == holders(b)
    assert a.journals() == b.journals()
    is_held = session_of(a) in holders(a).values() or before in holders(a).values()
    assert is_held, (a.ok("log").out, before, session_of(a), holders(a))
    assert claimed(b) == 1


def test_a_claim_that_never_arrived_yields_to_another(nodes: Nodes, two: list[Node], faulty: type[Faulty]) -> None:
    a, b = two
    nodes.exchange()
    faulty.lost.append(lambda: False)
    assert claimed(a) == 4
    assert claimed(b) == 0
    assert claimed(a) == 1
    nodes.exchange()
    assert holders(a) == holders(b) == {"deploy/prod": session_of(b)}
    assert read_pending(find_workspace(a.system(100, {}), None)) is None


@pytest.mark.parametrize("seconds", [600, -600, 86400, -86400])
def test_a_wrong_clock_takes_no_live_claim(two: list[Node], seconds: int) -> None:
    """The remote tells no time, so only the news of the other machine can tell that its claim has ended."""
    a, b = two
    assert claimed(a, "deploy/prod", "--ttl", "5m") == 0
    b.wait(seconds)
    told = b.run(100, "claim", "deploy/prod")
    assert told.code == 1, told
    assert session_of(a) in holders(a).values()
    a.wait(60)
    a.ok("renew", "deploy/prod")
    assert b.run(100, "claim", "deploy/prod").code == 1


def test_a_clock_that_is_ahead_of_the_remote_is_told(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    nodes.clock = a.now
    b.wait(600)
    b.ok("sync")
    b.ok("heartbeat", "building", "api")
    b.ok("sync")
    told = b.run(100, "claim", "deploy/prod")
    assert told.code == 1
    assert "This machine's clock is 10 min ahead of the remote's. Correct it." in told.err
    assert claimed(a) == 0


def test_an_expired_claim_can_be_taken_after_news_of_its_machine(two: list[Node]) -> None:
    a, b = two
    claimed(a, "deploy/prod", "--ttl", "5m")
    for node in two:
        node.wait(600)
    assert "No news from that machine" in b.run(100, "claim", "deploy/prod").err
    a.ok("heartbeat", "building", "api")
    a.ok("sync")
    assert claimed(b) == 0


def test_an_expired_claim_of_a_silent_machine_can_be_broken(two: list[Node]) -> None:
    a, b = two
    claimed(a, "deploy/prod", "--ttl", "5m")
    for node in two:
        node.wait(600)
    assert claimed(b) == 1
    b.ok("break", "deploy/prod", "--reason", "the laptop is closed")
    assert claimed(b) == 0


def test_only_what_gives_something_needs_agreement() -> None:
    from coord.engine.sync.agreeing import needs_agreement

    state = State()
    asked = ClaimRequested(resource="deploy/x", mode="exclusive", ttl_s=60, told="granted")
    assert needs_agreement(asked, state, "here")
    assert not needs_agreement(SessionHeartbeat(action="building"), state, "here")
    assert not needs_agreement(ClaimReleased(claim="a/1"), state, "here")
    assert not needs_agreement(ClaimBroken(claim="a/1", reason="x"), state, "here")
