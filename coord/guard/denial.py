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


def denial_text(denied: "list[tuple[str, list[GuardRow]]]", session: str) -> str:
    """Return what an agent of `session` is shown when writes are denied: who holds what, and what to do instead.
    `denied` has each resource, and what blocks it.
    """
    resource, rows = denied[0]
    more = len(denied) - 1
    what = _cut(resource.removeprefix("file/"), 55) + (f" and {more} more" if more else "")
    why = "were not written, because they are claimed" if more else "was not written, because it is claimed"
    advice = (
        f"Do other work, wait (coord claim {_cut(resource, 80)} --wait 10m), or ask "
        f'(coord send {rows[0].session} "Question" "..."). Do not use the shell to write it.'
    )
    if rows[0].session == session:  # a subagent's commands may act as its session, which can neither wait nor answer
        advice = "Do other work, write it again later, or tell the main agent. Do not use the shell to write it."
    head = f"coord: {what} {why}:\n"
    others = f"\n  and {len(rows) - 1} more: coord claims" if len(rows) > 1 else ""
    room = DENIAL_CHARS - len(head) - len(others) - len(advice) - 3
    return f"{head}  {_cut(row_text(rows[0], resource, session), max(room, 60))}{others}\n{advice}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# --- a claim as a sentence --------------------------------------------------------------------------------------------


def row_text(row: "GuardRow", wanted: str, session: str) -> str:
    """Return a claim or a waiting request as a sentence, for a person or an agent of `session` that wants a resource.

    It says what the resource is held for if that is known, and nothing else that the holder does. What the reader's own
    session said is left out.
    """
    holder = row.holder
    agent = _line(row.agent, _LINE_CHARS)
    who = (holder.label or row.session) + (f", its subagent {agent}," if agent else "")
    facts = [row.note and f"for: {_quoted(row.note)}"]
    if row.session == session:
        who = f"another subagent of your session ({agent})"
    else:
        doing, blocked = holder.doing, holder.blocked_on and f"blocked on {holder.blocked_on}"
        if is_work_on(wanted, doing, holder.automatic, holder.doing_since, row.since):
            facts.append(_fact(doing) if holder.automatic else f"doing: {_quoted(doing)}")
        facts.append(blocked and (_fact if holder.asks else _quoted)(blocked))
    more = "".join(f"; {fact}" for fact in facts if fact)
    until = UNTIL_COMMITTED if row.automatic else f"until {time_text(row.ends_at, row.since)}"
    until += " or that subagent stops" if row.session == session else ""
    verb = "waits for" if row.waiting else "has"
    resource = _line(row.resource, _LINE_CHARS)
    return f"{who} {verb} {resource} since {time_text(row.since)} {until}{more}"


def is_work_on(wanted: str, doing: str, automatic: bool, doing_since: str, held_since: str) -> bool:
    """Return whether what a holder does is known to be work on a resource that somebody wants: it names the resource,
    or the holder itself said it before it got the claim and has said nothing else since. What a hook reported, such as
    the last tool, is work on a file only if it names that file.
    """
    if not automatic and doing and doing_since <= held_since:
        return True
    name = wanted.partition("/")[2]
    words = [word.lstrip("`'\"“”(").rstrip("`'\"“”().,:;") for word in doing.split()]
    return bool(name) and (name in words or doing.endswith(f" {name}"))


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
