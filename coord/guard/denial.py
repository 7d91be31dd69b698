"""The text of a denial, and a claim as a sentence. A hook loads this module only if it has a text to show."""

import time

from coord.guard.view import micros_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coord.guard.view import GuardRow

DENIAL_CHARS = 400  # of a denial, at most
_FACT_CHARS = 80  # of each fact about a claim
_LINE_CHARS = 120
_DAY_S = 86400
UNTIL_COMMITTED = "until it is committed"  # as in `coord.render.format`


def denial_text(denied: "list[tuple[str, list[GuardRow]]]") -> str:
    """Return what an agent is shown when writes are denied: who holds what, and what to do instead. `denied` has each
    resource, and what blocks it.
    """
    resource, rows = denied[0]
    more = len(denied) - 1
    what = _cut(resource.removeprefix("file/"), 55) + (f" and {more} more" if more else "")
    why = "were not written, because they are claimed" if more else "was not written, because it is claimed"
    advice = (
        f"Do other work, wait (coord claim {_cut(resource, 80)} --wait 10m), or ask "
        f'(coord send {rows[0].session} "Question" "..."). Do not use the shell to write it.'
    )
    head = f"coord: {what} {why}:\n"
    others = f"\n  and {len(rows) - 1} more: coord claims" if len(rows) > 1 else ""
    room = DENIAL_CHARS - len(head) - len(others) - len(advice) - 3
    return f"{head}  {_cut(row_text(rows[0]), max(room, 60))}{others}\n{advice}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# --- a claim as a sentence --------------------------------------------------------------------------------------------


def row_text(row: "GuardRow") -> str:
    """Return a claim or a waiting request as a sentence, for people and agents."""
    holder = row.holder
    agent = f", its subagent {_line(row.agent, _LINE_CHARS)}," if row.agent else ""
    blocked = holder.blocked_on and f"blocked on {holder.blocked_on}"
    facts = [
        row.note and f"for: {_quoted(row.note)}",
        holder.doing and (_fact(holder.doing) if holder.automatic else f"doing: {_quoted(holder.doing)}"),
        blocked and (_fact if holder.asks else _quoted)(blocked),
    ]
    more = "".join(f"; {fact}" for fact in facts if fact)
    until = UNTIL_COMMITTED if row.automatic else f"until {time_text(row.ends_at, row.since)}"
    verb = "waits for" if row.waiting else "has"
    resource = _line(row.resource, _LINE_CHARS)
    return f"{holder.label or row.session}{agent} {verb} {resource} since {time_text(row.since)} {until}{more}"


def time_text(at: str, since: str = "") -> str:
    """Return a time as `coord.render.format.time_text` does. That function is called only for times near which the
    clocks are changed, because it takes longer to load than a hook takes here.
    """
    try:
        seconds = micros_of(at) // 1_000_000
        local, same = time.localtime(seconds), since and time.localtime(micros_of(since) // 1_000_000)
        midnight = seconds - seconds % _DAY_S
        before, after = time.localtime(midnight - 2 * _DAY_S), time.localtime(midnight + 3 * _DAY_S)
        zone, is_usual = local.tm_zone, 1970 < local.tm_year < 9999
        if is_usual and before.tm_gmtoff == local.tm_gmtoff == after.tm_gmtoff and _is_word(zone):
            form = "%H:%M" if same and same[:3] == local[:3] else "%Y-%m-%d %H:%M"
            return f"{time.strftime(form, local)} {zone}"
    except (OverflowError, ValueError, OSError):
        pass  # outside the range of the system's clock
    from coord.render.format import time_text as exact_time_text

    return exact_time_text(at, since)


def _is_word(zone: str) -> bool:
    return zone.isascii() and zone.replace("+", "").replace("-", "").isalnum()


def _line(text: str, limit: int) -> str:
    """Return text as `coord.render.format.line` does, which is loaded only for text that cannot be printed."""
    text = text.strip()
    if text.isprintable():
        return _cut(text, limit)
    from coord.render.format import line

    return line(text, limit)


def _fact(text: str) -> str:
    return _line(text, _FACT_CHARS)


def _quoted(text: str) -> str:
    return "“" + _fact(text.replace("”", '"')) + "”"
