"""Pieces of journals, in which journals travel between machines."""

from msgspec import Struct

MAX_PIECE_BYTES = 1 << 16  # of the data of a piece


class Piece(Struct, frozen=True):
    """The bytes of a journal from `offset` on. The whole journal is the sum of its pieces, which may overlap."""

    session: str
    offset: int
    data: bytes
    archived: bool = False  # whether the journal is complete with these bytes and takes no more
