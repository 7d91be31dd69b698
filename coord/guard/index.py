"""The guard's index: the `HookView` of the state, which every command that writes saves beside the checkpoint.

The index is used only if it certainly describes the present state: the journals have the recorded sizes, nothing in
it has run out, and the program, the settings and the machine are the same. Otherwise the hook takes the full
path, `coord.hooks.dispatch`.
"""

import os

from coord.guard import hook_state
from coord.guard.view import TABLES, HookView
from coord.platform.code_version import code_version
from coord.platform.git.repository import CONFIG
from coord.platform.json_reader import loads
from eventlog.digest import blake2b
from eventlog.local.files import ARCHIVE_FOLDER, list_journal_sizes, modified_at_ns, read_regular

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coord.guard.view import ViewFields

    class IndexFields(ViewFields):
        """The first line of the index file: the fields of a view, and the conditions under which it is valid."""

        form: int
        code: str  # the version of this program
        config: str  # the stamp of the settings file
        here: list[str]  # the machine, its boot and the pid namespace
        due: int  # when the view next changes without an event, in microseconds since 1970
        journals: dict[str, int]  # see `with_archive_time`
        sizes: list[int]  # of the encoded tables, which follow this line
        requests_id: str  # see `coord.engine.cache.requests_id`
        requests_digest: str  # of the tables of claims and waiting requests


NAME = "guard"  # of the index, in the cache folder
FORM = 6  # the version of the index's form; an index of another form is not used
_DIGEST = 16  # bytes
HEAD = _DIGEST + 8  # bytes before the fields: a digest, and how many bytes it is of
_REQUESTS = TABLES.index("claims")  # the first of the tables of claims and waiting requests
_MOST_INDEX = 1 << 24  # bytes


def load_index(
    folder: str, env: "Mapping[str, str]", now: int, here: "Callable[[], tuple[str, str, str]]"
) -> HookView | None:
    """Return the view in the index of a shared folder, or None if it may not describe the present state. `now` is in
    microseconds since 1970. Raises OSError if there is no log.
    """
    if env.get("COORD_ROOT"):
        return None
    index, log = read_index(os.path.join(folder, ".cache")), os.path.join(folder, "log")
    if index is None or os.path.islink(folder) or os.path.islink(log):
        return None
    fields, tables = index
    if (
        now >= fields["due"]
        or fields["code"] != code_version()
        or fields["config"] != hook_state.file_stamp(os.path.join(folder, CONFIG))
    ):
        return None
    if tuple(fields["here"]) != here() or with_archive_time(list_journal_sizes(log), log) != fields["journals"]:
        return None
    return HookView(fields, tables, now)


def read_index(cache: str) -> "tuple[IndexFields, list[bytes]] | None":
    """Return the fields and the encoded tables of the index in a cache folder, or None if there is no complete one of
    this form.
    """
    index = read_unverified(cache)
    return index if index and index[0]["requests_digest"] == requests_digest(index[1]) else None


def read_unverified(cache: str) -> "tuple[IndexFields, list[bytes]] | None":
    """Return the same, without verifying the tables of claims and waiting requests."""
    try:
        if os.path.islink(cache):
            return None
        data = read_regular(os.path.join(cache, NAME), _MOST_INDEX)
        begin = HEAD + int.from_bytes(data[_DIGEST:HEAD], "big")
        if _digest(data[HEAD:begin]) != data[:_DIGEST]:
            return None
        end = data.index(b"\n", HEAD)
        fields: IndexFields = loads(data[HEAD:end])
        if fields.get("form") != FORM:
            return None
        tables = []
        for size in fields["sizes"]:
            tables.append(data[end + 1 : end + 1 + size])
            end += size
        return fields, tables
    except (OSError, ValueError, RecursionError, LookupError, AttributeError):
        return None


def with_digest(fields: bytes, tables: "Sequence[bytes]") -> bytes:
    """Return the content of the index file: a digest, the number of bytes it is of, and these bytes, which are the
    encoded fields on one line and the first tables; then the tables of claims and waiting requests.

    Their digest is one of the fields, so that a command that changes none of them copies them with their digest.
    """
    index = b"".join([fields, b"\n", *tables[:_REQUESTS]])
    return b"".join([_digest(index), len(index).to_bytes(HEAD - _DIGEST, "big"), index, *tables[_REQUESTS:]])


def requests_digest(tables: "Sequence[bytes]") -> str:
    """Return the digest of the tables of claims and waiting requests."""
    return _digest(b"".join(tables[_REQUESTS:])).hex()


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST).digest()


def with_archive_time(lengths: dict[str, int], log: str) -> dict[str, int]:
    """Return what the index records of a log folder, so that a later change is noticed: `lengths`, the sizes that
    `list_journal_sizes` returns (also of files that are not journals), and the time when a journal was last archived,
    under the key `/`. Raises OSError.
    """
    return lengths | {"/": archived_at(log)}


def archived_at(log: str) -> int:
    """Return when a journal was last archived, in nanoseconds since 1970; 0 if none was. Raises OSError."""
    try:
        return modified_at_ns(os.path.join(log, ARCHIVE_FOLDER))
    except FileNotFoundError:
        return 0
