"""Contents that are written later: a long replay makes more of them than should be in memory."""

import io
from contextlib import suppress
from typing import IO

_MAX_IN_MEMORY = 1 << 22  # bytes; more than that are in a temporary file without a name

Place = tuple[int, int]  # where a content begins, and its length


class Spool:
    """Keeps contents in memory while they are few, otherwise in a temporary file that ends with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._size, self._moved = 0, False

    def __del__(self) -> None:
        self._file.close()

    def add(self, content: bytes | bytearray) -> Place:
        """Keep a content, and return its place."""
        place = self._size, len(content)
        if self._size + len(content) > _MAX_IN_MEMORY and not self._moved:
            self._moved = True
            with suppress(OSError):  # without a temporary file, everything stays in memory
                self._file = self._temporary()
        try:
            self._file.seek(self._size)
            self._file.write(content)
            self._file.flush()
        except OSError:  # the disk is full
            kept = self.read((0, self._size))
            self._file = io.BytesIO()
            self._file.write(kept + content)
        self._size += len(content)
        return place

    def read(self, place: Place) -> bytes:
        """Return the content at a place. Raises OSError."""
        self._file.seek(place[0])
        return self._file.read(place[1])

    def _temporary(self) -> IO[bytes]:
        from tempfile import TemporaryFile  # only a long replay needs it

        file = TemporaryFile()  # noqa: SIM115 - it is used until the process ends
        file.write(self.read((0, self._size)))
        file.flush()
        return file
