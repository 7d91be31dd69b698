"""The tooltips of the timeline: one line for each element of the picture, with its events."""

from collections.abc import Sequence

from coord.render.format import Names, duration_text, line, session_label, time_text
from eventlog.events import Instant, seconds_between
from projections.views.intervals.values import ClaimInterval, SessionInterval
from projections.views.timeline.rows import Link, Mark, TimelineMessage

_MARK_TEXT = {
    "died": "{who} was presumed dead",
    "lost": "{who} lost {resource}",
    "broken": "the claim of {who} on {resource} was broken",
    "refused": "{who} was refused {resource}",
    "void": "{who} could not hand over {resource}",
}
_MOST = 5  # event ids or sessions in a line


def span_tooltip(span: ClaimInterval, names: Names) -> str:
    """Return the tooltip of a claim that was held or a request that waited."""
    agent = f" / {line(span.agent)}" if span.agent else ""
    what = "waits for" if span.kind == "wait" else "shares" if span.mode == "shared" else "holds"
    facts = [
        f"from {_time(span.start)}",
        f"to {_time(span.end)}, {duration_text(seconds_between(span.start, span.end))}" if span.end else "still open",
        span.how.replace("_", " ") + (f" ({span.cause})" if span.cause else ""),
        span.note and f"for: {line(span.note)}",
        span.behind and f"behind {', '.join(span.behind[:_MOST])}",
        span.automatic and "by a hook",
    ]
    return _joined(f"{span.id}: {session_label(span.session, names)}{agent} {what} {line(span.resource)}", facts)


def session_tooltip(life: SessionInterval, names: Names) -> str:
    """Return the tooltip of a period in which a session was live."""
    end = f"until {_time(life.end)} ({life.how}, {life.cause})" if life.end else "still live"
    return f"{session_label(life.session, names)}: live from {_time(life.start)}, {end}"


def mark_tooltip(mark: Mark, names: Names) -> str:
    """Return the tooltip of a mark: a refusal, a loss, a break, a failed handover or a death."""
    facts = [
        mark.claim not in ("", mark.id) and f"claim {mark.claim}",
        mark.by not in ("", mark.session) and f"by {session_label(mark.by, names)}",
        mark.others and f"in conflict with {', '.join(mark.others[:_MOST])}",
        mark.words and line(mark.words, 200),
    ]
    what = _MARK_TEXT[mark.kind].format(who=session_label(mark.session, names), resource=line(mark.resource))
    return _joined(f"{mark.id}: {what} at {_time(mark.at)}", facts)


def message_tooltip(sent: TimelineMessage, names: Names) -> str:
    """Return the tooltip of a message."""
    first = [session_label(name, names) for name in sent.to[:_MOST]]
    more = [f"{len(sent.to) - _MOST} more"] if len(sent.to) > _MOST else []
    to = "everyone" if sent.everyone else ", ".join(first + more) or "no session"
    urgent = "❗ " if sent.urgency == "high" else ""
    sender = session_label(sent.session, names)
    return f"{sent.id}: {sender} writes to {to} at {_time(sent.at)}: {urgent}{line(sent.subject)}"


def link_tooltip(link: Link, names: Names) -> str:
    """Return the tooltip of what passed from one session to another."""
    old, new = session_label(link.session, names), session_label(link.to, names)
    if link.kind == "continued":
        return f"{link.id}: {new} continues {old} from {_time(link.at)} on"
    return f"{link.id}: {new} gets {link.claim} from {old} at {_time(link.at)}"


def symbol_tooltip(item: Mark | TimelineMessage, names: Names) -> str:
    """Return the tooltip of what a symbol stands for: a mark or a message."""
    return message_tooltip(item, names) if isinstance(item, TimelineMessage) else mark_tooltip(item, names)


def _joined(head: str, facts: Sequence[object]) -> str:
    return " · ".join([head, *(str(fact) for fact in facts if fact)])


def _time(at: Instant) -> str:
    return time_text(at, "", seconds=True)
