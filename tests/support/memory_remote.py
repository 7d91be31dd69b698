"""A remote in memory, or in one file, whose faults the test controls."""

import pickle
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from msgspec.structs import replace

from eventlog.events import Instant
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEGINNING, BEHIND, Behind, OutcomeUnknown, ReadResult, RemoteAway

Publication = list[Piece]


class Hub:
    """What all machines share: the publications, in their order."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []

    def load(self) -> None:
        """Read what other processes published."""

    def save(self) -> None:
        """Let other processes see what was published."""

    def cursor(self, count: int) -> str:
        """The cursor after this many publications. It depends on all bytes before it."""
        if not count:
            return BEGINNING
        pieces = [
            (one.session, one.offset, one.data, one.archived) for some in self.publications[:count] for one in some
        ]
        return f"{count}-{blake2b(repr(pieces).encode(), digest_size=8).hexdigest()}"

    @property
    def tip(self) -> str:
        """The cursor after everything."""
        return self.cursor(len(self.publications))

    def alter(self, session: str, byte: int) -> None:
        """Change one byte of a journal in all publications that have it."""
        for some in self.publications:
            for n, piece in enumerate(some):
                if piece.session == session and 0 <= (at := byte - piece.offset) < len(piece.data):
                    data = piece.data[:at] + bytes([piece.data[at] ^ 1]) + piece.data[at + 1 :]
                    some[n] = replace(piece, data=data)

    def size(self, session: str) -> int:
        """The bytes of a journal that were published."""
        return max(
            (p.offset + len(p.data) for some in self.publications for p in some if p.session == session), default=0
        )


class FileHub(Hub):
    """A hub in a file, which is replaced at each publication."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.load()

    def load(self) -> None:
        if self.path.exists():
            self.publications = pickle.loads(self.path.read_bytes())

    def save(self) -> None:
        new = self.path.with_suffix(".new")
        new.write_bytes(pickle.dumps(self.publications))
        new.replace(self.path)


class MemoryRemote:
    """One machine's connection to a hub. With `whole_segments`, only the newest piece at each place can be read, as
    from the tree of a git ref; otherwise all pieces are read in their order, as from a stream.

    The functions in `faults` are called one by one, each before one publication; one that returns True also loses the
    answer to it.
    """

    def __init__(self, hub: Hub, *, whole_segments: bool = True, agrees: bool = True) -> None:
        self.name, self.agrees, self.whole_segments = "memory", agrees, whole_segments
        self.hub = hub
        self.is_away = False
        self.faults: list[Callable[[], bool]] = []

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        self._reach()
        hub, count = self.hub, int(cursor.partition("-")[0] or 0)
        known = count <= len(hub.publications) and hub.cursor(count) == cursor
        pieces = [piece for some in hub.publications[count if known else 0 :] for piece in some]
        if self.whole_segments:
            newest = {(piece.session, piece.offset): piece for piece in pieces}
            pieces = [newest[place] for place in sorted(newest)]
        for piece in pieces:
            use(piece)
        return ReadResult(hub.tip, restarted=not known)

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        self._reach()
        loses_answer = bool(self.faults) and self.faults.pop(0)()
        if self.agrees and cursor != self.hub.tip:
            return BEHIND
        self.hub.publications.append(list(pieces))
        self.hub.save()
        if loses_answer:
            raise OutcomeUnknown("the connection was cut")
        return self.hub.tip

    def _reach(self) -> None:
        if self.is_away:
            raise RemoteAway("the network was cut")
        self.hub.load()

    def watch(self, cursor: str, timeout_s: float) -> bool:
        del timeout_s
        return cursor != self.hub.tip

    def clock(self) -> Instant:
        return ""

    def close(self) -> None:
        pass
