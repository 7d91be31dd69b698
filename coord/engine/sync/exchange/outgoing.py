"""What a remote lacks of the journals here, as pieces: only whole lines that verify."""

from collections.abc import Mapping

from coord.engine.sync.exchange.local_journals import LocalJournals
from coord.engine.sync.pending import Draft
from eventlog.remotes.piece import MAX_PIECE_BYTES, Piece

MAX_PUBLISHED_BYTES = 8 << 20  # in one publication


class Missing:
    """The journals that a remote lacks bytes of; `sizes` are those at the remote, negative if archived there."""

    def __init__(self, journals: LocalJournals, sizes: Mapping[str, int], *, whole_segments: bool) -> None:
        self._journals, self._sizes, self._whole = journals, sizes, whole_segments

    def names(self, *, ours_only: bool = False) -> list[str]:
        """Return the journals that the remote lacks something of, those that this folder writes first."""
        active, archived = self._journals.names()
        changed = [name for name, size in active.items() if size > abs(self._sizes.get(name, 0))]
        changed += [name for name in sorted(archived) if self._sizes.get(name, 0) >= 0]
        ours, others = list[str](), list[str]()
        for name in changed:
            local = self._journals.read(name)
            is_ours = self._journals.is_ours(local.position)
            there = self._sizes.get(name, 0)
            lacks_bytes = local.size > abs(there)
            lacks_end = is_ours and local.archived and 0 < local.size == there
            if (lacks_bytes and (is_ours or not ours_only)) or lacks_end:
                (ours if is_ours else others).append(name)
        return [*ours, *([] if ours_only else others)]

    def pieces(self, name: str, draft: Draft | None = None) -> list[Piece]:
        """Return what the remote lacks of one journal, followed by the lines of a draft. Raises OSError or LogError."""
        local = self._journals.read(name)
        begin = abs(self._sizes.get(name, 0))
        if self._whole:
            last = begin if begin < local.size or draft else max(begin - 1, 0)  # if nothing is new: the last segment
            begin = last - last % MAX_PIECE_BYTES
        data = self._journals.data(name, begin, local.size) if local.size > begin else b""
        if draft is not None:
            data += draft.data
        if not data:
            return [Piece(name, begin, b"", archived=local.archived)]
        cut, end, pieces = begin, begin + len(data), []
        while cut < end:
            until = min(end, cut - cut % MAX_PIECE_BYTES + MAX_PIECE_BYTES)
            pieces.append(Piece(name, cut, data[cut - begin : until - begin], archived=local.archived and until == end))
            cut = until
        return pieces
