"""An append-only store of values by key, in 256 files. It is a cache, and each checkpoint sees its own version of it.

Each key belongs to the file with the number that its hash gives. A file is a sequence of chunks. A chunk is a payload,
an encoded list of keys and values, after its length. A *head* contains, for each file, its size and a digest of its
content up to there. The digests are chained: each is that of the digest before and of the next payload.

A checkpoint contains the head of the moment when it was saved, and the *pending* entries, which are in no file yet. A
reader reads each file only up to the size in the head, and verifies the digest. Checkpoints of different times can
therefore share the files: each sees exactly the entries that belong to it. Bytes after that size belong to an
abandoned or unfinished writing. The next writer replaces them.

Nothing is synced. A file that is missing, too short or different from its digest raises CacheDamaged, so a power
failure never gives a wrong value.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from struct import Struct, error

import msgspec

from coord.engine.cache.spool import Place, Spool
from eventlog.digest import blake2b
from eventlog.local.files import BINARY, NOFOLLOW

FOLDER = "index"  # the folder of the files, inside the cache folder
MAX_PENDING_BYTES = 1 << 16  # more pending entries than this are moved to the files
_COUNT = 256  # files
_MOST_KEPT_BYTES = 4 << 20  # of files that were read, in memory
_DIGEST = 16  # bytes
_END = Struct(f"<Q{_DIGEST}s")  # the size and the digest of one file in a head
_LENGTH = Struct("<I")  # the length of a payload
_EMPTY = (0, bytes(_DIGEST))

Entry = tuple[str, bytes]
DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


class CacheDamaged(Exception):
    """The files do not contain what a checkpoint expects. Compute the values from the journals instead."""


class Buckets:
    """The version of the store that belongs to `head` and `pending`.

    Appended entries are pending at first. `flush` moves them to the chunks of the files, which changes the head. The
    chunks stay in memory or in `spool` until `write`, which must be called under the lock before a checkpoint with this
    head is saved.
    """

    def __init__(self, folder: str, head: bytes = b"", pending: bytes = b"") -> None:
        self.folder, self.head, self.spool = folder, head, Spool()
        self._pending = [pending]
        self._folder = os.path.join(folder, FOLDER)
        self._on_disk = head
        self._unwritten: dict[int, list[Place]] = {}  # the chunks after `_on_disk`, by the number of the file
        self._payloads: dict[int, list[bytes]] = {}  # the payloads of the files that were read
        self._contents: dict[int, bytearray] = {}  # the same, joined

    @property
    def pending(self) -> bytes:
        """The chunks of the pending entries."""
        if len(self._pending) > 1:
            self._pending = [b"".join(self._pending)]
        return self._pending[0]

    def get(self, key: str) -> list[bytes]:
        """Return all values of a key, in the order in which they were appended. Raises CacheDamaged."""
        return [value for name, value in self._entries_with(key.encode(), bucket_of(key)) if name == key]

    def append(self, entries: Iterable[Entry]) -> None:
        """Append pending entries. Entries that were pending before are not decoded."""
        if new := list(entries):
            self._pending.append(_chunk(_encode(new)))

    def flush(self) -> None:
        """Move the pending entries to the chunks of the files. Raises CacheDamaged."""
        groups: dict[int, list[Entry]] = {}
        for payload in _split(self.pending):
            for entry in _decoded(payload):
                groups.setdefault(bucket_of(entry[0]), []).append(entry)
        ends = _ends(self.head)
        for number, entries in sorted(groups.items()):
            payload = _encode(entries)
            chunk = _chunk(payload)
            size, digest = ends[number]
            ends[number] = (size + len(chunk), _chained(digest, payload))
            self._unwritten.setdefault(number, []).append(self.spool.add(chunk))
        self.head, self._pending = b"".join(_END.pack(*end) for end in ends), [b""]
        self._payloads, self._contents = {}, {}

    def write(self) -> None:
        """Write the chunks of the last flushes to the files, after what `head` had before them. Raises OSError."""
        if not self._unwritten:
            return
        if os.path.islink(self._folder):
            raise OSError(f"{self._folder} is a symbolic link")
        os.makedirs(self._folder, exist_ok=True)
        ends = _ends(self._on_disk)
        for number in self._unwritten:
            _write_at(self._path(number), ends[number][0], self._chunks(number))
        self._on_disk, self._unwritten, self.spool = self.head, {}, Spool()

    def every(self, prefix: str) -> Iterator[Entry]:
        """Yield all entries whose key begins with `prefix`; those of one key in the order in which they were appended.

        Reads all files, one after the other. Raises CacheDamaged.
        """
        wanted = prefix.encode()
        for number in range(_COUNT):
            was_read = number in self._payloads
            yield from (entry for entry in self._entries_with(wanted, number, False) if entry[0].startswith(prefix))
            if not was_read:  # the files together can be large
                del self._payloads[number], self._contents[number]
        for payload in _split(self.pending):
            yield from (entry for entry in _decoded(payload) if entry[0].startswith(prefix))

    def _entries_with(self, text: bytes, number: int, with_pending: bool = True) -> Iterator[Entry]:
        """Yield the entries of one file, and of the pending ones, without those that cannot contain `text`."""
        if number not in self._payloads:
            self._payloads[number] = self._read(number)
            self._contents[number] = bytearray(b"".join(self._payloads[number]))
            self._forget_others()
        if text in self._contents[number]:  # one search for all payloads, since most keys that are looked up are new
            for payload in self._payloads[number]:
                if text in payload:
                    yield from _decoded(payload)
        if with_pending and text in self.pending:
            for payload in _split(self.pending):
                if text in payload:
                    yield from _decoded(payload)

    def _forget_others(self) -> None:
        """Keep no more than `_MOST_KEPT_BYTES` of the files that were read, and at least the last one."""
        kept = sum(map(len, self._contents.values()))
        for number in list(self._contents)[:-1]:
            if kept <= _MOST_KEPT_BYTES:
                return
            kept -= len(self._contents[number])
            del self._payloads[number], self._contents[number]

    def _read(self, number: int) -> list[bytes]:
        """Return the payloads of a file up to the head. Raises CacheDamaged."""
        size, expected = _ends(self._on_disk)[number]
        _, digest = _EMPTY
        payloads = _split(_content(self._path(number), size)) if size else []
        for payload in payloads:
            digest = _chained(digest, payload)
        if digest != expected:
            raise CacheDamaged(f"{self._path(number)} is not what the checkpoint expects")
        return [*payloads, *_split(self._chunks(number))]

    def _chunks(self, number: int) -> bytes:
        """Return the unwritten chunks of a file. Raises OSError."""
        return b"".join(map(self.spool.read, self._unwritten.get(number, ())))

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, f"{number:02x}")


def bucket_of(key: str) -> int:
    """Return the number of the file that a key belongs to."""
    return blake2b(key.encode(), digest_size=1).digest()[0]


def _ends(head: bytes) -> list[tuple[int, bytes]]:
    if not head:
        return [_EMPTY] * _COUNT
    if len(head) != _COUNT * _END.size:
        raise CacheDamaged("the head of the index has another size")
    return list(_END.iter_unpack(head))


def _chained(digest: bytes, payload: bytes) -> bytes:
    return blake2b(digest + payload, digest_size=_DIGEST).digest()


def _chunk(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def _split(chunks: bytes) -> list[bytes]:
    """Return the payloads of a sequence of chunks. Raises CacheDamaged."""
    payloads: list[bytes] = []
    place = 0
    while place < len(chunks):
        try:
            (length,) = _LENGTH.unpack_from(chunks, place)
        except error:
            raise CacheDamaged("a chunk of the index is cut off") from None
        place += _LENGTH.size + length
        payloads.append(chunks[place - length : place])
    if place != len(chunks):
        raise CacheDamaged("a chunk of the index is cut off")
    return payloads


def _decoded(payload: bytes) -> list[Entry]:
    try:
        return _decode(payload)
    except DECODE_ERRORS:
        raise CacheDamaged("a chunk of the index is not a list of entries") from None


def _content(path: str, size: int) -> bytes:
    """Return the first `size` bytes of a file. Raises CacheDamaged if it is shorter."""
    try:
        if os.path.islink(os.path.dirname(path)):
            raise OSError(f"{os.path.dirname(path)} is a symbolic link")
        with open(os.open(path, os.O_RDONLY | NOFOLLOW | BINARY), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size < size:
                raise OSError(f"{path} is not a file of at least {size} bytes")
            return file.read(size)
    except OSError as problem:
        raise CacheDamaged(str(problem)) from None


def _write_at(path: str, size: int, content: bytes | bytearray) -> None:
    """Replace everything after the first `size` bytes of a file. Raises OSError."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT | NOFOLLOW | BINARY, 0o666), "r+b") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        file.truncate(size)
        file.seek(size)
        file.write(content)
