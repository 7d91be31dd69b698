"""The state of the exchange with other machines, as text."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from coord.render.format import duration_text, line, time_text
from eventlog.events import Instant, seconds_between


class LinkState(Protocol):
    """What is known of a remote: see `coord.engine.sync.exchange.status.RemoteStatus`."""

    remote: str
    reachable: bool
    problem: str
    since: Instant
    checked_at: Instant
    queued_events: int
    queued_since: Instant
    clock_lead_s: float


def link_lines(state: "LinkState", machines: Mapping[str, str], now: Instant) -> list[str]:
    """Return lines about the state of a remote. `machines` are the times of the newest news, by a machine's name."""
    if not state.remote:
        return ["The remote was not read yet."]
    name = line(state.remote)
    if state.reachable:
        lines = [f"{name}: reachable, last exchange {_ago(state.checked_at, now)}"]
    else:
        lines = [f"⚠️ {name}: away since {time_text(state.since, now)}: {line(state.problem, 200)}"]
    if state.queued_events:
        many = "s" * (state.queued_events != 1)
        since = f", since {time_text(state.queued_since, now)}" if state.queued_since else ""
        lines.append(f"{state.queued_events} event{many} not published yet{since}")
    if abs(lead := state.clock_lead_s) > 60:
        side = "ahead of" if lead > 0 else "behind"
        lines.append(f"⚠️ This machine's clock is {duration_text(abs(lead))} {side} the remote's. Correct it")
    lines += [f"{line(machine)}: newest event {_ago(at, now)}" for machine, at in sorted(machines.items())]
    return lines


def machine_names(hosts: Mapping[str, str]) -> dict[str, str]:
    """Return a name for each machine, by its id: its host, with the beginning of the id where that is not unique."""
    counts = Counter(hosts.values())
    return {
        machine: host if host and counts[host] == 1 else f"{host or 'machine'} {machine[:6]}"
        for machine, host in hosts.items()
    }


def _ago(at: Instant, now: Instant) -> str:
    passed = seconds_between(at, now) if at else -1
    return "never" if not at else "now" if passed < 1 else f"{duration_text(passed)} ago"
