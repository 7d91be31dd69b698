"""Bringing in the past of another place: the files of a predecessor's folder as a journal of their own.

1. The folder is only read. No link in it is followed, and nothing that is no regular file, or too long, is opened.
2. One file becomes one event, at its original time and acting as its original session, marked with the file's path and
   digest. A run writes one journal, in the order of time; where several events fall on one instant, each next is a
   microsecond later.
3. A file whose path and digest an earlier import holds is not brought in again. So a second run adds what is new, and
   one after a crash adds the rest.
4. Events of the past sort before what was folded, so everything is folded anew. The lock is not held meanwhile.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from coord.admin.shell_import.events import FileEvent, parse_file
from coord.admin.shell_import.recovery import FileKind, Unusable
from coord.engine.board import write_board
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
_MOST_BYTES = 1 << 20  # of a file
_KINDS: dict[str, FileKind] = {
    "sessions": "session",
    "heartbeats": "heartbeat",
    "claims": "claim",
    "messages": "message",
}
_AT_ONCE = 100  # events that are written together
_NO_SESSIONS = ("REGISTRY.json",)  # lists what the other files say


class UnusableFile(Struct, frozen=True):
    """A file that could not be used, and why. It is as it was."""

    path: str
    reason: str


class UsableFile(Struct, frozen=True):
    """A file that could be: its path in the folder, the digest of its bytes, and what it says."""

    kind: FileKind
    path: str
    digest: str
    said: FileEvent


class ImportResult(Struct, frozen=True):
    """What a run found, and what of it was new. `journal`, `first` and `last` are empty where nothing was."""

    folder: str
    found: list[UsableFile]
    unusable: list[UnusableFile]
    new: list[UsableFile]
    journal: str
    first: Instant
    last: Instant
    notes: list[str]


def import_folder(system: System, workspace: Workspace, config: Config, folder: str) -> ImportResult:
    """Write down what a predecessor's folder says and no earlier import holds. Raises CoordError: 2 if it is no such
    folder, 4 if the log cannot be used.
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
    """The folder that has the files: the one that was named, or the COORDINATION in it. Raises CoordError (2)."""
    named = os.path.join(system.cwd or "/", os.path.expanduser(folder))
    for root in (named, os.path.join(named, FOLDER)):
        if "\0" not in root and any(os.path.isdir(os.path.join(root, name)) for name in _KINDS):
            return os.path.normpath(root)
    names = ", ".join(f"{name}/" for name in _KINDS)
    raise usage_error(f"there is nothing to import in {folder}: neither it nor a {FOLDER}/ in it has any of {names}.")


def _read_all(root: str, snapshot: Snapshot) -> tuple[list[UsableFile], list[UnusableFile]]:
    """What all files say, in the order of their names, and those that cannot be used."""
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
                said = parse_file(kind, name, os.path.basename(folder), data)
                if said.at > snapshot.now:
                    raise Unusable(f"its time, {time_text(said.at, '')}, is still to come")
                file = UsableFile(kind, shown, blake2b(data, digest_size=16).hexdigest(), said)
                _check(file)
                found.append(file)
            except Unusable as error:
                unusable.append(UnusableFile(shown, str(error)))
            bar.step()
    finally:
        bar.close()
    return found, sorted(unusable, key=lambda file: file.path)


def _files(root: str, unusable: list[UnusableFile]) -> Iterator[tuple[FileKind, str]]:
    """The files that the scripts wrote, by their paths in the folder. What else lies among them is `unusable`."""
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
    """The files in a folder, or the `folders` in it, in order; hidden ones are nobody's."""
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
        if name.startswith(".") or name in _NO_SESSIONS:
            continue
        reason = ""
        if link:
            reason = "it is a link, which is not followed"
        elif is_folder and not folders:
            reason = "it is a folder"
        elif not is_folder and (folders or not name.endswith(suffix)):
            reason = "the scripts put no such file there"
        if reason:
            unusable.append(UnusableFile(recorded_path(os.path.join(folder, name)), reason))
        else:
            yield os.path.join(folder, name)


def _bytes(path: str) -> bytes:
    """Raises Unusable for what is no regular file, too long, or cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW | BINARY)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Unusable("it is not a regular file")
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Unusable(f"it cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise Unusable(f"it is too long: {status.st_size} bytes, and {_MOST_BYTES} are read")
    return data


def _check(file: UsableFile) -> None:
    """Raises Unusable for what a journal would not give back as it is."""
    (event,) = _events([file], f"{_PREFIX}x")
    try:
        encode_lines([event], NO_HASH)
    except ValueError as error:
        raise Unusable(f"it cannot be written down: {error}") from None


# --- writing the journal --------------------------------------------------------------------------------------------


def _already_imported(workspace: Workspace, snapshot: Snapshot) -> set[tuple[str, str]]:
    """The paths and digests of all that was imported before. Raises LogError if that cannot be told."""
    found: set[tuple[str, str]] = set()
    for name in snapshot.history.positions.keys() | snapshot.history.problems:
        if name.startswith(_PREFIX):
            try:
                marks = [event.imported for event in read_events(workspace.log, name)]
            except FileNotFoundError:
                continue  # it is gone, and with it what it held
            except (OSError, LogError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise LogError(f"{name}.jsonl cannot be read: {why}. Nothing was written.") from None
            found |= {(mark.path, mark.digest) for mark in marks if mark}
    return found


def _new_journal(snapshot: Snapshot) -> str:
    history = snapshot.history
    taken = history.positions.keys() | history.problems.keys() | snapshot.state.sessions.keys()
    while (name := _PREFIX + new_id(()).rpartition("-")[2]) in taken:
        pass
    return name


def _events(files: Iterable[UsableFile], journal: str) -> Iterator[Event]:
    """Rule 2."""
    at, kinds = "", list(_KINDS.values())  # at one instant a session starts before it does anything
    for n, file in enumerate(sorted(files, key=lambda file: (file.said.at, kinds.index(file.kind), file.path)), 1):
        said = file.said
        at = max(said.at, add_time(at, micros=1)) if at else said.at
        mark = Imported(path=file.path, digest=file.digest, acted_as=said.acted_as, fields=said.fields)
        yield Event(v=VERSION, at=at, session=journal, n=n, payload=said.payload, imported=mark)


def _write(workspace: Workspace, journal: str, events: Sequence[Event]) -> None:
    """To be called under the lock. Raises LogError; what was written until then is whole lines, and durable."""
    writer = JournalWriter(workspace.log, journal, Position())
    try:
        for piece in chunks("writing", events, _AT_ONCE):
            writer.extend(list(piece))
    finally:
        try:
            writer.sync()
        finally:
            writer.close()


def _rebuild(system: System, workspace: Workspace, config: Config) -> list[str]:
    """Rule 4; and the board. What was brought in is durable by then: where this fails, the next command does it."""
    snapshot = Snapshot(system, workspace)
    try:
        snapshot.catch_up()
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            snapshot.save()
            return write_board(system, workspace, config, snapshot, snapshot.now)
    except (LogError, CoordError) as error:
        return [f"everything was brought in, but the board does not show it yet: {error}"]
