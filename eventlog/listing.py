"""List the journals of a log folder that a read must look at. It follows what is alive, not what was ever archived."""

import os
from collections.abc import Mapping

from msgspec import Struct

from eventlog.archived import Archive
from eventlog.errors import LogError
from eventlog.local.files import ARCHIVE_FOLDER, list_journal_sizes
from eventlog.local.journal import is_session_id, journal_paths
from eventlog.scanning import Position


class Listing(Struct):
    """The journals that have no final position in the archive.

    `removed` has the positions that were final, of journals that are not only in the archive any more. The archive does
    not have them now.
    """

    sizes: dict[str, int] = {}  # of the files in the log, as `list_journal_sizes` returns them
    names: set[str] = set()
    archived: set[str] = set()  # those that are only in the archive
    duplicates: set[str] = set()  # those that are in both places
    problems: dict[str, str] = {}  # why a file is not one of them
    removed: dict[str, Position] = {}


def list_journals(folder: str, positions: Mapping[str, Position], archive: Archive) -> Listing:
    """List the log and, if its names have changed, the archive. Raises LogError if a folder cannot be listed.

    The log is listed before the archive, so a journal that is archived in between appears in at least one list. If a
    journal that was read is missing, the archive is listed in any case.
    """
    try:
        sizes = list_journal_sizes(folder)
    except OSError as error:
        raise LogError(f"cannot read the log {folder}: {error.strerror}") from None
    present = sizes.keys() | archive.summary.others
    missing = any(name not in present and not old.rewound for name, old in positions.items())
    try:
        removed = archive.refresh(folder, force=missing)
    except OSError as error:
        raise LogError(f"cannot read the archived journals in {ARCHIVE_FOLDER}/: {error.strerror}") from None
    for name in sizes.keys() - positions.keys() - removed.keys():
        if is_session_id(name) and (position := archive.remove(name)):  # it was moved or copied back
            removed[name] = position
            if os.path.lexists(journal_paths(folder, name)[1]):
                archive.summary.others.add(name)
    others = archive.summary.others
    names = sizes.keys() | others
    problems = {
        name: "is not named like a session"
        for name in names - positions.keys() - removed.keys()
        if not is_session_id(name)
    }
    return Listing(
        sizes=sizes,
        names=names - problems.keys(),
        archived=others - sizes.keys(),
        duplicates={name for name in sizes.keys() & others if os.path.lexists(journal_paths(folder, name)[0])},
        problems=problems,
        removed=removed,
    )
