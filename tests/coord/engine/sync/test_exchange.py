"""The exchange of journals with a git remote: what comes in, what goes out, and what is not accepted."""

import json
import os
import subprocess

from tests.support.simulated_machines import Node, Nodes

REF = "refs/coord/log"


def test_events_of_both_machines_are_on_both(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    a.ok("heartbeat", "building", "api")
    b.ok("send", "broadcast", "Hello")
    nodes.exchange()
    assert a.journals() == b.journals()
    assert "building api" in b.ok("status").out
    assert "Hello" in a.ok("inbox").out


def test_what_was_moved_is_counted(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    a.ok("heartbeat", "building", "api")
    assert a.ok("sync", "--json").json["events_out"] == 1
    assert b.ok("sync", "--json").json["events_in"] == 1
    assert "Received: nothing\nPublished: nothing" in b.ok("sync").out


def test_what_a_rolled_back_remote_lost_is_published_again(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    nodes.exchange()
    older = nodes.git("rev-parse", REF)
    a.ok("heartbeat", "building", "api")
    b.ok("heartbeat", "testing", "api")
    nodes.exchange()
    nodes.git("update-ref", REF, older)
    told = a.ok("sync")
    assert "the remote lost 2 events of 2 journals; they are published again from this machine" in told.out
    b.ok("heartbeat", "reviewing", "api")
    nodes.exchange()
    assert a.journals() == b.journals()
    assert "reviewing api" in a.ok("status").out


def test_a_deleted_ref_is_made_again(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    nodes.exchange()
    nodes.git("update-ref", "-d", REF)
    a.ok("sync")
    assert nodes.git("rev-parse", REF)
    nodes.exchange()
    assert a.journals() == b.journals()


def altered(nodes: Nodes, name: str, change: bytes) -> None:
    """Change a byte in the first segment of a journal at the remote, by a commit that continues the ref."""
    tip = nodes.git("rev-parse", REF)
    data = nodes.git("cat-file", "blob", f"{tip}:{name}/000000").encode() + b"\n"
    blob = nodes.git("hash-object", "-w", "--stdin", data=data.replace(b"building", change, 1))
    lines = nodes.git("ls-tree", "-r", tip).splitlines()
    index = "".join(
        f"{line.split()[0]} {blob if line.endswith(f'{name}/000000') else line.split()[2]}\t{line.split(chr(9))[1]}\n"
        for line in lines
    )
    env = os.environ | {"GIT_INDEX_FILE": str(nodes.hub / "altered-index")}
    subprocess.run(["git", "update-index", "--index-info"], cwd=nodes.hub, input=index.encode(), env=env, check=True)
    tree = subprocess.run(
        ["git", "write-tree"], cwd=nodes.hub, env=env, capture_output=True, check=True
    ).stdout.decode()
    commit = nodes.git("-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-p", tip, "-m", "", tree.strip())
    nodes.git("update-ref", REF, commit)


def test_an_altered_journal_is_not_accepted_and_mended(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    name = json.loads(a.ok("whoami", "--json").out)["session"]
    a.ok("heartbeat", "building", "api")
    a.ok("sync")
    altered(nodes, name, b"burning!")
    told = b.ok("sync")
    assert f"{name}: it is damaged at the remote at byte" in told.out
    assert "burning" not in b.ok("status").out
    told = a.ok("sync")
    assert f"{name}: it differs at the remote from byte" in told.out
    assert "published again" in told.out
    b.ok("sync")
    assert "building api" in b.ok("status").out
    assert a.journals() == b.journals()


def test_a_journal_of_this_machine_is_never_taken_over(nodes: Nodes, two: list[Node]) -> None:
    """The folder was restored from a backup: the remote has more of its journal than it has itself."""
    a, _ = two
    name = json.loads(a.ok("whoami", "--json").out)["session"]
    path = a.repo.log / f"{name}.jsonl"
    before = path.read_bytes()
    a.ok("heartbeat", "building", "api")
    a.ok("sync")
    path.write_bytes(before)
    told = a.ok("sync")
    assert f"{name}: this machine writes it, but the remote has" in told.out
    assert path.read_bytes() == before


def test_a_journal_that_was_deleted_here_is_read_again(two: list[Node]) -> None:
    """The claims in it are unknown here, although the remote was read."""
    a, b = two
    a.ok("claim", "deploy/prod")
    b.ok("sync")
    name = json.loads(a.ok("whoami", "--json").out)["session"]
    (b.repo.log / f"{name}.jsonl").unlink()
    assert b.run(100, "claim", "deploy/prod").code == 1
    assert a.journals()[f"{name}.jsonl"] == b.journals()[f"{name}.jsonl"]


def test_an_archived_journal_is_archived_everywhere(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    name = json.loads(a.ok("whoami", "--json").out)["session"]
    a.ok("end", "--summary", "done")
    nodes.exchange()
    for node in two:
        node.wait(3 * 24 * 3600)
    a.start(200, "--name", "next")
    assert (a.repo.log / "ended" / f"{name}.jsonl").exists()
    nodes.exchange()
    assert (b.repo.log / "ended" / f"{name}.jsonl").exists()
    assert not (b.repo.log / f"{name}.jsonl").exists()
    assert a.journals() == b.journals()


def test_the_history_of_the_ref_can_be_shortened(nodes: Nodes, two: list[Node]) -> None:
    a, b = two
    for number in range(5):
        a.ok("heartbeat", "building", f"part {number}")
        nodes.exchange()
    assert int(nodes.git("rev-list", "--count", REF)) > 5
    a.ok("sync", "--compact")
    assert nodes.git("rev-list", "--count", REF) == "1"
    b.ok("heartbeat", "testing", "all")
    nodes.exchange()
    assert a.journals() == b.journals()
