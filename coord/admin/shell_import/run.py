"""Import the files of the shell scripts' folder as one new journal.

1. The folder is only read. Links are not followed, and files that are not regular or too long are not imported.
2. Each file becomes one event, with its original time and session, and with the file's path and digest. A run writes
   one journal, in the order of time. Events with the same time are put one microsecond apart.
3. A file whose path and digest are in an earlier import is not imported again. So a second run adds only new files, and
   a run after a crash adds the rest.
4. Imported events sort before events that are already in the checkpoint, so all events are folded again. The lock is
   not held for that.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from coord.admin.shell_import.events import FileEvent, parse_file
from coord.admin.shell_import.recovery import FileKind, Unusable
from coord.engine.board import present_board, write_board
from coord.engine.machine_lock import under_lock
from coord.engine.snapshot import Snapshot
from coord.errors import CoordError, no_log, usage_error
from coord.platform.git.repository import FOLDER, recorded_path
from coord.render.console.progress import ProgressBar, chunks
from coord.render.format import time_text
from coord.workspace.config import Config
from coord.workspace.names import new_id
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.codec import NO_HASH, encode_lines
from eventlog.digest import blake2b
from eventlog.errors import LogError
from eventlog.events import VERSION, Event, Imported, Instant, add_time
from eventlog.local.files import BINARY, NOFOLLOW
from eventlog.local.journal import read_events
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position

_PREFIX = "import-"
_MAX_BYTES = 1 << 20  # of a file
_KINDS: dict[str, FileKind] = {
    "sessions": "session",
    "heartbeats": "heartbeat",
    "claims": "claim",
    "messages": "message",
}
_BATCH_SIZE = 100  # events that are written together
_IGNORED = ("REGISTRY.json",)  # repeats what is in the other files


class UnusableFile(Struct, frozen=True):
    """A file that cannot be imported, and the reason."""

    path: str
    reason: str


class UsableFile(Struct, frozen=True):
    """A file that can be imported: its path in the folder, the digest of its bytes, and the event that it becomes."""

    kind: FileKind
    path: str
    digest: str
    event: FileEvent


class ImportResult(Struct, frozen=True):
    """The files of the folder, and those that are new. If none are, `journal`, `first` and `last` are empty."""

    folder: str
    found: list[UsableFile]
    unusable: list[UnusableFile]
    new: list[UsableFile]
    journal: str
    first: Instant
    last: Instant
    notes: list[str]


def import_folder(system: System, workspace: Workspace, config: Config, folder: str) -> ImportResult:
    """Import the files of a folder that no earlier import has.

    Raises CoordError: 2 if the folder does not have such files, 4 if the log cannot be used.
    """
    root = _root(system, folder)
    snapshot = Snapshot(system, workspace)
    found, unusable = _read_all(root, snapshot)
    try:
        snapshot.catch_up()
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            known = _already_imported(workspace, snapshot)
            new = [file for file in found if (file.path, file.digest) not in known]
            journal = _new_journal(snapshot) if new else ""
            events = list(_events(new, journal))
            if events:
                _write(workspace, journal, events)
        notes = _rebuild(system, workspace, config) if events else []
    except LogError as error:
        raise no_log(str(error)) from None
    first, last = (events[0].at, events[-1].at) if events else ("", "")
    return ImportResult(root, found, unusable, new, journal, first, last, notes)


# --- reading the folder ---------------------------------------------------------------------------------------------


def _root(system: System, folder: str) -> str:
    """Return the folder with the files: the named one, or the COORDINATION/ in it. Raises CoordError (2)."""
    named = os.path.join(system.cwd or "/", os.path.expanduser(folder))
    for root in (named, os.path.join(named, FOLDER)):
        if "\0" not in root and any(os.path.isdir(os.path.join(root, name)) for name in _KINDS):
            return os.path.normpath(root)
    names = ", ".join(f"{name}/" for name in _KINDS)
    raise usage_error(
        f"found nothing to import in {folder}: neither it nor a {FOLDER}/ in it has any of {names}. "
        "Name the folder that the shell scripts used."
    )


def _read_all(root: str, snapshot: Snapshot) -> tuple[list[UsableFile], list[UnusableFile]]:
    """Read all files. Return those that can be imported, in the order of their names, and those that cannot."""
    found: list[UsableFile] = []
    unusable: list[UnusableFile] = []
    files = list(_files(root, unusable))
    bar = ProgressBar("reading", len(files))
    try:
        for kind, path in files:
            shown = recorded_path(path)
            try:
                data = _bytes(os.path.join(root, path))
                folder, name = os.path.split(shown)
                event = parse_file(kind, name, os.path.basename(folder), data)
                if event.at > snapshot.now:
                    raise Unusable(f"its time, {time_text(event.at, '')}, is in the future")
                file = UsableFile(kind, shown, blake2b(data, digest_size=16).hexdigest(), event)
                _check(file)
                found.append(file)
            except Unusable as error:
                unusable.append(UnusableFile(shown, str(error)))
            bar.step()
    finally:
        bar.close()
    return found, sorted(unusable, key=lambda file: file.path)


def _files(root: str, unusable: list[UnusableFile]) -> Iterator[tuple[FileKind, str]]:
    """Yield the files that the scripts wrote, by their paths in the folder. Add other files to `unusable`."""
    for name, kind in _KINDS.items():
        if kind != "message":
            suffix = ".claim" if kind == "claim" else ".json"
            yield from ((kind, path) for path in _listed(root, name, unusable, suffix))
            continue
        for part in _listed(root, name, unusable, folders=True):
            if os.path.basename(part) == "direct":
                boxes = list(_listed(root, part, unusable, folders=True))
            else:
                boxes = [part]
            for box in boxes:
                yield from ((kind, path) for path in _listed(root, box, unusable, ".json"))


def _listed(
    root: str, folder: str, unusable: list[UnusableFile], suffix: str = "", *, folders: bool = False
) -> Iterator[str]:
    """Yield the files in a folder, or with `folders` the folders in it, in order. Hidden ones are ignored."""
    path = os.path.join(root, folder)
    if not os.path.lexists(path):
        return
    try:
        if os.path.islink(path):
            raise OSError(0, "it is a link, which is not followed")
        with os.scandir(path) as entries:
            rows = sorted((entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        unusable.append(UnusableFile(recorded_path(folder), str(error.strerror)))
        return
    for name, link, is_folder in rows:
        if name.startswith(".") or name in _IGNORED:
            continue
        reason = ""
        if link:
            reason = "it is a link, which is not followed"
        elif is_folder and not folders:
            reason = "it is a folder"
        elif not is_folder and (folders or not name.endswith(suffix)):
            reason = "the scripts do not write such files there"
        if reason:
            unusable.append(UnusableFile(recorded_path(os.path.join(folder, name)), reason))
        else:
            yield os.path.join(folder, name)


def _bytes(path: str) -> bytes:
    """Read a file. Raises Unusable if it is not a regular file, is too long, or cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Unusable("it is not a regular file")
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(f"it cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise Unusable(f"it is too long: it has {status.st_size} bytes, and at most {_MAX_BYTES} are allowed")
    return data


def _check(file: UsableFile) -> None:
    """Raise Unusable if the event of a file cannot be written to a journal and read again unchanged."""
    (event,) = _events([file], f"{_PREFIX}x")
    try:
        encode_lines([event], NO_HASH)
    except ValueError as error:
        raise Unusable(f"its content cannot be stored in a journal: {error}") from None


# --- writing the journal --------------------------------------------------------------------------------------------


def _already_imported(workspace: Workspace, snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return the paths and digests of all files that were imported before. Raises LogError for an unreadable import."""
    known: set[tuple[str, str]] = set()
    history = snapshot.history
    for name in {*history.positions, *history.archive, *history.problems}:
        if name.startswith(_PREFIX):
            try:
                marks = [event.imported for event in read_events(workspace.log, name)]
            except FileNotFoundError:
                continue  # it was removed, so its files can be imported again
            except (OSError, LogError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise LogError(
                    f"{name}.jsonl cannot be read: {why}. It is needed to see what was imported before. "
                    "Nothing was imported. What to do: coord doctor"
                ) from None
            known |= {(mark.path, mark.digest) for mark in marks if mark}
    return known


def _new_journal(snapshot: Snapshot) -> str:
    history = snapshot.history
    taken = history.problems.keys() | snapshot.state.sessions.keys()
    while (name := _PREFIX + new_id(()).rpartition("-")[2]) in taken or history.position(name):
        pass
    return name


def _events(files: Iterable[UsableFile], journal: str) -> Iterator[Event]:
    """Yield the events of files by rule 2, in order of time. At the same time, a session's start comes first."""
    at, kinds = "", list(_KINDS.values())
    for n, file in enumerate(sorted(files, key=lambda file: (file.event.at, kinds.index(file.kind), file.path)), 1):
        event = file.event
        at = max(event.at, add_time(at, micros=1)) if at else event.at
        mark = Imported(path=file.path, digest=file.digest, acted_as=event.acted_as, fields=event.fields)
        yield Event(v=VERSION, at=at, session=journal, n=n, payload=event.payload, imported=mark)


def _write(workspace: Workspace, journal: str, events: Sequence[Event]) -> None:
    """Write the journal. To be called under the lock. Raises LogError; complete lines written before it are synced."""
    writer = JournalWriter(workspace.log, journal, Position())
    try:
        for batch in chunks("writing", events, _BATCH_SIZE):
            writer.extend(list(batch))
    finally:
        try:
            writer.sync()
        finally:
            writer.close()


def _rebuild(system: System, workspace: Workspace, config: Config) -> list[str]:
    """Fold all events again by rule 4, and write the board. Return notes for the user.

    The imported events are already synced: if this fails, the next command does it.
    """
    snapshot = Snapshot(system, workspace, posts=True)
    try:
        snapshot.catch_up()
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            snapshot.save()
            return write_board(workspace, present_board(system, config, snapshot, snapshot.now))
    except (LogError, CoordError) as error:
        return [f"all files were imported, but the board does not show them yet: {error}"]
