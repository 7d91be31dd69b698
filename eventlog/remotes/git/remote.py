"""Journals in the ref `refs/coord/log` of a git repository.

A publication is one commit, pushed on the condition that the ref is still at the commit that was read
(`--force-with-lease` with that commit: without one, the condition would be void after any fetch). What is fetched is
kept in a private repository, which can be deleted. A cursor is the id of a commit.
"""

import threading
import time
from collections.abc import Callable, Sequence

from eventlog.events import Instant
from eventlog.remotes.git.failures import Meaning, is_of_the_remote, meaning_of_fetch, meaning_of_push, reason_of
from eventlog.remotes.git.ref_files import COMMIT, RefFiles
from eventlog.remotes.git.runner import GitFailed, RunGit
from eventlog.remotes.git.tree import Segment, commit_stream, segments_changed, segments_in
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece
from eventlog.remotes.remote import (
    BEGINNING,
    BEHIND,
    Behind,
    OutcomeUnknown,
    ReadResult,
    RemoteAway,
    RemoteRefused,
)

REF = "refs/coord/log"
_OUTGOING = "refs/coord/outgoing"
_BLOBS_AT_ONCE = 200  # at most 13 MB
_MOST_PATIENCE = 32  # times the limit, for a fetch that did not end in time before
_SLOWEST = 64 << 10  # bytes in a second, of a line on which a push still ends in time
_PUSHES = 4  # while the ref is locked and has not moved


class _Damaged(RemoteAway):
    """The private repository does not have what it should."""


