"""The timeline of an earlier part of the history, computed on request, and not kept."""

import gc

import msgspec

from coord.engine.snapshot import Snapshot
from coord.engine.times.points_in_time import parse_instant
from coord.servers.web.live.view import TimelinePart
from coord.servers.web.live.window import open_earlier
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from projections.views.timeline.changes import TimelineChanges


def earlier_timeline(system: System, workspace: Workspace, until: str) -> bytes:
    """Return the timeline document of the part that ends at `until`.

    Raises CoordError (2) for a time, and (4) if there is no log.
    """
    snapshot = Snapshot(system, workspace)
    snapshot.catch_up(consistent=True)
    end = parse_instant(until, "until", snapshot.now)
    state, events = open_earlier(snapshot, end)
    since, earlier = state.at or (events[0].at if events else end), state.events > 0
    changes = TimelineChanges(state)
    changes.add(events)
    changes.advance(end)
    data = msgspec.json.encode(TimelinePart(since, end, "", False, earlier, changes.tables()))
    del changes, state, events, snapshot
    gc.collect()  # they are in cycles, and there are too few of them for Python to notice how large they are
    return data
