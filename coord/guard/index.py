"""The guard: may this session write this file? Asked by the hooks of the agents before every write.

It is answered from a small index that every writer keeps beside the checkpoint, under the lock. Only what takes no time
is loaded here: no msgspec, no click, nothing of the fold. Where the index is not there, not whole or not up to date,
where a holder may be dead, where only git knows whether an edit is over, or where there is something to write down, the
long way is taken: `coord.hooks.dispatch`. What is decided is the same on both ways, by `decide_write`.
"""

import os

from coord.guard import hook_state
from coord.platform.code_version import code_version
from coord.platform.git.repository import CONFIG
from coord.platform.json_reader import loads
from coord.platform.records import LightRecord
from eventlog.digest import blake2b
from eventlog.local.files import ARCHIVE_FOLDER, list_journal_sizes, modified_at_ns, read_regular
from projections.rules.conflicts import conflict, own_covers
from projections.rules.resources import covers, is_file, is_pattern

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal, TypeAlias, TypedDict

    from coord.guard.payload import Write
    from projections.rules.conflicts import ClaimLike

    Mode: TypeAlias = Literal["claim", "check", "warn", "off"]
    WriteDecision: TypeAlias = Literal["allow", "claim", "warn", "deny"]
    Verdict: TypeAlias = "tuple[WriteDecision, list[GuardRow]]"
    """What is to be done about a write, and what is in its way."""

    class SessionNews(TypedDict, total=False):
        """What there is to tell a session; empty for one that is not known."""

        last: int  # when it was last heard, in microseconds since 1970
        asks: bool  # whether it is blocked on its person
        soon: bool  # whether it has something to read now
        later: bool  # whether it has something to read at its next prompt
        owes: bool  # whether it must confirm something

    class IndexFields(TypedDict):
        """The index as it stands in its file. Times are in microseconds since 1970."""

        form: int
        code: str  # of which version of this program it is
        config: str  # how the settings looked
        guard: Mode
        ignore: list[str]
        heartbeat_s: int
        here: list[str]  # the machine, its boot and the pid namespace
        at: int  # the last event's time
        due: int  # when it is another by time alone
        journals: dict[str, int]  # see `journal_sizes`
        sessions: dict[str, str]  # by conversation
        anchors: dict[str, tuple[int, int]]  # pid and start ticks, by session
        news: dict[str, SessionNews]  # by session
        rows: list[dict[str, object]]  # the fields of each `GuardRow`


NAME = "guard"  # of the index, in the cache folder
FORM = 2  # of the index: another one is not understood
DENIAL_CHARS = 400  # that reach an agent, at most
_DIGEST = 16  # bytes
_MOST_INDEX = 1 << 24  # bytes


class RequestedWrite(LightRecord):
    """What a session asks for: the fields that `projections.rules.conflicts` looks at."""

    session: str
    agent: str
    resource: str
    mode: str
    worktree: str
    automatic: bool
    imported: bool


class GuardRow(RequestedWrite):
    """A claim or a waiting request."""

    id: str
    waiting: bool
    ends: int  # microseconds since 1970
    ttl_s: int
    patience_s: int  # how long an automatic claim lasts without a write
    said: str  # for people


def decide_write(rows: "Iterable[GuardRow]", ask: "ClaimLike", now: int, mode: "Mode") -> "Verdict":
    """What is to be done about a write, and what is in its way. `now` in microseconds since 1970.

    `allow`; or `claim`: allowed, with something to write down, for it is the first write or the claim is half over; or
    `deny`. With the guard on `check` only what was claimed by name denies, and nothing is claimed; on `warn` what would
    be denied is only said.
    """
    rows = list(rows) if mode != "off" else []
    for own in rows:
        if own_covers(own, ask):
            written = own.ends - own.ttl_s * 1_000_000
            half_over = (now - written) * 2 > own.patience_s * 1_000_000
            return ("claim" if half_over else "allow"), []
    found = [row for row in rows if conflict(row, ask) and not (mode == "check" and row.automatic)]
    if found:
        return ("warn" if mode == "warn" else "deny"), found
    return ("claim" if mode in ("claim", "warn") else "allow"), []


def is_ignored(resource: str, patterns: "Iterable[str]") -> bool:
    """Whether a file is one that nobody guards: a lock file, something generated. A pattern without a `/` in it, but
    at its end, means that name in every folder: of the file, or of a folder above it.
    """
    if not is_file(resource):
        return False
    *folders, name = resource.split("/")[1:]

    def meant(pattern: str) -> bool:
        word = pattern.rstrip("/")
        if "/" in word:
            return covers(f"file/{pattern}", resource)
        return any(covers(f"file/{word}", f"file/{part}") for part in (folders if word != pattern else [name]))

    return any(map(meant, patterns))


