"""How journals are stored in the tree of the ref: one folder for each journal, with segments of 64 KiB.

A segment is `SESSION/000000`, `SESSION/000001` and so on; those of archived journals are below `ended/`. A full segment
does not change any more, so a push carries only what is new.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece

ENDED = "ended/"
_PATH = re.compile(r"(ended/)?([a-z0-9][a-z0-9._-]{0,99})/([0-9]{6})")
_COMMITTER = "coord <coord@localhost>"


class Segment(Struct, frozen=True):
    """A segment in the tree: its journal, its number, and the id of its blob."""

    session: str
    number: int
    archived: bool
    blob: str

    @property
    def key(self) -> tuple[str, int]:
        """The place of the segment among all: journal by journal, from the beginning of each."""
        return self.session, self.number


def segment_at(path: str, blob: str) -> Segment | None:
    """Return the segment at a path of the tree; None if no segment has such a path."""
    found = _PATH.fullmatch(path)
    return Segment(found[2], int(found[3]), bool(found[1]), blob) if found else None


def path_of(session: str, number: int, *, archived: bool) -> str:
    """Return the path of a segment in the tree."""
    return f"{ENDED if archived else ''}{session}/{number:06}"


def segments_in(listing: bytes) -> list[Segment]:
    """Return the segments that `git ls-tree -r -z` lists, in order."""
    found = []
    for entry in listing.split(b"\0"):
        head, _, path = entry.partition(b"\t")
        if segment := segment_at(path.decode(errors="replace"), head.rpartition(b" ")[2].decode()):
            found.append(segment)
    return sorted(found, key=lambda segment: segment.key)


def segments_changed(listing: bytes) -> tuple[list[Segment], bool]:
    """Return the segments that `git diff-tree -r -z --raw --no-renames` lists as added or changed, in order, and
    whether any was removed and is not archived now.
    """
    fields = listing.split(b"\0")
    found, removed = [], set()
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        modes = head.decode().split(" ")
        segment = segment_at(path.decode(errors="replace"), modes[3])
        if segment and modes[4] == "D":
            removed.add(segment.key)
        elif segment:
            found.append(segment)
    return sorted(found, key=lambda segment: segment.key), bool(removed - {segment.key for segment in found})


def commit_stream(ref: str, parent: str, pieces: Iterable[Piece], renamed: Iterable[str], at_s: int) -> bytes:
    """Return the input of `git fast-import` for one commit that contains `pieces`, each a whole segment.

    The journals `renamed` are moved to the archive first.
    """
    lines = [f"commit {ref}\ncommitter {_COMMITTER} {at_s} +0000\ndata 0\n"]
    if parent:
        lines.append(f"from {parent}\n")
    pieces = list(pieces)
    archived = {piece.session for piece in pieces if piece.archived}
    lines += [f"R {session} {ENDED}{session}\n" for session in renamed]
    parts = ["".join(lines).encode()]
    for piece in pieces:
        number, rest = divmod(piece.offset, MAX_PIECE_BYTES)
        if rest:
            raise ValueError("a segment begins at a multiple of its size")
        path = path_of(piece.session, number, archived=piece.session in archived)
        parts.append(f"M 100644 inline {path}\ndata {len(piece.data)}\n".encode() + piece.data + b"\n")
    return b"".join([*parts, b"\ndone\n"])
