"""A git repository as a remote: refs and segments that were attacked, connections that are cut, hooks that refuse."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from coord.platform.git.remote_access import PrivateGit, make_private_repository
from eventlog.remotes.git.failures import Meaning, meaning_of_push
from eventlog.remotes.git.remote import REF, GitRemote
from eventlog.remotes.git.runner import GitFailed
from eventlog.remotes.piece import MAX_PIECE_BYTES
from eventlog.remotes.remote import BEHIND, OutcomeUnknown, RemoteAway, RemoteRefused
from tests.support.remote_places import ENV, Copy, GitDaemonPlace, GitPlace, git, has_git_daemon, pieces_of

LONG = bytes(range(256)) * 600


def publish(copy: Copy, session: str, data: bytes) -> None:
    cursor = copy.remote.publish(pieces_of(session, data), copy.cursor)
    assert isinstance(cursor, str)
    copy.cursor = cursor


@pytest.fixture
def first(bare: GitPlace) -> Copy:
    """A machine that has published a journal."""
    copy = Copy(bare.open("a"))
    copy.read()
    publish(copy, "one-1", LONG)
    return copy


def test_a_ref_that_was_rolled_back_is_read_from_the_start(bare: GitPlace, first: Copy) -> None:
    old = bare.tip()
    publish(first, "two-1", b"second\n")
    bare.set_tip(old)
    assert first.remote.publish(pieces_of("three-1", b"third\n"), first.cursor) == BEHIND
    assert first.read().restarted
    assert first.cursor == old
    publish(first, "two-1", b"second\n")
    assert Copy(bare.open("b")).read().cursor == first.cursor


def test_a_deleted_ref_is_published_again(bare: GitPlace, first: Copy) -> None:
    bare.set_tip("")
    assert first.remote.publish(pieces_of("two-1", b"second\n"), first.cursor) == BEHIND
    result = first.read()
    assert (result.cursor, result.restarted) == ("", True)
    publish(first, "one-1", LONG)
    other = Copy(bare.open("b"))
    other.read()
    assert other.journals == {"one-1": LONG}


def test_bytes_that_are_there_do_not_hide_that_the_ref_moved(bare: GitPlace, first: Copy) -> None:
    bare.set_tip("")
    assert first.remote.publish(pieces_of("one-1", LONG), first.cursor) == BEHIND


def test_an_altered_segment_is_replaced(bare: GitPlace, first: Copy) -> None:
    altered = bytes([LONG[0] ^ 1]) + LONG[1:]
    attacker = Copy(bare.open("attacker"))
    attacker.read()
    publish(attacker, "one-1", altered)
    first.journals["one-1"] = LONG
    first.read()
    assert first.journals["one-1"] == altered
    publish(first, "one-1", LONG)
    other = Copy(bare.open("b"))
    other.read()
    assert other.journals == {"one-1": LONG}


def test_a_full_segment_is_not_sent_again(bare: GitPlace, first: Copy) -> None:
    before = git(bare.bare, "ls-tree", "-r", REF).splitlines()
    cursor = first.remote.publish(pieces_of("one-1", LONG + b"more\n", since=len(LONG)), first.cursor)
    after = git(bare.bare, "ls-tree", "-r", str(cursor)).splitlines()
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_files_that_are_not_segments_are_not_read(bare: GitPlace, first: Copy) -> None:
    blob = git(bare.bare, "hash-object", "-w", "--stdin", data=b"foreign")
    tree = git(bare.bare, "ls-tree", REF) + f"\n100644 blob {blob}\tREADME\n"
    made = git(bare.bare, "mktree", data=tree.encode())
    author = ("-c", "user.name=x", "-c", "user.email=x@y")
    bare.set_tip(git(bare.bare, *author, "commit-tree", made, "-p", REF, "-m", "foreign"))
    other = Copy(bare.open("b"))
    other.read()
    assert other.journals == {"one-1": LONG}


def test_compacting_keeps_every_segment(bare: GitPlace, first: Copy) -> None:
    publish(first, "two-1", b"second\n")
    tree = git(bare.bare, "rev-parse", f"{REF}^{{tree}}")
    remote = first.remote
    assert isinstance(remote, GitRemote)
    cursor = remote.compact(first.cursor)
    assert git(bare.bare, "rev-parse", f"{REF}^{{tree}}") == tree
    assert git(bare.bare, "rev-list", "--count", REF) == "1"
    other = Copy(bare.open("b"))
    assert other.read().cursor == cursor
    assert other.journals == {"one-1": LONG, "two-1": b"second\n"}
    publish(other, "three-1", b"third\n")
    assert remote.compact(str(cursor)) == BEHIND


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_that_refuses_is_told(bare: GitPlace, first: Copy, hook: str) -> None:
    bare.hook(hook, "echo 'the ref is protected: already exists, cannot lock ref' >&2; exit 1")
    with pytest.raises(RemoteRefused, match="protected"):
        first.remote.publish(pieces_of("two-1", b"second\n"), first.cursor)
    assert bare.tip() == first.cursor


def test_after_a_slow_hook_the_outcome_is_unknown(bare: GitPlace, first: Copy) -> None:
    bare.hook("pre-receive", "sleep 5")
    slow = GitRemote("git origin", bare.url, PrivateGit(str(bare.private("a")), [], ENV), limit_s=0.5)
    with pytest.raises(OutcomeUnknown):
        slow.publish(pieces_of("two-1", b"second\n"), first.cursor)


def test_a_lock_that_was_left_behind_is_told(bare: GitPlace, first: Copy) -> None:
    (bare.bare / f"{REF}.lock").touch()
    with pytest.raises(RemoteRefused):
        first.remote.publish(pieces_of("two-1", b"second\n"), first.cursor)


@pytest.mark.parametrize("url", ["file:///no/such/place.git", "git://127.0.0.1:1/place.git"])
def test_a_place_that_is_not_there_is_away(bare: GitPlace, url: str) -> None:
    make_private_repository(str(bare.private("a")), ENV)
    remote = GitRemote("git origin", url, PrivateGit(str(bare.private("a")), [], ENV), limit_s=20)
    with pytest.raises(RemoteAway):
        remote.read("", lambda _: None)
    with pytest.raises(RemoteAway):
        remote.publish(pieces_of("one-1", b"first\n"), "")


def test_a_daemon_that_stops_is_away_and_comes_back(tmp_path: Path) -> None:
    if not has_git_daemon():
        pytest.skip("this git has no daemon")
    place = GitDaemonPlace(tmp_path)
    copy = Copy(place.open("a"))
    copy.read()
    publish(copy, "one-1", b"first\n")
    place.close()
    with pytest.raises(RemoteAway):
        copy.remote.publish(pieces_of("two-1", b"second\n"), copy.cursor)
    place.start()
    try:
        publish(copy, "two-1", b"second\n")
    finally:
        place.close()


class Killing(PrivateGit):
    """Runs git, and ends its `at`-th process with a signal: before it runs, or after it has done everything."""

    def __init__(self, *arguments: Any, at: int, after: bool) -> None:
        super().__init__(*arguments)
        self.left, self.after, self.killed = at, after, ""

    def __call__(self, *arguments: str, data: bytes = b"", timeout_s: float = 30) -> bytes:
        self.left -= 1
        if self.left == 0:
            self.killed = arguments[0]
            if self.after:
                super().__call__(*arguments, data=data, timeout_s=timeout_s)
            raise GitFailed("", -9)
        return super().__call__(*arguments, data=data, timeout_s=timeout_s)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 4))
def test_git_killed_at_each_step_of_a_publication(bare: GitPlace, first: Copy, step: int, after: bool) -> None:
    run = Killing(str(bare.private("a")), [], ENV, at=step, after=after)
    remote = GitRemote("git origin", bare.url, run)
    before = bare.tip()
    try:
        remote.publish(pieces_of("two-1", b"second\n"), first.cursor)
    except OutcomeUnknown:
        assert run.killed == "push"
    except RemoteAway:
        assert run.killed != "push"
        assert bare.tip() == before
    else:
        raise AssertionError("the publication succeeded without git")
    first.read()
    publish(first, "two-1", b"second\n")
    other = Copy(bare.open("b"))
    other.read()
    assert other.journals == {"one-1": LONG, "two-1": b"second\n"}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 6))
def test_git_killed_at_each_step_of_a_read(bare: GitPlace, first: Copy, step: int, after: bool) -> None:
    make_private_repository(str(bare.private("b")), ENV)
    run = Killing(str(bare.private("b")), [], ENV, at=step, after=after)
    other = Copy(GitRemote("git origin", bare.url, run))
    try:
        other.read()
    except RemoteAway:
        assert other.cursor == ""
        other.read()
    assert other.journals == {"one-1": LONG}


def attack_private_repository(private: Path, attack: str) -> None:
    objects = [path for path in (private / "objects").rglob("*") if path.is_file()]
    if attack == "deleted":
        shutil.rmtree(private)
    elif attack == "no refs":
        shutil.rmtree(private / "refs")
    else:
        for path in objects:
            path.chmod(0o644)
            path.write_bytes(b"" if attack == "empty" else path.read_bytes()[:-3] + b"xyz")


ATTACKS = ["deleted", "empty", "damaged", "no refs"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_read_mends_the_private_repository(bare: GitPlace, first: Copy, attack: str) -> None:
    publish(first, "two-1", b"second\n")
    attack_private_repository(bare.private("a"), attack)
    attacker = Copy(bare.open("attacker"))
    attacker.read()
    publish(attacker, "three-1", b"third\n")
    first.journals["one-1"], first.journals["two-1"] = LONG, b"second\n"
    first.read()
    publish(first, "four-1", b"fourth\n")
    assert first.journals == {"one-1": LONG, "two-1": b"second\n", "three-1": b"third\n"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_publication_mends_the_private_repository(bare: GitPlace, first: Copy, attack: str) -> None:
    publish(first, "two-1", b"second\n")
    attack_private_repository(bare.private("a"), attack)
    publish(first, "three-1", b"third\n")
    other = Copy(bare.open("b"))
    other.read()
    assert sorted(other.journals) == ["one-1", "three-1", "two-1"]


def test_closing_ends_a_push(bare: GitPlace, first: Copy) -> None:
    started = bare.base / "started"
    bare.hook("pre-receive", f"touch '{started}'; sleep 60")
    failed: list[type[BaseException]] = []

    def push() -> None:
        try:
            first.remote.publish(pieces_of("two-1", b"second\n"), first.cursor)
        except Exception as error:
            failed.append(type(error))

    pusher = threading.Thread(target=push)
    pusher.start()
    while pusher.is_alive() and not started.exists():
        pusher.join(0.02)
    first.remote.close()
    pusher.join(20)
    assert failed == [OutcomeUnknown]


def test_the_clock_is_that_of_the_ref(first: Copy, bare: GitPlace) -> None:
    os.utime(bare.bare / REF, (1_700_000_000, 1_700_000_000))
    assert first.remote.clock() != ""
    first.read()
    assert first.remote.clock() == ""


def test_segments_are_as_long_as_pieces_may_be(bare: GitPlace, first: Copy) -> None:
    sizes = [int(line.split()[3]) for line in git(bare.bare, "ls-tree", "-r", "-l", REF).splitlines()]
    assert sizes == [MAX_PIECE_BYTES, MAX_PIECE_BYTES, len(LONG) - 2 * MAX_PIECE_BYTES]


@pytest.mark.parametrize(
    ("message", "code", "meaning"),
    [
        ("!\ta:b\t[rejected] (stale info)", 1, Meaning.BEHIND),
        ("!\ta:b\t[remote rejected] (incorrect old value provided)", 1, Meaning.BEHIND),
        ("!\ta:b\t[remote rejected] (failed to update ref)", 1, Meaning.LOCKED),
        ("!\ta:b\t[remote rejected] (protected branch hook declined)", 1, Meaning.REFUSED),
        ("!\ta:b\t[remote failure] (remote failed to report status)", 1, Meaning.UNKNOWN),
        ("fatal: the remote end hung up unexpectedly", 128, Meaning.UNKNOWN),
        ("ssh: Could not resolve hostname x", 128, Meaning.AWAY),
        ("git@x: Permission denied (publickey).", 128, Meaning.REFUSED),
        ("a text that a later git prints", 128, Meaning.UNKNOWN),
        ("", -9, Meaning.UNKNOWN),
        ("late", None, Meaning.UNKNOWN),
    ],
)
def test_what_a_failed_push_means(message: str, code: int | None, meaning: Meaning) -> None:
    assert meaning_of_push(GitFailed(message, code)) == meaning


KILLED = """
import sys
from pathlib import Path
from tests.support.remote_places import GitPlace, pieces_of
place = GitPlace.__new__(GitPlace)
place.base, place.bare = Path(sys.argv[1]), Path(sys.argv[1]) / "place.git"
place.url = f"file://{place.bare}"
place.open("a").publish(pieces_of("two-1", b"second\\n"), sys.argv[2])
"""


def test_a_publisher_that_is_killed_leaves_all_or_nothing(bare: GitPlace, first: Copy) -> None:
    started = bare.base / "started"
    bare.hook("pre-receive", f"touch '{started}'; sleep 1")
    command = [sys.executable, "-c", KILLED, str(bare.base), first.cursor]
    publisher = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    while publisher.poll() is None and not started.exists():
        threading.Event().wait(0.02)
    publisher.kill()
    publisher.wait()
    (bare.bare / "hooks" / "pre-receive").unlink()
    for _ in range(3):
        first.read()
        if first.remote.publish(pieces_of("two-1", b"second\n"), first.cursor) != BEHIND:
            break
    other = Copy(bare.open("b"))
    other.read()
    assert other.journals == {"one-1": LONG, "two-1": b"second\n"}
