"""Stories in words: what happened to a claim step by step, where a session was, who read a message."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from coord.render.format import ago, duration_text, line, session_label, time_text, until
from eventlog.events import Instant, MessageSent, seconds_between
from projections.rules.resources import covers, overlap
from projections.rules.state import Claim, State
from projections.views.claim_history import ClaimHistoryEntry
from projections.views.intervals import HistoryAnalysis
from projections.views.receipts import Receipt, Receipts

Names = Mapping[str, str]


def history_lines(entries: Sequence[ClaimHistoryEntry], now: Instant, names: Names, about: str = "") -> list[str]:
    """A story, a line a step: when, by which event, what, by which rule, and what the requester was told if that was
    something else. The date stands where it is not that of the line before; a resource is named unless it is the one
    that the story is `about`.
    """
    times, before = [], now
    for entry in entries:
        times.append(time_text(entry.at, before, seconds=True))
        before = entry.at
    width = max(map(len, times), default=0)
    return [f"{time:>{width}}  {_step(entry, names, about)}" for time, entry in zip(times, entries, strict=True)]


def _step(entry: ClaimHistoryEntry, names: Names, about: str) -> str:
    on = "" if entry.resource in ("", about) else f" [{line(entry.resource)}]"
    same = {"renewed": "granted"}.get(entry.what, entry.what) == entry.told
    told = "" if same or not entry.told else f" · but was told: {entry.told}"
    words = f" — {line(entry.words, 160)}" if entry.words else ""
    return f"{entry.cause or 'by time'}  {_STEP_TEXT[entry.what](entry, names)}{on} · rule {entry.rule}{told}{words}"


def rule_lines(entries: Sequence[ClaimHistoryEntry]) -> list[str]:
    """What the rules say that decided these steps, in short."""
    return [f"rule {rule}: {_RULES[rule]}" for rule in sorted({entry.rule for entry in entries} & _RULES.keys())]


_RULES = {
    2: "who asks gets what nobody else has, or waited for before",
    3: "a claim ends when it is released, runs out, is broken, its edit is over, or its session ends",
    4: "who waits gets it in the order of asking, and has a minute to take it up",
    5: "what is handed over goes to that session, before all who wait",
    7: "work is kept only if no younger claim is in its way; who goes ahead all the same is on record",
    8: "who was told that it has something, which the merged log says another had first, has lost it",
    9: "what a session held whose process is gone is free",
}
"""Those by which anything happens to a claim. The protocol's page has all of them, in full."""


def _who(session: str, names: Names) -> str:
    """A session in a sentence: the name that people know it by."""
    return line(names.get(session, ""), 40) or session


def _mine(entry: ClaimHistoryEntry, names: Names) -> str:
    return f"{_who(entry.session, names)}'s claim"


def _asks(entry: ClaimHistoryEntry, names: Names) -> str:
    """Who asks, for how long."""
    shared = " to share it" if entry.mode == "shared" else " for it"
    agent = f" (its subagent {line(entry.agent)})" if entry.agent else ""
    how = "begins to edit it" if entry.automatic else f"asks{shared} for {duration_text(entry.ttl_s)}"
    return f"{_who(entry.session, names)}{agent} {how}"


def _in_the_way(entry: ClaimHistoryEntry, names: Names) -> str:
    found = [f"{_who(o.session, names)} with {line(o.resource)} ({o.id})" for o in entry.others[:3]]
    more = f" and {len(entry.others) - 3} more" if len(entry.others) > 3 else ""
    return ", ".join(found) + more


def _waited(entry: ClaimHistoryEntry) -> str:
    return f" after {duration_text(seconds_between(entry.since, entry.at))}" if entry.since else ""


def _granted(entry: ClaimHistoryEntry, names: Names) -> str:
    if entry.rule == 2:
        return f"{_asks(entry, names)} and gets it"
    if entry.rule == 4:
        return f"{_who(entry.session, names)}, who waited, gets it{_waited(entry)}"
    return f"{_who(entry.session, names)} has it from now on"


def _refused(entry: ClaimHistoryEntry, names: Names) -> str:
    way = _in_the_way(entry, names)
    return f"{_asks(entry, names)} and is refused{f': in the way is {way}' if way else ''}"


