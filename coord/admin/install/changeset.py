"""The changes of one `coord install` or `coord uninstall`, collected in memory and then written.

Nothing is written before all changes are known and were shown. Then each file is replaced in one step. A file that
another program changed in the meantime is left alone, and so are all others.
"""

import errno
import os
import stat
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from coord.admin.install.record import FileRecord, InstallRecord, missing_folders, remove_folders
from coord.errors import refused
from coord.platform.replace_file import replace_file
from eventlog.local.files import read_regular

_MAX_BYTES = 1 << 26


class FileChange(Struct, frozen=True):
    """One file before and after the change. None means that the file does not exist."""

    path: str  # with all links resolved
    named: str  # as the caller named it
    before: bytes | None
    after: bytes | None
    mode: int  # of a file that is created
    moved: str = ""  # the path that the file is moved from, unchanged


class Changeset:
    """All changes of one run. Targets read and write files only through it."""

    def __init__(self, record: InstallRecord) -> None:
        self.record = record
        self.notes: list[str] = []
        self.todos: list[str] = []
        self.use: tuple[str, str] = ("", "")  # the target that writes, and the folder that it writes for
        self.removing = False
        self._changes: dict[str, FileChange] = {}
        self._descriptions: dict[str, list[str]] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes with the changes so far; None if it does not exist.

        Raises CoordError if it cannot be read.
        """
        return self._change(path).after

    def text(self, path: str) -> str:
        """Return a file's text with the changes so far; empty if it does not exist.

        Raises CoordError if it cannot be read or is not valid UTF-8.
        """
        try:
            return (self.read(path) or b"").decode()
        except UnicodeDecodeError:
            raise refused(f"{path} is not valid UTF-8. It was not changed. Correct it, then run this again.") from None

    def write(self, path: str, data: bytes | str | None, mode: int = 0o666, record: FileRecord | None = None) -> None:
        """Set a file's content; None deletes it. Also record that this target uses the file, or forget it when
        removing.
        """
        change = self._change(path)
        data = data.encode() if isinstance(data, str) else data
        self._changes[change.path] = replace(change, after=data, mode=mode)
        kept = record or self._record_of_text(change)
        uses = [use for use in kept.uses if tuple(use) != self.use] + ([] if self.removing else [self.use])
        folders = kept.folders or ([] if self.removing else self.record.folders_for(change.path))
        self.record.files[change.path] = FileRecord(uses, kept.empty, kept.blank, kept.had, folders)

    def write_remainder(self, path: str, text: str) -> None:
        """Set a file's content to what is left without coord's part. If nothing is left, restore the white space that
        the file consisted of before, or delete the file.
        """
        self.write(path, text or self.file_record(path).blank)

    def move(self, path: str, to: str) -> None:
        """Move a file within its folder, replacing what is at the new path. A link is moved as a link.

        Raises CoordError if the file does not exist.
        """
        old, new = _with_parents_resolved(path), _with_parents_resolved(to)
        data = self.read(path)
        if data is None:
            raise refused(f"{path} is a link to a file that does not exist. It was not changed. Remove it first.")
        self._changes[old] = FileChange(old, path, data, None, 0o666)
        self._changes[new] = FileChange(new, to, _read(os.path.realpath(new)), data, 0o666, moved=old)
        if self.removing:
            self.write(to, data)  # removes the file's record

    def file_record(self, path: str) -> FileRecord:
        """Return what is remembered about a file; nothing but its folders if the file does not exist."""
        change = self._change(path)
        known = self.record.files.get(change.path, FileRecord())
        return known if change.before is not None or change.after is not None else FileRecord(folders=known.folders)

    def _record_of_text(self, change: FileChange) -> FileRecord:
        """Return the record of a file that is not JSON. At the first change it notes whether the file was blank."""
        known = self.file_record(change.path)
        was_blank = change.before is not None and not change.before.strip() and not known.uses
        return replace(known, blank=change.before.decode()) if was_blank and change.before is not None else known

    def describe(self, path: str, *texts: str) -> None:
        """Add a description of what is added to a file or removed from it."""
        descriptions = self._descriptions.setdefault(self._change(path).path, [])
        descriptions += [text for text in texts if text not in descriptions]

    def descriptions(self, change: FileChange) -> list[str]:
        """Return the descriptions of a file's changes."""
        return self._descriptions.get(change.path, [])

    def note(self, text: str) -> None:
        """Add something that the user should know."""
        if text not in self.notes:
            self.notes.append(text)

    def todo(self, text: str) -> None:
        """Add something that the user still has to do."""
        if text not in self.todos:
            self.todos.append(text)

    @property
    def changes(self) -> list[FileChange]:
        """The files that change. Moves come first, because they free the path that another file is written to."""
        moved = {change.moved for change in self._changes.values()}
        different = [change for change in self._changes.values() if change.before != change.after]
        rest = [change for change in different if change.after is not None or change.path not in moved]
        return sorted(rest, key=lambda change: not change.moved)

    def _change(self, path: str) -> FileChange:
        real = _with_parents_resolved(path) if _with_parents_resolved(path) in self._changes else os.path.realpath(path)
        if real not in self._changes:
            before = _read(real)
            self._changes[real] = FileChange(real, path, before, before, 0o666)
        return self._changes[real]

    def apply(self) -> None:
        """Write all changes. Raises CoordError; errors that can be foreseen are raised before anything is written."""
        for change in self.changes:
            _refuse_unwritable(change)
        self._save_record()
        for change in self.changes:
            try:
                _apply(change)
            except OSError as error:
                raise refused(
                    f"cannot write {change.named}: {error.strerror}. This file was not changed; "
                    "the files listed before it were. Remove the cause, then run this again."
                ) from None
            if change.after is None:
                remove_folders(self.record.files.get(change.path, FileRecord()).folders)

    def _save_record(self) -> None:
        try:
            self.record.save()
        except (OSError, ValueError) as error:  # ValueError: a path is not valid UTF-8
            reason = getattr(error, "strerror", "") or "a path in it is not valid UTF-8"
            self.note(
                f"cannot write {self.record.path}: {reason}. So `coord uninstall --all` will not know of "
                "this when it runs in another folder; run `coord uninstall` here."
            )


