"""Ask the link. A command never loads the library of a remote: the link does.

Each request is a connection of its own, with a limit of time and of size. If the link ends while it answers, a draft's
outcome is unknown; all other requests can be repeated.
"""

import socket
import time
from typing import TYPE_CHECKING

import msgspec

from coord.engine.sync.link.protocol import MAX_ANSWER, Answer, Request, socket_address
from eventlog.errors import LogError
from eventlog.remotes.remote import BEHIND, Behind, OutcomeUnknown, RemoteAway, RemoteRefused

if TYPE_CHECKING:
    from coord.engine.sync.pending import Draft

_ERRORS: dict[str, type[LogError]] = {"away": RemoteAway, "refused": RemoteRefused, "unknown": OutcomeUnknown}

_PAUSE_S = 0.005


class LinkAway(RemoteAway):
    """No link listens, or it does not answer."""


class LinkClient:
    """The link of a folder as a command uses it, within `limit_s` seconds for everything that is asked.

    It is an `Agreement`. `agrees`, `clock_lead_s` and `remote` are those of the last answer.
    """

    def __init__(self, cache: str, limit_s: float) -> None:
        self._cache, self._deadline, self._limit_s = cache, time.monotonic() + limit_s, limit_s
        self.agrees, self.clock_lead_s, self.remote = True, 0.0, ""
        self._cursor = ""  # of the last answer

    def ask(self, request: Request) -> Answer:
        """Return the link's answer. Raises LinkAway, RemoteAway, RemoteRefused, OutcomeUnknown, or LogError."""
        answer = exchange_lines(self._cache, request, self._deadline, self._limit_s)
        self.agrees, self.clock_lead_s = answer.agrees, answer.clock_lead_s
        self.remote, self._cursor = answer.remote or self.remote, answer.cursor
        if answer.error:
            raise _ERRORS.get(answer.error, LogError)(answer.message)
        return answer

    def state(self) -> Answer:
        """Return the link's state, which it knows without the remote."""
        return self.ask(Request("state"))

    def current(self) -> str:
        """Return the cursor of the last answer: all that is up to it is in the log."""
        return self._cursor or self.state().cursor

    def catch_up(self) -> str:
        """Let the link bring in what is new, and return the cursor. The caller must not hold the machine's lock."""
        return self.ask(Request("catch_up")).cursor

    def agree(self, draft: "Draft") -> str | Behind:
        """Publish a draft if nothing was published after its cursor. The caller holds the machine's lock."""
        left = max(0.01, self._deadline - time.monotonic())
        answer = self.ask(Request("agree", draft=msgspec.Raw(msgspec.json.encode(draft)), limit_s=left))
        return BEHIND if answer.behind else answer.cursor

    def sync(self, *, compact: bool = False) -> Answer:
        """Let the link exchange now. The caller must not hold the machine's lock."""
        return self.ask(Request("sync", compact=compact))

    def close(self) -> None:
        """Nothing to release: each request has its own connection."""

    def stop(self) -> None:
        """Let the link end."""
        self.ask(Request("stop"))


def is_listening(cache: str) -> bool:
    """Return whether a link accepts connections."""
    try:
        _connect(cache, time.monotonic() + 1).close()
    except OSError:
        return False
    return True


def exchange_lines(cache: str, request: Request, deadline: float, limit_s: float) -> Answer:
    """Send a request and return the answer. Raises LinkAway, or OutcomeUnknown for a draft that was sent."""
    try:
        connection = _connect(cache, deadline)
    except OSError as error:
        raise LinkAway(_no_link(error, limit_s)) from None
    with connection:
        try:
            connection.sendall(msgspec.json.encode(request) + b"\n")
            line = _read_line(connection, deadline)
            return msgspec.json.decode(line, type=Answer)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            if request.op == "agree":
                raise OutcomeUnknown(
                    f"{_no_answer(error, limit_s)}, so whether this was published is unknown"
                ) from None
            raise LinkAway(_no_answer(error, limit_s)) from None


def _connect(cache: str, deadline: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket_address(cache) as address:
            while True:
                connection.settimeout(_left(deadline))
                try:
                    connection.connect(address)
                    return connection
                except BlockingIOError:  # too many wait to be accepted
                    time.sleep(_PAUSE_S)
    except BaseException:
        connection.close()
        raise


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    """Return the answer's line. Raises OSError, and ValueError for an answer that is not one whole line."""
    data = bytearray()
    while not data.endswith(b"\n"):
        connection.settimeout(_left(deadline))
        piece = connection.recv(1 << 16)
        if not piece:
            raise ValueError("it ended")
        data += piece
        if len(data) > MAX_ANSWER:
            raise ValueError("its answer is too long")
    return bytes(data)


def _left(deadline: float) -> float:
    """Return the seconds that are left. Raises TimeoutError if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _no_link(error: OSError, limit_s: float) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return "the link to the other machines is not running"
    return _no_answer(error, limit_s)


def _no_answer(error: Exception, limit_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"the link to the other machines did not answer within {limit_s:g} s"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"the link to the other machines did not answer ({reason})"