class GitRemote:
    """A git remote: see `eventlog.remotes.remote.Remote`. `url` is what git pushes to.

    `run` runs git in a private bare repository. A process looks for news every `poll_s` seconds; if the repository is
    at a path of this machine, it looks at its files instead, without git.
    """

    agrees = True
    whole_segments = True

    def __init__(self, name: str, url: str, run: RunGit, *, poll_s: float = 5, limit_s: float = 30) -> None:
        self.name, self.url, self._run = name, url, run
        self._poll_s, self._limit_s = poll_s, limit_s
        self._patience = 1
        self._closed = threading.Event()
        self._files = RefFiles(url, REF)
        self._clock: Instant = ""

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """See `Remote.read`. A damaged private repository is made again, and everything is read from the beginning."""
        self._clock = ""
        if cursor and self._files.tip() == cursor:
            return ReadResult(cursor)
        try:
            return self._read(cursor, use)
        except _Damaged:
            self._renew()
            return self._read(BEGINNING, use)

    def _renew(self) -> None:
        try:
            self._run.renew()
        except GitFailed as error:
            raise RemoteAway(f"the private repository cannot be made: {reason_of(error)}") from None

    def _read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        tip = self._fetch()
        if tip == cursor:
            return ReadResult(cursor)
        if not tip:
            return ReadResult(BEGINNING, restarted=True)
        segments = self._changed(cursor, tip) if cursor else None
        restarted = segments is None
        if segments is None:
            segments = segments_in(self._local("ls-tree", "-r", "-z", tip))
        self._read_blobs(segments, use)
        return ReadResult(tip, restarted=restarted)

    def _fetch(self) -> str:
        """Fetch the ref, and return its commit; empty if the repository does not have it."""
        options = ("--quiet", "--no-tags", "--no-write-fetch-head")
        try:
            self._run("fetch", *options, self.url, f"+{REF}:{REF}", timeout_s=self._limit_s * self._patience)
        except GitFailed as error:
            if "couldn't find remote ref" in error.message:
                return ""
            if error.started and error.code is None:  # there may be much to fetch: wait longer the next time
                self._patience = min(self._patience * 2, _MOST_PATIENCE)
            if not is_of_the_remote(error) and not self._private_is_whole():
                raise _Damaged(f"the private repository is damaged: {reason_of(error)}") from None
            raise self._unreachable(error) from None
        self._patience = 1
        return self._local("rev-parse", REF).decode().strip()

    def _private_is_whole(self) -> bool:
        """Return whether all of the private repository can be read."""
        try:
            self._local("fsck", "--no-dangling", "--no-progress")
        except _Damaged:
            return False
        except RemoteAway:
            pass  # closed
        return True

    def _changed(self, cursor: str, tip: str) -> list[Segment] | None:
        """Return the segments that changed since a commit; None if the ref does not continue it."""
        if not COMMIT.fullmatch(cursor):
            return None
        try:
            self._run("merge-base", "--is-ancestor", cursor, tip)
        except GitFailed:
            return None
        segments, removed = segments_changed(self._local("diff-tree", "-r", "-z", "--raw", "--no-renames", cursor, tip))
        return None if removed else segments

    def _read_blobs(self, segments: list[Segment], use: Callable[[Piece], None]) -> None:
        last = {segment.session: segment.number for segment in segments if segment.archived}
        for first in range(0, len(segments), _BLOBS_AT_ONCE):
            some = segments[first : first + _BLOBS_AT_ONCE]
            asked = "".join(f"{segment.blob}\n" for segment in some).encode()
            answer, at = memoryview(self._local("cat-file", "--batch", data=asked)), 0
            for segment in some:
                end = at + bytes(answer[at : at + 100]).index(b"\n")
                words = bytes(answer[at:end]).split(b" ")
                if words[1:2] != [b"blob"]:
                    raise _Damaged(f"the private repository lacks the object {segment.blob}")
                size = int(words[2])
                data = bytes(answer[end + 1 : end + 1 + size])
                at = end + size + 2
                is_last = last.get(segment.session) == segment.number
                use(Piece(segment.session, segment.number * MAX_PIECE_BYTES, data, archived=is_last))

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """See `Remote.publish`. Each piece is a whole segment."""
        self._clock = ""
        if cursor and not COMMIT.fullmatch(cursor):
            return BEHIND  # a cursor of another remote
        try:
            commit, is_same = self._commit(pieces, cursor)
        except _Damaged:
            if not cursor or self._has(cursor):
                raise
            self._renew()
            if self._fetch() != cursor:
                return BEHIND
            commit, is_same = self._commit(pieces, cursor)
        if is_same:  # the remote has these bytes
            return cursor if self._tip() == cursor else BEHIND
        return self._push(cursor, commit, sum(len(piece.data) for piece in pieces))

    def _commit(self, pieces: Sequence[Piece], cursor: str) -> tuple[str, bool]:
        """Return a new commit after `cursor`, and whether its tree is the same."""
        stream = commit_stream(_OUTGOING, cursor, pieces, self._renamed(pieces, cursor), int(time.time()))
        self._local("fast-import", "--quiet", "--done", "--force", data=stream)
        trees = [f"{_OUTGOING}^{{tree}}", f"{cursor}^{{tree}}"] if cursor else []
        commit, *found = self._local("rev-parse", _OUTGOING, *trees).decode().split()
        return commit, bool(found) and found[0] == found[1]

    def _has(self, cursor: str) -> bool:
        """Return whether the private repository has a commit with all of its tree."""
        try:
            self._run("ls-tree", "-r", "--name-only", cursor)
        except GitFailed:
            return False
        return True

    def _renamed(self, pieces: Sequence[Piece], cursor: str) -> list[str]:
        """Return the journals among these that are archived and have their segments elsewhere in the tree."""
        archived = sorted({piece.session for piece in pieces if piece.archived})
        if not archived or not cursor:
            return []
        there = self._local("ls-tree", "-d", "--name-only", "-z", cursor).decode().split("\0")
        return sorted(set(archived) & set(there))

    def _push(self, cursor: str, commit: str, size: int = 0) -> str | Behind:
        lease = f"--force-with-lease={REF}:{cursor}"
        options = ("--quiet", "--porcelain", "--no-verify", lease)
        for attempt in range(_PUSHES):
            try:
                self._run(*("push", *options, self.url, f"{commit}:{REF}"), timeout_s=self._limit_s + size / _SLOWEST)
            except GitFailed as error:
                meaning, reason = meaning_of_push(error), reason_of(error)
                if meaning == Meaning.UNKNOWN and not is_of_the_remote(error) and not self._private_is_whole():
                    self._renew()  # so that the next attempt succeeds
            else:
                self._clock = self._files.written_at()
                return commit
            if meaning == Meaning.LOCKED and self._tip() != cursor:
                meaning = Meaning.BEHIND
            if meaning != Meaning.LOCKED or attempt == _PUSHES - 1 or self._closed.wait(0.2 * (attempt + 1)):
                break
        if meaning == Meaning.BEHIND:
            return BEHIND
        if meaning == Meaning.UNKNOWN:
            raise OutcomeUnknown(f"{self.name} did not answer the push: {reason}")
        if meaning == Meaning.AWAY:
            raise RemoteAway(f"{self.name} cannot be reached: {reason}")
        raise RemoteRefused(f"{self.name} refused the push: {reason}")

    def compact(self, cursor: str) -> str | Behind:
        """Replace the history of the ref by one commit with the same tree, if the ref is still at `cursor`."""
        tree = self._local("rev-parse", f"{cursor}^{{tree}}").decode().strip()
        stream = f"commit {_OUTGOING}\ncommitter coord <coord@localhost> {int(time.time())} +0000\ndata 0\n"
        stream += f"M 040000 {tree} \n\ndone\n"
        self._local("fast-import", "--quiet", "--done", "--force", data=stream.encode())
        return self._push(cursor, self._local("rev-parse", _OUTGOING).decode().strip())

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """See `Remote.watch`."""
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            tip = self._files.tip()
            pause = self._poll_s if tip is None else min(self._poll_s, 1)
            if (self._tip_by_git() if tip is None else tip) != cursor:
                return not self._closed.is_set()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._closed.wait(min(left, pause))
        return False

    def _tip(self) -> str:
        """Return the commit of the remote's ref; empty if it does not have the ref."""
        tip = self._files.tip()
        return self._tip_by_git() if tip is None else tip

    def _tip_by_git(self) -> str:
        try:
            listed = self._run("ls-remote", "--quiet", self.url, REF, timeout_s=self._limit_s)
        except GitFailed as error:
            if self._closed.is_set():
                return ""
            raise self._unreachable(error) from None
        return listed.decode(errors="replace").partition("\t")[0]

    def clock(self) -> Instant:
        """See `Remote.clock`. Only the files of a repository on this machine, or on a shared disk, tell it."""
        return self._clock

    def close(self) -> None:
        """See `Remote.close`."""
        self._closed.set()
        self._run.stop()

    def _local(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run git on the private repository alone."""
        try:
            return self._run(*arguments, data=data)
        except GitFailed as error:
            text = f"git {arguments[0]} failed in the private repository: {reason_of(error)}"
            raise (RemoteAway if self._closed.is_set() else _Damaged)(text) from None

    def _unreachable(self, error: GitFailed) -> RemoteAway | RemoteRefused:
        if meaning_of_fetch(error) == Meaning.REFUSED:
            return RemoteRefused(f"{self.name} refused: {reason_of(error)}")
        if error.started and error.code is None:
            return RemoteAway(f"{self.name} did not answer in time: {reason_of(error)}")
        return RemoteAway(f"{self.name} cannot be reached: {reason_of(error)}")
