"""Rule 9, the observer's half: when a session's anchor is gone. Pure: what was seen of the machine is passed in.

A session's anchor is gone if, on the same machine, boot and pid namespace, its pid is free, a zombie, or another
process (other start ticks); or if the same machine has booted again. Anything else is not known, and not known is not
dead: another machine, another container, a process that may not be looked at. Silence is no proof: a build can take an
hour.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from eventlog.events import Anchor


class ObserverHost(Struct, frozen=True):
    """Where the observer is."""

    machine: str
    boot: str
    pid_namespace: str


ProcessStatus: TypeAlias = int | Literal["free", "zombie", "unknown"]
"""What stands at a pid: the start ticks of the process there, or why there are none."""


def death_evidence(anchor: Anchor | None, here: ObserverHost, look: Callable[[int], ProcessStatus]) -> str:
    """The evidence that an anchor is gone, in words; empty if it is there or if nobody can know."""
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