def _with_parents_resolved(path: str) -> str:
    """Return a path with the links in its folders resolved, but not the file itself if that is a link."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _read(path: str) -> bytes | None:
    try:
        return read_regular(path, _MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = "it is a link that leads back to itself" if error.errno == errno.ELOOP else error.strerror
        raise refused(f"cannot read {path}: {reason}. It was not changed.") from None


def _refuse_unwritable(change: FileChange) -> None:
    """Raise CoordError if a file may not be written, or is not as it was read.

    A file without any write permission was protected on purpose, so root is refused too.
    """
    if change.before is not None and not os.stat(change.path).st_mode & 0o222:
        raise refused(
            f"{change.named} is read-only. Nothing was changed. Allow it with chmod u+w, then run this again."
        )
    missing = missing_folders(change.path)
    folder = os.path.dirname(missing[-1] if missing else change.path)
    if not os.access(folder, os.W_OK | os.X_OK) or (change.before is not None and not os.access(change.path, os.W_OK)):
        raise refused(f"you have no permission to write {change.named}. Nothing was changed.")
    if _read(os.path.realpath(change.path)) != change.before:
        raise refused(f"another program has just changed {change.named}. Nothing was changed by coord. Run this again.")


def _apply(change: FileChange) -> None:
    """Write one change. A concurrent reader sees the old file or the new one. Raises OSError."""
    if change.moved:
        os.replace(change.moved, change.path)
        return
    if change.after is None:
        os.unlink(change.path)
        return
    replace_file(change.path, change.after, mode=change.mode, prepare=partial(_copy_mode_and_owner, change), sync=True)


def _copy_mode_and_owner(change: FileChange, fd: int) -> None:
    """Give the new file the mode and owner of the file that it replaces; add the execute bits that the change asks
    for.
    """
    if not os.path.exists(change.path):
        return
    status = os.stat(change.path)
    with suppress(OSError):
        os.fchown(fd, status.st_uid, status.st_gid)
    os.fchmod(fd, stat.S_IMODE(status.st_mode) | (change.mode & 0o111))
