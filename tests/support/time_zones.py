"""A context in which local time is that of another time zone."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from coord.render import clock, format


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Set the local time zone, and clear what was cached for another one."""
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
    clock.local_time.cache_clear()
    clock._clocks_change_near.cache_clear()
    format._formatted.cache_clear()
