"""The part of the state that hooks need: a `HookView`, in the form in which the guard's index saves it.

A hook needs few of the claims, so the view consists of tables in which each entry is decoded when it is looked up. The
claims and the waiting requests are in tables by their root (see `projections.rules.resources.root_of`): a claim can
only concern a file if its root is the file itself or a folder above it. `coord.engine.guard_index` makes the tables.
"""

from coord.platform.json_reader import loads
from coord.platform.records import LightRecord
from projections.rules.resources import is_pattern, root_of, roots_above

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Literal, TypeAlias, TypedDict

    Mode: TypeAlias = Literal["claim", "check", "warn", "off"]

    class ViewFields(TypedDict):
        """The fields of a view that are not in its tables. Times are in microseconds since 1970."""

        at: int  # the time of the last event
        guard: Mode
        ignore: list[str]
        heartbeat_us: int
        patience_s: list[int]  # of automatic claims; the second is that of a session that waits for its user
        claim_fields: list[str]  # the names of the values of a claim
        wait_fields: list[str]


TABLES = ("conversations", "sessions", "claims", "waits")
"""The tables of a view: the ids of the live sessions of each conversation, the newest first; the values of a
`LiveSession` for each live session; the claims and the waiting requests for each root. A claim or request has its
number in the order of the state, and the pid and the start ticks of the process that waits, if it is on this machine.
"""


class Table:
    """A table of a view, encoded: a line of JSON for each entry, `["key",value]`. The lines are sorted as bytes."""

    def __init__(self, lines: bytes) -> None:
        self._lines = lines

    def get(self, key: str) -> "list[Any]":
        """Return all values of a key."""
        if not key.isprintable() or '"' in key or "\\" in key:  # it is written with escapes
            return [value for other, value in self.entries() if other == key]
        lines, begin = self._lines, f'["{key}",'.encode()
        low, high = 0, len(lines)  # the first line that is not before `begin` starts in this range
        while low < high:
            middle = (low + high) // 2
            start = lines.rfind(b"\n", low, middle) + 1 or low
            end = lines.find(b"\n", middle) + 1
            if lines[start:end] < begin:
                low = end
            else:
                high = start
        values = []
        while lines.startswith(begin, low):
            end = lines.find(b"\n", low) + 1
            values.append(loads(lines[low:end])[1])
            low = end
        return values

    def entries(self) -> "list[tuple[str, Any]]":
        """Return all entries: keys with their values."""
        entries: list[tuple[str, Any]] = loads(b"[" + self._lines.strip().replace(b"\n", b",") + b"]")
        return entries


class LiveSession(LightRecord):
    """What hooks need to know about a live session."""

    label: str  # its name and its id, for people
    anchor: "list[int] | None"  # the pid and the start ticks of its process, if that is on this machine
    doing: str
    doing_since: str
    automatic: bool  # whether a hook reported what it is doing
    blocked_on: str
    asks: bool  # whether it waits for its user
    last: int  # when it last wrote an event, in microseconds since 1970; 0 if it has not said what it does
    soon: bool  # whether it has something to read after the next tool
    later: bool  # whether it has something to read at its next prompt
    owes: bool  # whether it must confirm a message that it has read, or leave a circle of waits
    edits: bool  # whether it has automatic claims


SESSION_FIELDS = "label anchor doing doing_since automatic blocked_on asks last soon later owes edits".split()
_TEXTS = dict.fromkeys(("label", "doing", "doing_since", "blocked_on"), "")
UNKNOWN_SESSION = LiveSession(**dict.fromkeys(SESSION_FIELDS, 0) | _TEXTS)  # type: ignore[arg-type]


class RequestedWrite(LightRecord):
    """The claim that a write needs: the fields that `projections.rules.conflicts` compares."""

    session: str
    agent: str
    resource: str
    mode: str
    worktree: str
    automatic: bool
    imported: bool