def _renewed(entry: ClaimHistoryEntry, names: Names) -> str:
    if entry.rule == 2:
        return f"{_asks(entry, names)}, has it already, and so renews it"
    return f"{_who(entry.session, names)} renews it"


def _waiting(entry: ClaimHistoryEntry, names: Names) -> str:
    return f"{_asks(entry, names)} and waits, at most {duration_text(entry.wait_s)}, behind {_in_the_way(entry, names)}"


def _lost(entry: ClaimHistoryEntry, names: Names) -> str:
    way = _in_the_way(entry, names)
    return f"{_who(entry.session, names)} was told that it has it, and has lost it{f' to {way}' if way else ''}"


_STEP_TEXT: dict[str, Callable[[ClaimHistoryEntry, Names], str]] = {
    "granted": _granted,
    "refused": _refused,
    "renewed": _renewed,
    "waiting": _waiting,
    "lost": _lost,
    "accepted": lambda e, names: f"{_who(e.session, names)} takes it up",
    "released": lambda e, names: f"{_who(e.session, names)} gives it back{_waited(e)}",
    "withdrawn": lambda e, names: f"{_who(e.session, names)} waits no longer{_waited(e)}",
    "expired": lambda e, names: f"{_mine(e, names)} runs out{_waited(e)}",
    "lapsed": lambda e, names: f"{_mine(e, names)} lapses: it was not taken up within a minute",
    "timed_out": lambda e, names: f"{_who(e.session, names)} has waited in vain{_waited(e)}",
    "handed_over": lambda e, names: f"{_who(e.session, names)} hands it over, as {e.became}",
    "passed_on": lambda e, names: (
        f"{_mine(e, names)} passes to {_who(e.by, names)}, who goes on for it"
        if e.by != e.session
        else f"{_mine(e, names)} passes from its subagent to itself"
    ),
    "broken": lambda e, names: f"{_who(e.by, names)} breaks {_mine(e, names)}",
    "finished": lambda e, names: f"{_mine(e, names)}, made by a hook, ends{_waited(e)}",
    "bypassed": lambda e, names: f"{_who(e.by, names)} goes ahead all the same, and {_who(e.session, names)} is told",
    "session_ended": lambda e, names: f"{_who(e.session, names)} ends, and with it what it had here",
    "session_dead": lambda e, names: (
        f"{_who(e.by, names)} finds {_who(e.session, names)} dead: what it had here is free"
    ),
    "void": lambda e, names: f"{_who(e.session, names)} could not hand it over, and keeps it",
    "nothing": lambda e, names: f"{_who(e.by, names)} says something about {e.claim or 'it'}, and nothing comes of it",
}


_ENDS = ("released", "expired", "broken", "session_ended", "session_dead", "lapsed", "finished")


# --- what is now ----------------------------------------------------------------------------------------------------


def holders_text(state: State, resources: Sequence[str], now: Instant, names: Names, gone: Names) -> str:
    """Who has what overlaps these resources at `now`, and who waits, a line each; empty if nobody does.

    `gone` has the evidence for holders that are dead, which nobody has recorded yet.
    """

    def on(resource: str) -> bool:
        return any(overlap(resource, wanted) for wanted in resources)

    held = [holder_text(claim, now, names, gone) for claim in state.claims.values() if on(claim.resource)]
    waits = [
        f"{session_label(wait.session, names)} waits for {line(wait.resource)} since {time_text(wait.asked_at, now)}"
        for wait in state.waits.values()
        if on(wait.resource)
    ]
    return "\n".join(held + waits)


def no_holder_text(resources: Sequence[str], entries: Sequence[ClaimHistoryEntry], names: Names) -> str:
    """That nobody has these resources, and who was the last to have one, as their story says."""
    what = f"Nobody has {' or '.join(line(name) for name in resources)}"
    ends = [entry for entry in entries if entry.what in _ENDS and entry.since]
    if not ends:
        return f"{what}, and nobody ever had."
    last = ends[-1]
    had = "it" if any(covers(last.resource, resource) for resource in resources) else line(last.resource)
    until_then = f"{what} now. The last who had {had} was {session_label(last.session, names)}"
    return f"{until_then}, until {time_text(last.at, '', seconds=True)}: {_STEP_TEXT[last.what](last, names)}."


