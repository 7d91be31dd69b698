"""The folders to measure in, and the series of folders in which one thing grows: events, sessions that ended, live
sessions, or claims. Each series is a plot.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from benchmarks.folders import Folder, idle_processes, prepare
from benchmarks.history import SESSIONS, Shape
from benchmarks.rows import SHORT

SHORT_LIFE = 10  # events of a session that ends soon
CLAIMS, PATTERNS, LIVE = 2000, 500, 400  # in the crowded folder


class Place(Struct, frozen=True):
    """A folder to prepare. With `own_processes`, each live session has a process of its own."""

    events: int
    shape: Shape = Shape()
    own_processes: bool = False


class Series(Struct, frozen=True):
    """What grows from folder to folder: `points` has the name of each folder, by how much of it there is."""

    grows: str
    points: dict[int, str]


def crowded(live: int, claims: int, life: int) -> Shape:
    """Return the shape of a history with many live sessions and claims. A quarter of the claims are for patterns."""
    files = max(400, 4 * claims)
    return Shape(sessions=live, life=life, files=files, claims=claims, patterns=claims * PATTERNS // CLAIMS)


def places(long: int) -> dict[str, Place]:
    """Return the folders of the rows, by name; `long` is the length of the long histories."""
    busy = min(1.0, long / 200_000)
    return {
        "short": Place(SHORT),
        "long": Place(long),
        "ended": Place(long, Shape(life=SHORT_LIFE, files=max(400, long // 500))),
        "crowd": Place(long, crowded(round(LIVE * busy), round(CLAIMS * busy), SHORT_LIFE), own_processes=True),
    }


def series(long: int) -> tuple[list[Series], dict[str, Place]]:
    """Return the series, and the folders that only they need."""
    more: dict[str, Place] = {}

    def named(name: str, place: Place) -> str:
        more[name] = place
        return name

    lengths = [length for length in (10_000, 100_000) if length < long]
    events = {SHORT: "short"} | {n: named(f"{n} events", Place(n)) for n in lengths} | {long: "long"}
    ended = {
        n // SHORT_LIFE: named(f"{n // SHORT_LIFE} ended", Place(n, Shape(life=SHORT_LIFE))) for n in (SHORT, *lengths)
    } | {long // SHORT_LIFE: "ended"}
    live = {
        n: named(f"{n} live", Place(10 * n + SHORT, Shape(sessions=n), own_processes=True))
        for n in (SESSIONS, 100, LIVE)
    }
    claims = {
        n: named(f"{n} claims", Place(5 * n + 20_000, crowded(100, n, 1000), own_processes=True))
        for n in (SESSIONS, 200, CLAIMS)
    }
    return [
        Series("events in the log", events),
        Series("sessions that ended", ended),
        Series("live sessions", live),
        Series("active claims, a quarter of them patterns", claims),
    ], more


def prepare_all(
    base: Path, wanted: dict[str, Place], processes: ExitStack, step: Callable[[], None]
) -> dict[str, Folder]:
    """Create the folders. The processes of live sessions end with `processes`. `step` is called after each folder."""
    folders = {}
    for name, place in wanted.items():
        count = place.shape.sessions if place.own_processes else 0
        pids = processes.enter_context(idle_processes(count)) if count else []
        folders[name] = prepare(base / name.replace(" ", "-"), place.events, place.shape, archived=True, processes=pids)
        step()
    return folders
