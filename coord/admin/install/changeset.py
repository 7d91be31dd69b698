"""The files as they are to be. Nothing is written before everything is known; then each file in one step, as it was
shown: one that somebody else changed meanwhile is left alone.
"""

import errno
import os
import stat
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from coord.admin.install.record import InstallRecord, missing_folders, remove_folders
from coord.admin.install.request import FileChange, FileRecord
from coord.errors import refused
from coord.platform.replace_file import replace_file
from eventlog.local.files import read_regular

_MOST_BYTES = 1 << 26


class Changeset:
    """All changes of one run. A target reads and writes here, never on the disk."""

    def __init__(self, record: InstallRecord) -> None:
        self.record = record
        self.notes: list[str] = []
        self.todos: list[str] = []
        self.use: tuple[str, str] = ("", "")  # the target that writes, and for which folder
        self.removing = False
        self._changes: dict[str, FileChange] = {}
        self._said: dict[str, list[str]] = {}

    def read(self, path: str) -> bytes | None:
        """A file as drafted so far; None if it is not there. Raises CoordError for what cannot be read."""
        return self._change(path).after

    def text(self, path: str) -> str:
        """The same as text, empty if it is not there. Raises CoordError for what is none."""
        try:
            return (self.read(path) or b"").decode()
        except UnicodeDecodeError:
            raise refused(f"{path} is not valid UTF-8. It is as it was; correct it first.") from None

    def write(self, path: str, data: bytes | str | None, mode: int = 0o666, memory: FileRecord | None = None) -> None:
        """Let a file have these bytes, or be gone; and remember who did it, or forget it where we are removing."""
        change = self._change(path)
        data = data.encode() if isinstance(data, str) else data
        self._changes[change.path] = replace(change, after=data, mode=mode)
        kept = memory or self._remembered(change)
        uses = [use for use in kept.uses if tuple(use) != self.use] + ([] if self.removing else [self.use])
        folders = kept.folders or ([] if self.removing else self.record.folders_for(change.path))
        self.record.files[change.path] = FileRecord(uses, kept.empty, kept.blank, kept.had, folders)

    def move(self, path: str, to: str) -> None:
        """Let a file stand at another place in its folder, as it is, in place of what is there: its bytes and its mode;
        of a link, the link. Raises CoordError for one that is not there.
        """
        old, new = _with_parents_resolved(path), _with_parents_resolved(to)
        data = self.read(path)
        if data is None:
            raise refused(f"{path} leads nowhere. It is as it was; remove it first.")
        self._changes[old] = FileChange(old, path, data, None, 0o666)
        self._changes[new] = FileChange(new, to, _read(os.path.realpath(new)), data, 0o666, moved=old)
        if self.removing:
            self.write(to, data)  # so that nothing is remembered of it

    def file_record(self, path: str) -> FileRecord:
        """What is remembered of a file; nothing, if it is not there any more."""
        change = self._change(path)
        known = self.record.files.get(change.path, FileRecord())
        return known if change.before is not None or change.after is not None else FileRecord(folders=known.folders)

    def leave(self, path: str, text: str) -> None:
        """Let a file have what is left of it without us: nothing is what was there before, if anything was."""
        self.write(path, text or self.file_record(path).blank)

    def _remembered(self, change: FileChange) -> FileRecord:
        """What is remembered of a file that is not JSON; of one that is seen for the first time, what it is."""
        known = self.file_record(change.path)
        blank = change.before is not None and not change.before.strip() and not known.uses
        return replace(known, blank=change.before.decode()) if blank and change.before is not None else known

    def say(self, path: str, *texts: str) -> None:
        """In plain words, what of ours is in a file, or is taken out of it."""
        said = self._said.setdefault(self._change(path).path, [])
        said += [text for text in texts if text not in said]

    def said(self, change: FileChange) -> list[str]:
        """What was said of a file."""
        return self._said.get(change.path, [])

    def note(self, text: str) -> None:
        """Something to tell."""
        if text not in self.notes:
            self.notes.append(text)

    def todo(self, text: str) -> None:
        """Something that the person must still do."""
        if text not in self.todos:
            self.todos.append(text)

    @property
    def changes(self) -> list[FileChange]:
        """What is different from before, the files that are moved first."""
        moved = {change.moved for change in self._changes.values()}
        found = [change for change in self._changes.values() if change.before != change.after]
        rest = [change for change in found if change.after is not None or change.path not in moved]
        return sorted(rest, key=lambda change: not change.moved)

    def _change(self, path: str) -> FileChange:
        real = _with_parents_resolved(path) if _with_parents_resolved(path) in self._changes else os.path.realpath(path)
        if real not in self._changes:
            self._changes[real] = FileChange(real, path, _read(real), None, 0o666)
            before = self._changes[real].before
            self._changes[real] = FileChange(real, path, before, before, 0o666)
        return self._changes[real]

    def apply(self) -> None:
        """Write all of it. Raises CoordError, before anything is written if that can be known."""
        for change in self.changes:
            _refuse_unwritable(change)
        self._save_record()
        for change in self.changes:
            try:
                _apply(change)
            except OSError as error:
                raise refused(f"cannot write {change.named}: {error.strerror}. It is as it was.") from None
            if change.after is None:
                memory = self.record.files.get(change.path, FileRecord())
                remove_folders(memory.folders)

    def _save_record(self) -> None:
        try:
            self.record.save()
        except (OSError, ValueError) as error:  # a path that is no valid text is a ValueError
            why = getattr(error, "strerror", "") or "a path in it is not valid UTF-8"
            self.note(f"cannot write {self.record.path}: {why}. `coord uninstall --all` will not know of this.")


def _with_parents_resolved(path: str) -> str:
    """A file's path with the links resolved that lead to it, but not one that it is itself."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _read(path: str) -> bytes | None:
    try:
        return read_regular(path, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = "a link that leads to itself" if error.errno == errno.ELOOP else error.strerror
        raise refused(f"cannot read {path}: {why}. It is as it was.") from None


def _refuse_unwritable(change: FileChange) -> None:
    """Raises CoordError. A file without any write permission is protected on purpose, from root too."""
    if change.before is not None and not os.stat(change.path).st_mode & 0o222:
        raise refused(f"{change.named} is read-only. Nothing was changed; allow it: chmod u+w, then run this again.")
    made = missing_folders(change.path)
    folder = os.path.dirname(made[-1] if made else change.path)
    if not os.access(folder, os.W_OK | os.X_OK) or (change.before is not None and not os.access(change.path, os.W_OK)):
        raise refused(f"you may not write {change.named}. Nothing was changed.")
    if _read(os.path.realpath(change.path)) != change.before:
        raise refused(f"{change.named} was changed meanwhile. Nothing was changed by coord; run this again.")


def _apply(change: FileChange) -> None:
    """Put the new bytes in place of the old ones, so that a reader sees one or the other. Raises OSError."""
    if change.moved:
        os.replace(change.moved, change.path)
        return
    if change.after is None:
        os.unlink(change.path)
        return
    replace_file(change.path, change.after, mode=change.mode, prepare=partial(_copy_mode_and_owner, change), sync=True)


def _copy_mode_and_owner(change: FileChange, fd: int) -> None:
    """Give the new file the mode and the owner of the old one, if there is one; what is to be run may be run."""
    if not os.path.exists(change.path):
        return
    status = os.stat(change.path)
    with suppress(OSError):
        os.fchown(fd, status.st_uid, status.st_gid)
    os.fchmod(fd, stat.S_IMODE(status.st_mode) | (change.mode & 0o111))
