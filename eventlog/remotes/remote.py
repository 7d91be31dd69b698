"""What every remote does: read what is new, publish, and wait for news.

A remote carries copies of journals and decides nothing. The order of publications is its own. If it `agrees`, it can
publish on the condition that nothing was published since a cursor: that makes claims right on all machines.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from eventlog.errors import LogError
from eventlog.events import Instant
from eventlog.remotes.piece import Piece

BEGINNING = ""  # the cursor before everything


class RemoteAway(LogError):
    """The remote cannot be reached, or does not answer in time. Nothing was published."""


class RemoteRefused(LogError):
    """The remote answered and refused: no permission, a protected ref, a full disk. Nothing was published."""


class OutcomeUnknown(LogError):
    """The remote did not answer a publication. Whether it was published is unknown until the remote is read again."""


class ReadResult(Struct, frozen=True):
    """`cursor` is after everything that was read. If `restarted`, everything was read from the beginning, because the
    remote does not know the cursor any more: it was of another remote, or the remote was rolled back or made again.
    """

    cursor: str
    restarted: bool = False


class Behind(Struct, frozen=True):
    """Nothing was published, because something else was published since the cursor."""


BEHIND = Behind()


class Remote(Protocol):
    """A place that carries copies of journals. A cursor means something only to the remote that made it.

    All methods raise RemoteAway and RemoteRefused.
    """

    name: str  # as people write it: `git origin`, `nats://host:4222/stream`, a folder
    agrees: bool  # whether it can publish on a condition
    whole_segments: (
        bool  # whether it takes pieces only from a multiple of `MAX_PIECE_BYTES` on, up to the next or the end
    )

    def read(self, cursor: str, use: Callable[[Piece], None]) -> ReadResult:
        """Pass each piece that was published after `cursor` to `use`, at least once, and the pieces of one journal in
        the order of publication.
        """
        ...

    def publish(self, pieces: Sequence[Piece], cursor: str) -> str | Behind:
        """Publish all pieces or none, durably, if nothing was published after `cursor`, and return the cursor after
        them. To publish the same again changes nothing. Raises OutcomeUnknown too.

        A remote that does not agree ignores the cursor.
        """
        ...

    def watch(self, cursor: str, timeout_s: float) -> bool:
        """Wait until something may have been published after `cursor`, and return whether it was. `close`, called by
        another thread, ends the wait.
        """
        ...

    def clock(self) -> Instant:
        """Return the time of the remote's own clock at its last answer; empty if it tells none."""
        ...

    def close(self) -> None:
        """Release what it uses, and end all waits."""
        ...
