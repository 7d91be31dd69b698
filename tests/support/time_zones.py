"""Another time zone, for a while."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from coord.render.format import local_time


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Let local time be that of a zone; what was worked out in another one is forgotten."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    _changed()
    try:
        yield
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        _changed()


def _changed() -> None:
    time.tzset()
    local_time.cache_clear()