class GuardRow(RequestedWrite):
    """A claim or a waiting request, with the fields that it has in the state."""

    id: str
    note: str
    ttl_s: int
    asked_at: str
    granted_at: str  # of a claim
    expires_at: str
    accept_by: str
    until: str  # of a waiting request
    process: "list[int] | None"  # the pid and the start ticks of the process that waits, if it is on this machine
    waiting: bool
    find_session: "Callable[[str], LiveSession]"
    patience: "Sequence[int]"

    @property
    def holder(self) -> LiveSession:
        """The session that has it."""
        return self.find_session(self.session)

    @property
    def patience_s(self) -> int:
        """How long an automatic claim lasts without a write, in seconds."""
        return self.patience[bool(self.holder.asks)]

    @property
    def since(self) -> str:
        """When it was granted or requested."""
        return self.asked_at if self.waiting else self.granted_at

    @property
    def ends_at(self) -> str:
        """When it ends if no event changes that before."""
        return self.until if self.waiting else self.accept_by or self.expires_at

    @property
    def ends(self) -> int:
        """When it ends, in microseconds since 1970."""
        return micros_of(self.ends_at)


class HookView:
    """What hooks need to know about the state. `now` is in microseconds since 1970."""

    def __init__(self, fields: "ViewFields", tables: "Sequence[bytes]", now: int) -> None:
        self.now = max(now, fields["at"] + 1)  # the time that the next event would have
        self.mode: Mode = fields["guard"]
        self.ignore, self.heartbeat_us = fields["ignore"], fields["heartbeat_us"]
        self._fields = fields
        self._conversations, self._sessions, self._claims, self._waits = map(Table, tables)
        self._known: dict[str, LiveSession | None] = {}

    def sessions_of(self, conversation: str) -> list[str]:
        """Return the live sessions of a conversation, the newest first."""
        sessions: list[str] = (self._conversations.get(conversation) or [[]])[0]
        return sessions

    def session(self, name: str) -> LiveSession | None:
        """Return a live session, or None if there is none with this id."""
        if name not in self._known:
            found = self._sessions.get(name) if name else []
            self._known[name] = LiveSession.read(dict(zip(SESSION_FIELDS, found[0], strict=True))) if found else None
        return self._known[name]

    def _holder(self, name: str) -> LiveSession:
        return self.session(name) or UNKNOWN_SESSION

    def rows_near(self, resource: str) -> list[GuardRow]:
        """Return, in the order of the state, at least the rows that overlap with a file."""
        if is_pattern(resource):  # it also overlaps with rows below its root
            return self.rows()
        roots = roots_above(root_of(resource))
        claims, waits = (
            [value for root in roots for value in table.get(root)] for table in (self._claims, self._waits)
        )
        return self._rows(claims, waits)

    def rows(self) -> list[GuardRow]:
        """Return all rows, in the order of the state."""
        return self._rows(*([value for _, value in table.entries()] for table in (self._claims, self._waits)))

    def _rows(self, claims: "list[Any]", waits: "list[Any]") -> list[GuardRow]:
        found = []
        for waiting, names, entries in (
            (False, self._fields["claim_fields"], claims),
            (True, self._fields["wait_fields"], waits),
        ):
            for _, process, values in sorted(entries, key=lambda entry: int(entry[0])):
                row = dict(zip(names, values, strict=True))
                found.append(guard_row(row, waiting, process, self._holder, self._fields["patience_s"]))
        return found

    def held_files(self) -> "Iterator[tuple[str, str, str, str]]":
        """Yield the session, the resource, the worktree and the id of each claim of files."""
        names = self._fields["claim_fields"]
        session, resource, worktree, name = map(names.index, ("session", "resource", "worktree", "id"))
        for _, (_, _, values) in self._claims.entries():
            yield values[session], values[resource], values[worktree], values[name]


def guard_row(
    fields: "Mapping[str, Any]",
    waiting: bool,
    process: "list[int] | None",
    find_session: "Callable[[str], LiveSession]",
    patience: "Sequence[int]",
) -> GuardRow:
    """Return the row of a claim or a waiting request with these fields in the state."""
    more = {"waiting": waiting, "process": process, "find_session": find_session, "patience": patience}
    return GuardRow.read({**fields, **more})


def micros_of(at: str) -> int:
    """Return the microseconds from 1970 to an instant, as `eventlog.events.to_micros` does."""
    year, month, day = int(at[:4]), int(at[5:7]), int(at[8:10])
    year -= month < 3  # years begin in March, so that a leap day is the last of its year
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 719469
    seconds = 86400 * days + 3600 * int(at[11:13]) + 60 * int(at[14:16]) + int(at[17:19])
    return seconds * 1_000_000 + int(at[20:26])
