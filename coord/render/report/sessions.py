"""The section of a report about the sessions: what each one did, finished and left."""

from collections.abc import Iterable, Mapping

from coord.render.format import ago, period_text, plural, session_label
from coord.render.report.rows import FEW_DETAILS, MOST_ROWS, ReportRow, ReportStyle, Section
from projections.rules.liveness import doing_text
from projections.views.activity import ActivityPeriod, ReportItem, SessionActivity

_MOST_SESSIONS = 8
_FEW_SESSIONS, _MORE_DETAILS = 4, 6  # with few sessions there is room for more details of each


def sessions_section(activities: list[SessionActivity], style: ReportStyle, limit: int | None) -> Section:
    """Return the sessions, the last seen first. Those without news share one row."""
    quiet = [one for one in activities if not one.events and not any(item.kind != "unread" for item in one.left)]
    active = [one for one in activities if one not in quiet]
    most = _MORE_DETAILS if len(active) <= _FEW_SESSIONS else FEW_DETAILS
    shown = limit or _MOST_SESSIONS
    rows = [ReportRow(_head(one, style), _details(one, most, style)) for one in active[:shown]]
    if quiet:
        names, last = style.people([one.id for one in quiet], MOST_ROWS), ago(quiet[0].last_at, style.now)
        rows.append(ReportRow(f"no events in this period: {names}; the last of them was seen {last}"))
    return Section("👥", "Sessions", rows, min(shown, len(active)), max(0, len(active) - shown))


def _head(activity: SessionActivity, style: ReportStyle) -> str:
    """Return a session's name, where it runs, and its status."""
    escape = style.escape
    evidence = f" ({escape(activity.evidence, 200)})" if activity.evidence else ""
    last_seen = style.at(activity.last_at)
    ended = style.at(activity.over_at) if activity.over_at else last_seen
    statuses = {
        "live": f"live, last seen {ago(activity.last_at, style.now)}",
        "silent": f"silent since {last_seen}{evidence}",
        "dead": f"dead since {ended}{evidence}" if activity.over_at else f"dead{evidence}, last seen {last_seen}",
        "continued": f"{escape(activity.evidence, 200)}, {ended}",
        "ended": f"ended {ended}{evidence}",
    }
    branch = f" on {escape(activity.branch, 60)}" if activity.branch else ""
    status = statuses.get(activity.status, f"{activity.status}, last seen {last_seen}")
    client = escape(activity.client or "unknown client", 40)
    return f"{escape(session_label(activity.id, style.names, full=True), 120)} · {client}{branch} · {status}"


def _details(activity: SessionActivity, most: int, style: ReportStyle) -> list[str]:
    """Return what a session did, finished and left, with at most `most` rows or items of each."""
    hidden = len(activity.doing) - most
    rows = [f"… and {hidden} earlier: coord log --session {activity.id}"] if hidden > 0 else []
    rows += [_period(period, style) for period in activity.doing[-most:]]
    if activity.events and not activity.doing:
        rows.append(f"reported nothing about its work ({plural(activity.events, 'event')})")
    rows += _item_rows("finished", _FINISHED, activity.finished, most, style)
    ended = [item for item in activity.left if item.kind == "held"]
    rows += _item_rows("left", _LEFT, ended, most, style)
    open_items = [item for item in activity.left if item.kind != "held"]
    title = "now" if activity.status in ("live", "silent") else "left"
    return rows + _item_rows(title, _LEFT, open_items, most, style)


def _period(period: ActivityPeriod, style: ReportStyle) -> str:
    """Return a period and what the session reported to be doing in it."""
    phases = " → ".join(style.escape(phase, 60) for phase in period.phases[-3:])
    changed = period.began not in ("", period.progress)
    progress = f"{period.began} → {period.progress}" if changed else period.progress
    facts = [style.escape(doing_text(period.action, period.target), 120), phases, style.escape(progress, 80)]
    doing = " · ".join(fact for fact in facts if fact)
    when = period_text(period.at, period.until, period.until if style.within_a_day else style.now)
    return f"{when}  {doing} ({period.event})"


def _item_rows(
    title: str, words: Mapping[str, str], items: Iterable[ReportItem], most: int, style: ReportStyle
) -> list[str]:
    """Return one row for each kind of item, so that a hundred released files take one row."""
    rows = []
    by_kind: dict[str, list[ReportItem]] = {}
    for item in items:
        by_kind.setdefault(item.kind if item.kind != "held" else f"held {item.words}", []).append(item)
    for kind, alike in by_kind.items():
        shown = [_item_text(item, style) for item in (alike if kind == "unread" else alike[-most:])]
        more = f" and {len(alike) - len(shown)} more" if len(alike) > len(shown) else ""
        word = words.get(kind, kind)
        rows.append(f"{title}: {word + ' ' if word else ''}{', '.join(shown)}{more}")
    return rows


def _item_text(item: ReportItem, style: ReportStyle) -> str:
    """Return one item with its event: its last, or the one that ended a claim."""
    if item.kind == "unread":
        noun, about = _UNREAD[item.what]
        return f"{plural(int(item.words), noun)}{about} ({item.events[-1]})"
    words = f"{_WORDS_AFTER[item.kind]}{item.words}" if item.words and item.kind in _WORDS_AFTER else ""
    parts = [style.escape(item.what, 120), item.others and f"to {style.who(item.others[0])}", style.escape(words, 300)]
    event = item.events[-1 if item.kind == "held" else 0] if item.events else ""
    return " ".join(part for part in parts if part) + (f" ({event})" if event else "")


_WORDS_AFTER = {"summary": "", "handed_over": "— ", "notes": "", "blocked": "", "next": ""}
"""The kinds whose `words` are shown, and what is written before these."""
_FINISHED = {"summary": "", "complete": "100 % of", "released": "released", "handed_over": "handed over"}
_LEFT = {
    "holds": "holds",
    "held session_ended": "held when it ended:",
    "held session_dead": "held when it died:",
    "held passed_on": "passed on",
    "held expired": "let expire",
    "held lapsed": "did not accept",
    "held broken": "held until it was broken:",
    "notes": "notes:",
    "blocked": "blocked on",
    "next": "next:",
    "unread": "not read:",
}
_UNREAD = {
    "message": ("message", ""),
    "lost": ("notice", " that it lost a claim"),
    "broken": ("notice", " that one of its claims was broken"),
    "expired": ("notice", " that a claim expired"),
    "handed_over": ("notice", " that a claim was handed over to it"),
    "not_handed_over": ("notice", " that a claim could not be handed over"),
    "presumed_dead": ("notice", " that it was presumed dead"),
    "passed_on": ("notice", " that another session continues it"),
    "bypassed": ("notice", " that one of its claims was bypassed"),
    "copied": ("notice", " that another session has the same conversation"),
}
