"""Compare the postings in the store with those of the whole history."""

from collections.abc import Iterable

from coord.engine.cache.buckets import Buckets
from eventlog.digest import blake2b
from projections.postings.values import PATTERNS, PREFIXES, RESOURCES, Entry

_DIGEST = 16  # bytes


class PostingDigests:
    """A digest of the values of each key in their order. In the lists of resources, repeated values count once."""

    def __init__(self) -> None:
        self.of_keys: dict[str, bytes] = {}
        self.in_lists: set[Entry] = set()

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries after those that were added before. Entries of the store that are no postings are ignored."""
        for entry in entries:
            key, value = entry
            if key in (PATTERNS, RESOURCES):
                self.in_lists.add(entry)
            elif key.startswith(PREFIXES):
                before = self.of_keys.get(key, b"")
                self.of_keys[key] = blake2b(before + value, digest_size=_DIGEST).digest()

    def differ_from(self, store: Buckets) -> bool:
        """Return whether the postings in a store are others. Reads the whole store. Raises CacheDamaged."""
        stored = PostingDigests()
        stored.add(store.every(""))
        return (stored.of_keys, stored.in_lists) != (self.of_keys, self.in_lists)
