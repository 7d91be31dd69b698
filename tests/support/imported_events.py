"""Imported events in hand-written histories."""

from msgspec.structs import replace

from eventlog.events import (
    AnyPayload,
    ClaimRequested,
    Event,
    Imported,
)
from tests.support.histories import Story

JOURNAL = "import-k3f9"


def brings_in(story: Story, second: float, payload: AnyPayload, acted_as: str = "session-1", path: str = "") -> Event:
    """Add an imported event, from a file of its own unless `path` is given."""
    told = story.tell(second, JOURNAL, payload)
    mark = Imported(path=path or f"{told.n}.json", digest="0", acted_as=acted_as)
    story.events[-1] = replace(told, imported=mark)
    return story.events[-1]


def asks(resource: str, ttl_s: int = 600) -> ClaimRequested:
    return ClaimRequested(resource=resource, mode="exclusive", ttl_s=ttl_s, told="granted")
