"""The answer to a renewal, as text. `coord renew` loads it without what a request needs."""

from coord.cli.resources.types import command_line
from coord.render.format import time_text, until
from eventlog.events import Instant
from projections.views.board import ClaimRow


def renewal_text(resource: str, row: ClaimRow, before: Instant, now: Instant) -> str:
    """Return what a renewal did to a claim that ended at `before`."""
    end = until(row.ends_at, now, row.automatic)
    if row.automatic or row.ends_at > before:
        return f"renewed: {resource} {end}"
    if row.ends_at < before:
        return f"shortened: {resource} {end}; it was until {time_text(before, now)}"
    shorter = command_line("renew", row.resource, "HOURS")
    return f"kept: {resource} {end}\n   It already lasts longer than you asked for. To shorten it: {shorter}"
