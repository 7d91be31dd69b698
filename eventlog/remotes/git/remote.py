"""Journals in the ref `refs/coord/log` of a git repository.

A publication is one commit, pushed on the condition that the ref is still at the commit that was read
(`--force-with-lease` with that commit: without one, the condition would be void after any fetch). What is fetched is
kept in a private repository, which can be deleted. A cursor is the id of a commit.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Sequence

from eventlog.events import Instant, from_micros
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
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_BEHIND = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|already exists"
)
_REFUSED = re.compile(
    r"remote rejected|pre-receive|hook declined|protected|[Pp]ermission (to .* )?denied|access denied|not allowed|"
    r"Authentication failed|could not read Username|error: 40[13]|insufficient permission|read-only",
)
_CUT = re.compile(
    r"hung up|early EOF|RPC failed|unexpected disconnect|reset by peer|Broken pipe|send-pack", re.IGNORECASE
)


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
        self._closed = threading.Event()
        self._files = _git_dir(url)
        self._clock: Instant = ""

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """See `Remote.read`."""
        self._clock = ""
        if cursor and self._tip_in_files() == cursor:
            return ReadResult(cursor)
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
        try:
            self._run(
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                self.url,
                f"+{REF}:{REF}",
                timeout_s=self._limit_s,
            )
        except GitFailed as error:
            if "couldn't find remote ref" in error.message:
                return ""
            raise self._unreachable(error) from None
        return self._local("rev-parse", REF).decode().strip()

    def _changed(self, cursor: str, tip: str) -> list[Segment] | None:
        """Return the segments that changed since a commit; None if the ref does not continue it."""
        if not _COMMIT.fullmatch(cursor):
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
                size = int(bytes(answer[at:end]).rpartition(b" ")[2])
                data = bytes(answer[end + 1 : end + 1 + size])
                at = end + size + 2
                is_last = last.get(segment.session) == segment.number
                use(Piece(segment.session, segment.number * MAX_PIECE_BYTES, data, archived=is_last))

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """See `Remote.publish`. Each piece is a whole segment."""
        self._clock = ""
        renamed = self._renamed(pieces, cursor)
        stream = commit_stream(_OUTGOING, cursor, pieces, renamed, int(time.time()))
        try:
            self._local("fast-import", "--quiet", "--done", "--force", data=stream)
        except RemoteAway:
            if cursor:
                return BEHIND  # the private repository does not have the commit: it must be read first
            raise
        commit = self._local("rev-parse", _OUTGOING).decode().strip()
        return self._push(cursor, commit)

    def _renamed(self, pieces: Sequence[Piece], cursor: str) -> list[str]:
        """Return the journals among these that are archived and have their segments elsewhere in the tree."""
        archived = sorted({piece.session for piece in pieces if piece.archived})
        if not archived or not cursor:
            return []
        there = self._local("ls-tree", "-d", "--name-only", "-z", cursor).decode().split("\0")
        return sorted(set(archived) & set(there))

    def _push(self, cursor: str, commit: str) -> str | Behind:
        lease = f"--force-with-lease={REF}:{cursor}"
        try:
            self._run(
                *("push", "--quiet", "--porcelain", "--no-verify", lease, self.url, f"{commit}:{REF}"),
                timeout_s=self._limit_s,
            )
        except GitFailed as error:
            if _BEHIND.search(error.message):
                return BEHIND
            if _REFUSED.search(error.message):
                raise RemoteRefused(f"{self.name} refused the push: {_reason(error)}") from None
            if error.started and (error.code is None or _CUT.search(error.message)):
                raise OutcomeUnknown(f"{self.name} did not answer the push: {_reason(error)}") from None
            raise self._unreachable(error) from None
        self._note_clock()
        return commit

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
            if (tip := self._tip_in_files()) is None:
                tip = self._tip_by_git()
            if tip != cursor:
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            pause = self._poll_s if self._files is None else min(self._poll_s, 1)
            self._closed.wait(min(left, pause))
        return False

    def _tip_by_git(self) -> str:
        try:
            listed = self._run("ls-remote", "--quiet", self.url, REF, timeout_s=self._limit_s)
        except GitFailed as error:
            raise self._unreachable(error) from None
        return listed.decode(errors="replace").partition("\t")[0]

    def _tip_in_files(self) -> str | None:
        """Return the ref's commit, read from the files of a repository on this machine; None if that is not known."""
        if self._files is None:
            return None
        try:
            with open(os.path.join(self._files, REF), encoding="ascii") as file:
                tip = file.read(100).strip()
        except FileNotFoundError:
            return self._packed_tip()
        except (OSError, ValueError):
            return None
        return tip if _COMMIT.fullmatch(tip) else None

    def _packed_tip(self) -> str | None:
        try:
            with open(os.path.join(self._files or "", "packed-refs"), encoding="utf-8", errors="replace") as file:
                found = next((line.split()[0] for line in file if line.rstrip().endswith(f" {REF}")), "")
        except FileNotFoundError:
            return "" if os.path.isdir(os.path.join(self._files or "", "objects")) else None
        except OSError:
            return None
        return found

    def _note_clock(self) -> None:
        """Note when the repository's machine wrote the ref that we have just pushed."""
        if self._files is not None:
            try:
                self._clock = from_micros(os.stat(os.path.join(self._files, REF)).st_mtime_ns // 1000)
            except OSError:
                self._clock = ""

    def clock(self) -> Instant:
        """See `Remote.clock`. Only the files of a repository on this machine, or on a shared disk, tell it."""
        return self._clock

    def close(self) -> None:
        """See `Remote.close`."""
        self._closed.set()

    def _local(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run git on the private repository alone."""
        try:
            return self._run(*arguments, data=data)
        except GitFailed as error:
            raise RemoteAway(f"git {arguments[0]} failed in the private repository: {_reason(error)}") from None

    def _unreachable(self, error: GitFailed) -> RemoteAway | RemoteRefused:
        if _REFUSED.search(error.message):
            return RemoteRefused(f"{self.name} refused: {_reason(error)}")
        if error.started and error.code is None:
            return RemoteAway(f"{self.name} did not answer within {self._limit_s:g} s")
        return RemoteAway(f"{self.name} cannot be reached: {_reason(error)}")


def _reason(error: GitFailed) -> str:
    """Return the line of git's message that says most."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("!", "remote:", "fatal:", "error:", "ssh:"))]
    return (telling or lines or ["git printed no reason"])[0][:300]


def _git_dir(url: str) -> str | None:
    """Return the git directory of a URL that is a path of this machine; None if it is none."""
    path = url.removeprefix("file://")
    if not os.path.isabs(path):
        return None
    return os.path.join(path, ".git") if os.path.isdir(os.path.join(path, ".git")) else path
