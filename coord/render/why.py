"""Explanations as text: what happened to a claim step by step, when a session was live, who read a message."""

from collections.abc import Callable, Iterator, Sequence

from coord.render.format import FREED_NEXT, Names, ago, duration_text, line, session_label, time_text, until
from eventlog.events import Instant, MessageSent, seconds_between
from projections.rules.resources import covers, overlap
from projections.rules.state import Claim, State
from projections.views.claim_history import ClaimHistoryEntry
from projections.views.intervals.values import SessionInterval
from projections.views.receipts import Receipt, Receipts


def history_lines(entries: Sequence[ClaimHistoryEntry], now: Instant, names: Names, about: str = "") -> list[str]:
    """Return one line for each entry: its time, its event, what happened and by which rule.

    A line also shows what the requester was told if the merged history decided something else. The date is shown only
    if it differs from that of the line before, and the resource only if it is not `about`.
    """
    times, before = [], now
    for entry in entries:
        times.append(time_text(entry.at, before, seconds=True))
        before = entry.at
    width = max(map(len, times), default=0)
    return [f"{time:>{width}}  {_entry_text(entry, names, about)}" for time, entry in zip(times, entries, strict=True)]


def _entry_text(entry: ClaimHistoryEntry, names: Names, about: str) -> str:
    step = step_fields(entry, names, about)
    told = f" · but was told: {step['told']}" if step["told"] else ""
    words = f" — {step['words']}" if step["words"] else ""
    return f"{entry.cause or 'time passes'}  {step['text']} · rule {entry.rule}{told}{words}"


def step_fields(entry: ClaimHistoryEntry, names: Names, about: str = "") -> dict[str, str | int]:
    """Return the parts of an entry's line as the fields of a JSON document.

    `told` is what the requester was told if the merged history decided something else.
    """
    resource = "" if entry.resource in ("", about) else f" [{line(entry.resource)}]"
    as_told = {"renewed": "granted"}.get(entry.what, entry.what) == entry.told
    return {
        "at": entry.at,
        "cause": entry.cause,
        "text": f"{_OUTCOME_TEXT[entry.what](entry, names)}{resource}",
        "rule": entry.rule,
        "told": "" if as_told else entry.told,
        "words": line(entry.words, 160),
    }


def rule_lines(entries: Sequence[ClaimHistoryEntry]) -> list[str]:
    """Return a short text of each rule that decided one of these entries."""
    return [f"rule {rule}: {_RULES[rule]}" for rule in sorted({entry.rule for entry in entries} & _RULES.keys())]


_RULES = {
    2: "a request is granted if no other claim and no earlier request conflicts with it",
    3: "a claim ends when it is released, expires or is broken, when its edit is finished, or when its session ends",
    4: "waiting requests are granted in the order in which they were made; each grant must be accepted within a minute",
    5: "a claim that is handed over goes to the named session, before all waiting requests",
    7: "a change despite another session's claim is recorded, and its holder is notified; the claim stays",
    8: "a session that was told it has a claim loses it if the merged log grants it to another session",
    9: "the claims of a dead session are free",
}
"""The rules that decide about claims, in short. The full text is in docs/explanation/protocol.md."""


def _who(session: str, names: Names) -> str:
    """Return the name of a session, or its id if it has none."""
    return line(names.get(session, ""), 40) or session


def _claim_of(entry: ClaimHistoryEntry, names: Names) -> str:
    return f"{_who(entry.session, names)}'s claim"


def _request(entry: ClaimHistoryEntry, names: Names) -> str:
    """Return who asks, and for how long."""
    shared = " to share it" if entry.mode == "shared" else " for it"
    agent = f" (its subagent {line(entry.agent)})" if entry.agent else ""
    how = "begins to edit it" if entry.automatic else f"asks{shared} for {duration_text(entry.ttl_s)}"
    return f"{_who(entry.session, names)}{agent} {how}"


def _conflicts(entry: ClaimHistoryEntry, names: Names) -> str:
    """Return the claims and requests that conflict with this one, each with its holder."""
    first = [f"{_who(other.session, names)} ({line(other.resource)}, {other.id})" for other in entry.others[:3]]
    more = f" and {len(entry.others) - 3} more" if len(entry.others) > 3 else ""
    return ", ".join(first) + more


def _after(entry: ClaimHistoryEntry, doing: str = "") -> str:
    """Return how long the claim or wait had lasted, as in " after waiting 5 min"."""
    return f" after {doing}{duration_text(seconds_between(entry.since, entry.at))}" if entry.since else ""