def denial_text(denied: "list[tuple[str, list[GuardRow]]]") -> str:
    """What an agent is told of the writes that were denied: who has what, and what to do instead."""
    resource, found = denied[0]
    more = len(denied) - 1
    what = _cut(resource.removeprefix("file/"), 60) + (f" and {more} more" if more else "")
    so = "are taken, so they were" if more else "is taken, so it was"
    advice = (
        f"Do other work, wait (coord claim {_cut(resource, 80)} --wait 10m), or ask "
        f'(coord send {found[0].session} "Question" "..."). Do not go round it by the shell.'
    )
    head = f"coord: {what} {so} not written:\n"
    others = f"\n  and {len(found) - 1} more: coord claims" if len(found) > 1 else ""
    room = DENIAL_CHARS - len(head) - len(others) - len(advice) - 3
    return f"{head}  {_cut(found[0].said, max(room, 60))}{others}\n{advice}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def needed_claim(write: "Write", session: str, worktree: str | None = None) -> RequestedWrite:
    """What a session would have to hold to write, in its worktree or in another one."""
    return RequestedWrite(
        session=session,
        agent=write.agent,
        resource=write.resource,
        mode="exclusive",
        worktree=write.worktree if worktree is None else worktree,
        automatic=True,
        imported=False,
    )


# --- the index ------------------------------------------------------------------------------------------------------


class GuardIndex:
    """The index of a shared folder, known to say what is so: see `load_index`."""

    def __init__(self, fields: "IndexFields", folder: str, now: int, started: "Callable[[int], int]") -> None:
        self._fields, self._started = fields, started
        self.cache = os.path.join(folder, ".cache")
        self.now = max(now, fields["at"])
        self.mode: Mode = fields["guard"]
        self.ignore = fields["ignore"]
        self.heartbeat_s = fields["heartbeat_s"]
        self.rows = [GuardRow.read(row) for row in fields["rows"]]

    def session(self, conversation: str) -> str:
        """The session of a conversation; empty if it has none that is certainly alive."""
        session = self._fields["sessions"].get(conversation, "")
        return session if session and self.lives(session) else ""

    def lives(self, session: str) -> bool:
        """Whether nothing speaks against a session's process being there."""
        anchor = self._fields["anchors"].get(session)
        return not anchor or self._started(anchor[0]) == anchor[1]

    def news(self, session: str) -> "SessionNews":
        """What there is to tell a session."""
        return self._fields["news"].get(session, {})

    def held(self, worktree: str, session: str) -> list[GuardRow]:
        """The files of a worktree that other sessions hold, by their names."""
        return [
            row
            for row in self.rows
            if row.session != session
            and not row.waiting
            and row.worktree in ("", worktree)
            and not is_pattern(row.resource)
            and not is_ignored(row.resource, self.ignore)
        ]

    def may_write(self, write: "Write", session: str) -> "Verdict | None":
        """What the guard says to a write; None where the index does not say it for sure."""
        if is_ignored(write.resource, self.ignore):
            return "allow", []
        word, found = decide_write(self.rows, needed_claim(write, session), self.now, self.mode)
        if not found:
            return word, found
        certain = [row for row in found if self._certain(row, write)]
        return (word, certain) if certain else None

    def needs_claim(self, write: "Write", session: str) -> bool:
        """Whether a write is one for which its file is to be claimed."""
        said = self.may_write(write, session)
        return said is not None and said[0] == "claim"

    def _certain(self, row: GuardRow, write: "Write") -> bool:
        if not self.lives(row.session):
            return False
        on_it = row.automatic and row.resource == write.resource
        return not on_it or hook_state.is_edit_unfinished(self.cache, write.path, write.git, row, self.now) is True


def load_index(
    folder: str,
    env: "Mapping[str, str]",
    now: int,
    here: "Callable[[], tuple[str, str, str]]",
    started: "Callable[[int], int]",
) -> GuardIndex | None:
    """The index of a shared folder; None where it may not say what is so. `now` in microseconds since 1970; `started`
    gives the start ticks of a process, 0 if there is none. Raises OSError where there is no log.
    """
    if env.get("COORD_ROOT"):
        return None
    fields = read_index(os.path.join(folder, ".cache"))
    log = os.path.join(folder, "log")
    if not fields or fields.get("form") != FORM or os.path.islink(folder) or os.path.islink(log):
        return None
    if (
        now >= fields["due"]
        or fields["code"] != code_version()
        or fields["config"] != hook_state.file_stamp(os.path.join(folder, CONFIG))
    ):
        return None
    if tuple(fields["here"]) != here() or with_archive_time(list_journal_sizes(log), log) != fields["journals"]:
        return None
    return GuardIndex(fields, folder, now, started)


def read_index(cache: str) -> "IndexFields | None":
    """What stands in the index in a cache folder, if there is one that is whole."""
    try:
        if os.path.islink(cache):
            return None
        data = read_regular(os.path.join(cache, NAME), _MOST_INDEX)
        whole = blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() == data[:_DIGEST]
        index: IndexFields | None = loads(data[_DIGEST:]) if whole else None
        return index
    except (OSError, ValueError, RecursionError):
        return None


def with_digest(index: bytes) -> bytes:
    """An index as it stands in its file."""
    return blake2b(index, digest_size=_DIGEST).digest() + index


def with_archive_time(lengths: dict[str, int], log: str) -> dict[str, int]:
    """What the index records of a log folder, to see whether anything was written since: how long each file is, in the
    words of `list_journal_sizes`, whether it is a journal or not; and when a journal was last archived. Raises OSError.
    """
    return lengths | {"/": archived_at(log)}


def archived_at(log: str) -> int:
    """When a journal was last put among the ended, in nanoseconds since 1970; 0 if none was. Raises OSError."""
    try:
        return modified_at_ns(os.path.join(log, ARCHIVE_FOLDER))
    except FileNotFoundError:
        return 0
