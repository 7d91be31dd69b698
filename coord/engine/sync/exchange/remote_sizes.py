"""Which bytes of each journal the remote has, as a reading of it shows. Pure."""

from collections.abc import Mapping


class RemoteSizes:
    """Collects what one reading of the remote shows. Only bytes without a gap before them count."""

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[int, int]] = {}
        self._wrong: dict[str, tuple[int, int]] = {}  # bytes that differ there, until they are read again and the same
        self._kept: dict[str, int] = {}  # bytes that this folder does not publish again
        self._archived: dict[str, int] = {}

    def has(self, name: str, begin: int, end: int) -> None:
        """Note that these bytes are the same there as here."""
        first, last = self._ranges.get(name, (begin, begin))
        if begin <= last and end >= first:
            self._ranges[name] = min(first, begin), max(last, end)
        elif begin < first:
            self._ranges[name] = begin, end
        wrong_begin, wrong_end = self._wrong.get(name, (0, 0))
        if begin <= wrong_begin < end:
            self._wrong.pop(name, None)
            if end < wrong_end:
                self._wrong[name] = end, wrong_end

    def differs(self, name: str, begin: int, end: int) -> None:
        """Note that some of these bytes are others there, so that they are published again."""
        first, last = self._wrong.get(name, (begin, end))
        self._wrong[name] = min(first, begin), max(last, end)

    def leave(self, name: str, size: int) -> None:
        """Note that this folder does not publish the first `size` bytes again, whatever the remote has."""
        self._kept[name] = max(size, self._kept.get(name, 0))

    def archived(self, name: str, size: int) -> None:
        """Note that the journal is archived there, with this size."""
        self._archived[name] = size

    def result(self, before: Mapping[str, int], *, is_whole: bool) -> dict[str, int]:
        """Return the size of each journal at the remote, negative if it is archived there.

        `before` are the sizes before the reading. They count only if not everything was read.
        """
        found = {} if is_whole else dict(before)
        for name in self._ranges.keys() | self._wrong.keys() | self._kept.keys():
            known = abs(found.get(name, 0))
            first, last = self._ranges.get(name, (0, 0))
            size = max(known, last) if first <= known else known
            size = min(size, self._wrong.get(name, (size, size))[0])
            size = max(size, self._kept.get(name, 0))
            was_archived = found.get(name, 0) == -size
            found[name] = -size if was_archived or self._archived.get(name) == size else size
        return found