def _granted(entry: ClaimHistoryEntry, names: Names) -> str:
    if entry.rule == 2:
        return f"{_request(entry, names)} and gets it"
    if entry.rule == 4:
        return f"{_who(entry.session, names)} gets it{_after(entry, 'waiting ')}"
    return f"{_who(entry.session, names)} receives it"


def _refused(entry: ClaimHistoryEntry, names: Names) -> str:
    others = _conflicts(entry, names)
    return f"{_request(entry, names)} and is refused{f': it conflicts with {others}' if others else ''}"


def _renewed(entry: ClaimHistoryEntry, names: Names) -> str:
    if entry.rule == 2:
        return f"{_request(entry, names)}, already has it, and renews it"
    return f"{_who(entry.session, names)} renews it"


def _waiting(entry: ClaimHistoryEntry, names: Names) -> str:
    limit = duration_text(entry.wait_s)
    return f"{_request(entry, names)} and waits, at most {limit}, behind {_conflicts(entry, names)}"


def _lost(entry: ClaimHistoryEntry, names: Names) -> str:
    others = _conflicts(entry, names)
    return (
        f"{_who(entry.session, names)} was told that it had the claim, but loses it{f' to {others}' if others else ''}"
    )


_OUTCOME_TEXT: dict[str, Callable[[ClaimHistoryEntry, Names], str]] = {
    "granted": _granted,
    "refused": _refused,
    "renewed": _renewed,
    "waiting": _waiting,
    "lost": _lost,
    "accepted": lambda e, names: f"{_who(e.session, names)} accepts it",
    "released": lambda e, names: f"{_who(e.session, names)} releases it{_after(e)}",
    "withdrawn": lambda e, names: f"{_who(e.session, names)} stops waiting{_after(e)}",
    "expired": lambda e, names: f"{_claim_of(e, names)} expires{_after(e)}",
    "lapsed": lambda e, names: f"{_claim_of(e, names)} lapses: it was not accepted within a minute",
    "timed_out": lambda e, names: f"{_who(e.session, names)}'s wait times out{_after(e)}",
    "handed_over": lambda e, names: f"{_who(e.session, names)} hands it over",
    "passed_on": lambda e, names: (
        f"{_claim_of(e, names)} passes to {_who(e.by, names)}, which continues that session"
        if e.by != e.session
        else f"{_claim_of(e, names)} passes from its subagent to the session"
    ),
    "broken": lambda e, names: f"{_who(e.by, names)} breaks {_claim_of(e, names)}",
    "yielded": lambda e, names: (
        f"{_claim_of(e, names)} was provisional, and ends because {_who(e.by, names)} agreed with all machines"
    ),
    "finished": lambda e, names: f"{_claim_of(e, names)}, made by a hook, ends{_after(e)}",
    "bypassed": lambda e, names: (
        f"{_who(e.by, names)} bypasses {_claim_of(e, names)}, and {_who(e.session, names)} is told"
    ),
    "session_ended": lambda e, names: f"{_who(e.session, names)} ends, so its claim or request ends",
    "session_dead": lambda e, names: (
        f"{_who(e.by, names)} records that {_who(e.session, names)} is dead, so its claim or request ends"
    ),
    "void": lambda e, names: f"{_who(e.session, names)} could not hand it over, and keeps it",
    "nothing": lambda e, names: f"an event of {_who(e.by, names)} about {e.claim or 'it'} has no effect",
}


_ENDS = ("released", "expired", "broken", "session_ended", "session_dead", "lapsed", "finished", "yielded")


# --- who holds it now ------------------------------------------------------------------------------------------------


def holders_text(state: State, resources: Sequence[str], now: Instant, names: Names, gone: Names) -> str:
    """Return a line for each claim and each waiting request whose resource overlaps one of these.

    `gone` is the evidence, by session, that a holder is dead although no event has recorded it yet.
    """

    def overlaps(resource: str) -> bool:
        return any(overlap(resource, wanted) for wanted in resources)

    held = [holder_text(claim, now, names, gone) for claim in state.claims.values() if overlaps(claim.resource)]
    waits = [
        f"{session_label(wait.session, names)} has waited for {line(wait.resource)} "
        f"since {time_text(wait.asked_at, now)}{f'. But {gone[wait.id]}: {FREED_NEXT}' if wait.id in gone else ''}"
        for wait in state.waits.values()
        if overlaps(wait.resource)
    ]
    return "\n".join(held + waits)


