"""The guard's index: the `HookView` of the state as every command that writes saves it, beside the checkpoint.

The index is used only while it is certain that it describes the present state: the journals have the sizes that it
names, nothing in it ends by time alone before now, and the program, the settings and the machine are the same. In all
other cases the hook takes the full path, `coord.hooks.dispatch`.
"""

import os

from coord.guard import hook_state
from coord.guard.decision import HookView
from coord.platform.code_version import code_version
from coord.platform.git.repository import CONFIG
from coord.platform.json_reader import loads
from eventlog.digest import blake2b
from eventlog.local.files import ARCHIVE_FOLDER, list_journal_sizes, modified_at_ns, read_regular

TYPE_CHECKING = False  # a hook would take 1.7 times as long if it loaded `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coord.guard.decision import GuardRow, ViewFields

    class IndexFields(ViewFields):
        """The index as it is in its file: a view, and what must be the same for it to be used."""

        form: int
        code: str  # the version of this program
        config: str  # the stamp of the settings file
        here: list[str]  # the machine, its boot and the pid namespace
        due: int  # when the view changes by time alone, in microseconds since 1970
        journals: dict[str, int]  # see `with_archive_time`


NAME = "guard"  # of the index, in the cache folder
FORM = 3  # of the index; an index of another form is not used
DENIAL_CHARS = 400  # of a denial, at most
_DIGEST = 16  # bytes
_MOST_INDEX = 1 << 24  # bytes


def load_index(
    folder: str, env: "Mapping[str, str]", now: int, here: "Callable[[], tuple[str, str, str]]"
) -> HookView | None:
    """Return the view that the index of a shared folder holds, or None if it may not describe the present state. `now`
    is in microseconds since 1970. Raises OSError if there is no log.
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
    return HookView(fields, now)


def read_index(cache: str) -> "IndexFields | None":
    """Return what the index in a cache folder contains, or None if there is no complete one."""
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
    """Return the content of the index file: the digest of an encoded index, and the index."""
    return blake2b(index, digest_size=_DIGEST).digest() + index


def with_archive_time(lengths: dict[str, int], log: str) -> dict[str, int]:
    """Return what the index records of a log folder, to notice whether anything was written since: the size of each
    file, as `list_journal_sizes` gives it, also of files that are not journals; and when a journal was last archived.
    Raises OSError.
    """
    return lengths | {"/": archived_at(log)}


def archived_at(log: str) -> int:
    """Return when a journal was last archived, in nanoseconds since 1970; 0 if none was. Raises OSError."""
    try:
        return modified_at_ns(os.path.join(log, ARCHIVE_FOLDER))
    except FileNotFoundError:
        return 0


# --- the text of a denial ---------------------------------------------------------------------------------------------


def denial_text(denied: "list[tuple[str, list[GuardRow]]]") -> str:
    """Return what an agent is shown when writes are denied: who holds what, and what to do instead. `denied` has each
    resource, and what blocks it.
    """
    resource, rows = denied[0]
    more = len(denied) - 1
    what = _cut(resource.removeprefix("file/"), 60) + (f" and {more} more" if more else "")
    so = "are taken, so they were" if more else "is taken, so it was"
    advice = (
        f"Do other work, wait (coord claim {_cut(resource, 80)} --wait 10m), or ask "
        f'(coord send {rows[0].session} "Question" "..."). Do not bypass it from the shell.'
    )
    head = f"coord: {what} {so} not written:\n"
    others = f"\n  and {len(rows) - 1} more: coord claims" if len(rows) > 1 else ""
    room = DENIAL_CHARS - len(head) - len(others) - len(advice) - 3
    return f"{head}  {_cut(rows[0].said, max(room, 60))}{others}\n{advice}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
