"""Random changes of bytes, and a record of a folder to check that nothing in it was changed."""

from hashlib import blake2b
from pathlib import Path
from random import Random
from stat import S_ISLNK, S_ISREG
from typing import TypeAlias

PIECES = (
    b"", b"\0", b"\n", b"\r\n", b"{", b"}", b'"', b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"NaN", b"1e999", b"9" * 400,
    b"[" * 3000, b',"hash":"', b'"}', b'"n":', b'"type":"x"', b'"at":"', b"null", b"\\ud800", b"0" * 32,
)  # fmt: skip
Tree: TypeAlias = dict[str, tuple[int, int, bytes]]


def mangled(data: bytes, chance: Random) -> bytes:
    """The bytes with a few random changes."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        much = chance.choice((0, 1, 1, 2, 30, 500))
        piece = chance.choice((*PIECES, chance.randbytes(chance.randint(1, 40)), data[at : at + much]))
        data = data[:at] + piece + data[at + much :]
    return data


def tree(top: Path, without: Path) -> Tree:
    """All that is in a folder but for one place in it: for each name its mode, when it was changed, and its bytes."""
    found: Tree = {}
    for path in [top, *top.rglob("*")]:
        if path == without or without in path.parents:
            continue
        status, data = path.lstat(), b""
        if S_ISREG(status.st_mode):
            data = blake2b(path.read_bytes(), digest_size=16).digest()
        elif S_ISLNK(status.st_mode):
            data = bytes(path.readlink())
        found[str(path.relative_to(top))] = (status.st_mode, status.st_mtime_ns, data)
    return found