def no_holder_text(resources: Sequence[str], entries: Sequence[ClaimHistoryEntry], names: Names) -> str:
    """Return a sentence that nobody holds these resources, with the last holder according to `entries`."""
    what = f"Nobody holds {' or '.join(line(name) for name in resources)}"
    ends = [entry for entry in entries if entry.what in _ENDS and entry.since]
    if not ends:
        return f"{what}, and nobody ever has."
    last = ends[-1]
    same = any(covers(last.resource, resource) for resource in resources)
    held = "" if same else f" of {line(last.resource)}"
    holder = f"{what} now. The last holder{held} was {session_label(last.session, names)}"
    return f"{holder}, until {time_text(last.at, '', seconds=True)}: {_OUTCOME_TEXT[last.what](last, names)}."


def holder_text(claim: Claim, now: Instant, names: Names, gone: Names) -> str:
    """Return who holds a claim, since when and until when; `gone` as in `holders_text`."""
    since = time_text(claim.granted_at, now)
    note = f" — for: {line(claim.note)}" if claim.note else ""
    what = line(claim.resource) + (" (shared)" if claim.mode == "shared" else "")
    holder, end = session_label(claim.session, names), until(claim.ends_at, now, claim.automatic)
    text = f"{holder} has held {what} since {since}, {end}{note}"
    dead = line(gone.get(claim.session, ""), 200)
    return f"{text}. But {dead}: {FREED_NEXT}" if dead else text


def life_lines(
    lives: Sequence[SessionInterval], state: State, session: str, now: Instant, names: Names, gone: Names
) -> Iterator[str]:
    """Yield a line for each period in which a session was live, then one for each claim that it holds."""
    for life in lives:
        label, start = session_label(session, names, full=True), time_text(life.start, now, seconds=True)
        if life.end:
            how = _LIFE_END.get(life.how, life.how)
            why = f": {line(life.evidence, 200)}" if life.evidence else ""
            end = time_text(life.end, now, seconds=True)
            yield f"{label} was live from {start} until {end}, when it {how}{why} ({life.cause})"
        else:
            dead = f". But {line(gone[session], 200)}" if session in gone else ""
            yield f"{label} has been live since {start}; last seen {ago(life.last_at, now)}{dead}"
    held = [claim for claim in state.claims.values() if claim.session == session]
    yield "\n".join(holder_text(claim, now, names, {}) for claim in held) or "It holds nothing."


_LIFE_END = {"dead": "was presumed dead", "continued": "was continued", "imported": "wrote its last event"}


# --- who read what --------------------------------------------------------------------------------------------------


def receipt_lines(receipts: Receipts, state: State, now: Instant, names: Names) -> list[str]:
    """Return a line for each recipient of a message: whether it read and confirmed it, and if not, why."""
    if receipts.message.imported:
        return ["It was imported; the log does not show who read it."]
    rows = [_receipt(row, receipts, state, now, names) for row in receipts.rows[:_MOST]]
    hidden = len(receipts.rows) - _MOST
    rows += [f"… and {hidden} more: coord why {receipts.message.id} --json"] if hidden > 0 else []
    rows += [f"{line(name)}: is not a session; nobody received the message for it" for name in receipts.unknown]
    rows += [f"answered by {reply}" for reply in receipts.replies[:_MOST]]
    if receipts.resolved:
        note = f": {line(receipts.resolution, 200)}" if receipts.resolution else ""
        rows.append(f"closed by {session_label(receipts.resolved_by, names)} ({receipts.resolved}){note}")
    return rows or ["No session was live to receive it."]


_MOST = 20


def _receipt(row: Receipt, receipts: Receipts, state: State, now: Instant, names: Names) -> str:
    at = time_text(row.at, now, seconds=True) if row.at else ""
    words = {
        "unread": "has not read it",
        "read": f"read it at {at} ({row.by})",
        "passed_on": f"had not read it when {session_label(row.passed_to, names)} continued it at {at} ({row.by})",
        "dropped": f"ended at {at} without reading it ({row.by})",
    }[row.status]
    message = receipts.message.payload
    if row.confirmed_at:
        words += f", confirmed at {time_text(row.confirmed_at, now, seconds=True)} ({row.confirmed_by})"
    elif row.status == "read" and isinstance(message, MessageSent) and message.needs_ack and not receipts.resolved:
        words += ", has not confirmed it"
    if row.status == "read" and row.passed_to:
        words += f"; {session_label(row.passed_to, names)} continued it"
    elif row.status == "unread" or "not confirmed" in words:
        words += _status(state, row.session, now)
    return f"{session_label(row.session, names)}: {words}"


def _status(state: State, session: str, now: Instant) -> str:
    """Return why a session no longer reads its messages; empty if it is live."""
    known = state.sessions.get(session)
    how = {"dead": "it was presumed dead", "ended": "it ended", "continued": "another session continued it"}
    reason = how.get(known.status) if known else None
    return f": {reason} at {time_text(known.over_at, now, seconds=True)}" if known and reason else ""
