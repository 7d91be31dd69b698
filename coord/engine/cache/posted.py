"""Compare the postings in the store with those of the whole history."""

from collections.abc import Iterable

from coord.engine.cache.buckets import Buckets
from projections.postings.values import PREFIXES, Entry, grouped


def postings_differ(store: Buckets, entries: Iterable[Entry]) -> bool:
    """Return whether the postings in a store are not `entries`, those of the whole history. Reads the whole store.

    Raises CacheDamaged.
    """
    expected = grouped(entries)
    kept = grouped(entry for prefix in PREFIXES for entry in store.every(prefix))
    return kept != expected
