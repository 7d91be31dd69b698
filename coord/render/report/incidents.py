"""The rows of a report about what needs attention and what went wrong, each with its time and its events."""

from collections.abc import Callable

from coord.render.needs import need_line, step_lines
from coord.render.report.rows import FEW_DETAILS, ReportRow, ReportStyle, event_ids
from projections.views.activity import ReportItem
from projections.views.deaths import Death
from projections.views.needs import Need
from projections.views.report import Report, Unanswered


def need_rows(report: Report, style: ReportStyle) -> list[ReportRow]:
    """Return what needs attention; of several needs of one kind and session, the oldest and their number."""
    groups: dict[tuple[str, str], list[Need]] = {}
    for number, need in enumerate(need for need in report.needs if need.kind != "journal"):
        groups.setdefault((need.kind, need.session or str(number)), []).append(need)
    rows = []
    for needs in groups.values():
        more = f" (and {len(needs) - 1} more like this)" if len(needs) > 1 else ""
        steps = step_lines(needs[0], "", report.names, style.escape, style.code)
        text = need_line(needs[0], report.until, report.names, style.escape)
        rows.append(ReportRow(text + more, [f"→ {step}" for step in steps]))
    return rows


def death_row(death: Death, style: ReportStyle) -> ReportRow:
    """Return a session that was presumed dead, and what became of its claims and of the session."""
    why = style.escape(death.evidence, 200) or "no evidence given"
    text = f"{style.at(death.at)} {style.who(death.session)}: {why}, noticed by {style.who(death.by)} ({death.event})"
    rows = []
    for item in death.held[:FEW_DETAILS]:
        got = f"it went at once to {style.people(item.others)}" if item.others else "nobody waited for it"
        rows.append(f"held {style.escape(item.what, 120)}: {got} ({item.events[-1]})")
    hidden = len(death.held) - FEW_DETAILS
    rows += [f"… and {hidden} more that it held: coord why {death.event}"] if hidden > 0 else []
    if death.back:
        rows.append(_return_text(death, style))
    return ReportRow(text, rows)


def _return_text(death: Death, style: ReportStyle) -> str:
    """Return when a session that was presumed dead came back, and whether it read that."""
    without = " without the claims that it had held" if death.held else ""
    if death.told_at:
        read = f"; at {style.at(death.told_at)} it read that it had been presumed dead"
    else:
        read = f", was last seen {style.at(death.last_at)}, and did not read that it had been presumed dead"
    return f"came back {style.at(death.back_at)}{without}{read} ({death.back})"


def loss_text(item: ReportItem, style: ReportStyle) -> str:
    """Return a claim that was reported as granted, but that the merged log gives to another session."""
    to = f" to {style.who(item.others[0])}" if item.others else ""
    what, why = style.escape(item.what, 120), style.escape(item.words, 200)
    return f"{style.at(item.at)} {style.who(item.session)} lost {what}{to}: {why}{event_ids(item)}"


def break_text(item: ReportItem, style: ReportStyle) -> str:
    """Return a claim that another session ended."""
    by, what = style.who(item.others[0]), style.escape(item.what, 120)
    why = style.escape(item.words, 200) or "no reason given"
    return f"{style.at(item.at)} {by} broke {style.who(item.session)}'s claim on {what}: {why}{event_ids(item)}"


def expiry_text(item: ReportItem, style: ReportStyle) -> str:
    """Return a claim that expired, or a grant that was not accepted in time."""
    what = f"{style.escape(item.what, 120)} of {style.who(item.session)}"
    if item.kind == "lapsed":
        return f"{style.at(item.until)} {what}: granted after a wait, but not accepted{event_ids(item)}"
    return f"{style.at(item.until)} {what}, held for {style.lasted(item)}{event_ids(item)}"


def refusal_text(item: ReportItem, style: ReportStyle) -> str:
    """Return a request that was refused, once or several times."""
    last = f" until {style.at(item.until)}" if style.at(item.until or item.at) != style.at(item.at) else ""
    count = f", {len(item.events)} times{last}" if item.until else ""
    verb = "was" if len(item.others) == 1 else "were"
    others = f": {style.people(item.others)} {verb} first" if item.others else ""
    who, what = style.who(item.session), style.escape(item.what, 120)
    return f"{style.at(item.at)} {who} wanted {what}{count}{others}{event_ids(item)}"


def unanswered_text(message: Unanswered, style: ReportStyle) -> str:
    """Return a message that nobody answered, and who has not read it."""
    to = "everyone" if message.everyone else ", ".join(style.who(name) for name in message.to)
    subject = ("❗ " if message.urgency == "high" else "") + f"“{style.escape(message.subject, 100)}”"
    unread = f"not read by {style.people(message.unread_by)}" if message.unread_by else "read"
    status = unread if message.unread_by or message.read_by else "received by nobody"
    asks = ", asks for a confirmation" if message.needs_ack else ""
    sender = style.who(message.session)
    return f"{style.at(message.at)} {sender} to {to}: {subject} · {status}{asks} ({message.event})"


_WAIT_ENDS = {
    "granted": "then granted",
    "timed_out": "not granted in time",
    "withdrawn": "then withdrawn",
    "session_ended": "until its session ended",
    "session_dead": "until its session died",
    "": "still waiting",
}


def blocked_text(item: ReportItem, style: ReportStyle) -> str:
    """Return what a session was blocked on, how long, and until when."""
    what = style.escape(item.words, 120)
    return f"{style.lasted(item)}: {style.who(item.session)} on {what}, until {style.at(item.until)}{event_ids(item)}"


def wait_text(item: ReportItem, style: ReportStyle) -> str:
    """Return a request that waited, and how the wait ended."""
    behind = f" behind {style.people(item.others)}" if item.others else ""
    end = _WAIT_ENDS.get(item.words, f"until {item.words}")
    who, what = style.who(item.session), style.escape(item.what, 120)
    return f"{style.lasted(item)}: {who} for {what}{behind}, {end}{event_ids(item)}"


def text_rows(
    items: list[ReportItem], text: Callable[[ReportItem, ReportStyle], str], style: ReportStyle
) -> list[ReportRow]:
    """Return one row for each item."""
    return [ReportRow(text(item, style)) for item in items]