def holder_text(claim: Claim, now: Instant, names: Names, gone: Names) -> str:
    """Who has a claim at `now`, since when and until when; `gone` as in `holders_text`."""
    since = time_text(claim.granted_at, now)
    note = f" — for: {line(claim.note)}" if claim.note else ""
    what = line(claim.resource) + (" (shared)" if claim.mode == "shared" else "")
    holder, end = session_label(claim.session, names), until(claim.ends_at, now, claim.automatic)
    has = f"{holder} has {what} since {since}, {end}{note}"
    dead = line(gone.get(claim.session, ""), 200)
    return f"{has}. But {dead}: it is free with the next claim, heartbeat or message of anyone" if dead else has


def life_lines(seen: HistoryAnalysis, session: str, now: Instant, names: Names, gone: Names) -> Iterator[str]:
    """Where a session was, and what it has: a line for each time that it was here."""
    for life in (life for life in seen.lives if life.session == session):
        begin = f"{session_label(session, names)} was here from {time_text(life.start, now, seconds=True)}"
        if life.end:
            how = _OVER.get(life.how, life.how)
            why = f": {line(life.evidence, 200)}" if life.evidence else ""
            yield f"{begin} until {time_text(life.end, now, seconds=True)}, when it {how}{why} ({life.cause})"
        else:
            dead = f". But {line(gone[session], 200)}" if session in gone else ""
            yield f"{begin} on; last heard {ago(life.last_at, now)}{dead}"
    held = [claim for claim in seen.state.claims.values() if claim.session == session]
    yield "\n".join(holder_text(claim, now, names, {}) for claim in held) or "It holds nothing."


_OVER = {"dead": "was presumed dead", "continued": "was continued", "imported": "was last heard"}


# --- who read what --------------------------------------------------------------------------------------------------


def receipt_lines(found: Receipts, state: State, now: Instant, names: Names) -> list[str]:
    """Who got a message, read it and confirmed it, a line each; and of who has not, what became of it until `now`."""
    if found.message.imported:
        return ["It was imported; who read it was never recorded."]
    rows = [_receipt(row, found, state, now, names) for row in found.rows[:_MOST]]
    rows += [f"… and {len(found.rows) - _MOST} more: --json shows all"] if len(found.rows) > _MOST else []
    rows += [f"{line(name)}: was no session, and nobody got it for it" for name in found.unknown]
    rows += [f"answered by {reply}" for reply in found.replies[:_MOST]]
    return rows or ["Nobody was there to get it."]


_MOST = 20


def _receipt(row: Receipt, found: Receipts, state: State, now: Instant, names: Names) -> str:
    at = time_text(row.at, now, seconds=True) if row.at else ""
    words = {
        "unread": "has not read it",
        "read": f"read it at {at} ({row.by})",
        "passed_on": f"had not read it when {session_label(row.passed_to, names)} went on for it at {at} ({row.by})",
        "dropped": f"ended without having read it, at {at} ({row.by})",
    }[row.status]
    message = found.message.payload
    if row.confirmed_at:
        words += f", confirmed at {time_text(row.confirmed_at, now, seconds=True)} ({row.confirmed_by})"
    elif row.status == "read" and isinstance(message, MessageSent) and message.needs_ack:
        words += ", has not confirmed it"
    if row.status == "read" and row.passed_to:
        words += f"; {session_label(row.passed_to, names)} went on for it"
    elif row.status == "unread" or "not confirmed" in words:
        words += _where_is(state, row.session, now)
    return f"{session_label(row.session, names)}: {words}"


def _where_is(state: State, session: str, now: Instant) -> str:
    """Why a session does nothing any more; empty if it is here."""
    known = state.sessions.get(session)
    how = {"dead": "it was presumed dead", "ended": "it ended", "continued": "another went on for it"}
    said = how.get(known.status) if known else None
    return f": {said} at {time_text(known.over_at, now, seconds=True)}" if known and said else ""
