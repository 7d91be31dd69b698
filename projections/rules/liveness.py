"""Rule 9, first half: whether a session's anchor is gone. Pure: what was observed on the machine is passed in.

An anchor is gone if, on the same machine, boot and pid namespace, its pid is free, is a zombie or is another process
(other start ticks), or if the same machine has booted again. In all other cases this is unknown: on another machine, in
another container, or for a process that may not be examined. A session is not presumed dead if this is unknown, nor if
it is silent: a build can take an hour.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from eventlog.events import Anchor


class ObserverHost(Struct, frozen=True):
    """Where the observer runs."""

    machine: str
    boot: str
    pid_namespace: str


NOBODY_WAITS = "nobody waits for it any more"
"""The beginning of the `reason` with which an observer ends a waiting request whose process is gone (rule 4)."""
ProcessStatus: TypeAlias = int | Literal["free", "zombie", "unknown"]
"""The start ticks of the process with a pid, or why there are none."""


def death_evidence(anchor: Anchor | None, here: ObserverHost, look: Callable[[int], ProcessStatus]) -> str:
    """Return the evidence that an anchor is gone, as text; empty if it is alive or if this is unknown."""
    if anchor is None or not anchor.machine or anchor.machine != here.machine:
        return ""
    if not anchor.boot or not here.boot:
        return ""
    if anchor.boot != here.boot:
        return "the machine has booted since"
    if anchor.pid_namespace != here.pid_namespace:
        return ""
    seen = look(anchor.pid)
    if seen == "unknown" or seen == anchor.start_ticks:
        return ""
    if seen == "free":
        return f"its process {anchor.pid} is gone"
    if seen == "zombie":
        return f"its process {anchor.pid} has exited"
    return f"its process {anchor.pid} is gone, and another has that number"


def is_alive(anchor: Anchor | None, here: ObserverHost, look: Callable[[int], ProcessStatus]) -> bool:
    """Return whether an anchor is certainly alive: it can be seen from here, and it is the same process."""
    if anchor is None or not anchor.boot:
        return False
    place = (anchor.machine, anchor.boot, anchor.pid_namespace)
    return place == (here.machine, here.boot, here.pid_namespace) and look(anchor.pid) == anchor.start_ticks
