"""A difference in words: what `coord diff` prints of two moments, and `coord replay` of each step.

The signs are those of every diff: `+` for what came, `-` for what is gone, `~` for what is not as it was. Where a rule
decided it, the event that brought it about is named.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from coord.render.format import line, session_label, time_text
from eventlog.events import Event, EventId, Instant, MessageSent
from projections.rules.state import Decision, DecisionKind, Notice
from projections.views.state_diff import Difference, FactKind, Facts, FactValue, diff_facts

BeforeAfter = tuple[FactValue | None, FactValue | None]
ChangedFields = dict[str, BeforeAfter]

TITLES: dict[FactKind, str] = {"session": "SESSIONS", "claim": "CLAIMS", "wait": "WAITING", "message": "MESSAGES"}
_SESSION = {
    "name": "is called", "client": "runs in", "continues": "goes on for", "doing": "does", "phase": "phase",
    "progress": "progress", "next_action": "next", "blocked_on": "blocked on", "files": "files",
    "estimated_completion": "done by", "summary": "did", "notes": "notes", "branch": "on branch",
    "worktree": "works in", "capabilities": "can", "agents": "has the subagents",
}  # fmt: skip
_ENDED: dict[DecisionKind, str] = {
    "released": "released",
    "withdrawn": "withdrawn",
    "expired": "it expired",
    "lapsed": "not taken up in time",
    "timed_out": "not granted in time",
    "handed_over": "handed over",
    "broken": "broken",
    "finished": "its edit was done with",
    "session_ended": "its session ended",
    "session_dead": "its session was presumed dead",
    "granted": "granted",
}


class DiffContext(Struct, frozen=True):
    """What the words need to know beside the facts: the sessions' names and the messages' subjects, by id."""

    names: Mapping[str, str]
    subjects: Mapping[EventId, str]


def subjects_in(events: Iterable[Event]) -> dict[EventId, str]:
    """The subjects of the messages among these events, by id."""
    return {event.id: event.payload.subject for event in events if isinstance(event.payload, MessageSent)}


def diff_document(change: Difference) -> list[dict[str, object]]:
    """A difference for a JSON document: null where there was or is nothing."""
    return [
        {"kind": kind, "id": name, "field": field, "old": old, "new": new}
        for (kind, name, field), (old, new) in change.items()
    ]


def diff_lines(
    before: Facts, after: Facts, decisions: Sequence[Decision], known: DiffContext, now: Instant
) -> dict[FactKind, list[str]]:
    """What is different, in words, by kind of thing; `decisions` are those of the time between."""
    things: dict[tuple[FactKind, str], ChangedFields] = {}
    for (kind, name, field), pair in diff_facts(before, after).items():
        things.setdefault((kind, name), {})[field] = pair
    words = _DiffWriter(before, after, decisions, known, now)
    lines: dict[FactKind, list[str]] = {kind: [] for kind in TITLES}
    for (kind, name), fields in things.items():
        row = getattr(words, kind)(name, fields)
        if row:
            lines[kind].append(row)
    return lines


class _DiffWriter:
    """A line for each thing that is different. The methods bear the names of the kinds of things."""

    def __init__(
        self, before: Facts, after: Facts, decisions: Sequence[Decision], known: DiffContext, now: Instant
    ) -> None:
        self.before, self.after, self.known, self.now = before, after, known, now
        self.ended = {d.claim: d for d in decisions if d.what in _ENDED and d.what != "granted"}
        self.granted = {d.claim: d for d in decisions if d.what == "granted"}
        self.passed = {last: name for name in self.gone() if (last := self.end_of(name)) != name}
        """Of a claim that was handed over: by its new id, the one that it had."""

    def gone(self) -> list[str]:
        """The claims that are no longer there."""
        return [name for kind, name, field in self.before
                if (kind, field) == ("claim", "session") and ("claim", name, "session") not in self.after]  # fmt: skip

    def end_of(self, name: str) -> str:
        """What a claim has become by being handed over, however often; itself if that is gone as well."""
        last = name
        while (done := self.ended.get(last)) and done.what == "handed_over":
            last = done.others[0]
        return last if ("claim", last, "session") in self.after else name

    def fact(self, kind: FactKind, name: str, field: str) -> str:
        """A property of a claim or a wait, as it is now; as it was, if it is gone."""
        value = self.after.get((kind, name, field)) or self.before.get((kind, name, field)) or ""
        return value if isinstance(value, str) else ""

    def who(self, session: FactValue | None) -> str:
        return session_label(str(session or ""), self.known.names)

    def time(self, at: FactValue | None) -> str:
        return time_text(str(at), self.now) if at else "?"

    def session(self, name: str, fields: ChangedFields) -> str:
        old, new = fields.get("status", ("", ""))
        because = self.fact("session", name, "over_because")
        why = f" ({line(because, 200)})" if because and new else ""
        parts = (
            [f"{old} → {new}{why}"]
            if old
            else []
            if new in ("live", "")
            else ["imported"]
            if new == "imported"
            else [f"is {new} now{why}"]
        )
        if new and not old:
            fields = {field: pair for field, pair in fields.items() if field != "name"}  # `who` says it
        parts += [_changed(words, fields[field], self.who if field == "continues" else _shown)
                  for field, words in _SESSION.items() if field in fields]  # fmt: skip
        parts += _told(fields.get("notices", (None, None)))
        if not parts and "status" not in fields:
            return ""
        sign, comes = ("+", " comes") if new and not old else ("~", "")
        return f"{sign} {self.who(name)}{comes}{': ' if parts else ''}{' · '.join(parts)}"

    def claim(self, name: str, fields: ChangedFields) -> str:
        resource, holder = line(self.fact("claim", name, "resource")), self.who(self.fact("claim", name, "session"))
        if "resource" not in fields:
            return f"~ {resource}: {' · '.join(self.of_claim(name, fields))}"
        if fields["resource"][1] is None:
            if name in self.passed.values():
                return ""
            return f"- {resource}: {holder} no longer holds it{_because(self.ended.get(name))}"
        agent, note = self.fact("claim", name, "agent"), self.fact("claim", name, "note")
        facts = [
            f"until {self.time(fields['ends_at'][1])}",
            "shared" if self.fact("claim", name, "mode") == "shared" else "",
            "not yet taken up" if "accept_by" in fields else "",
            f"for: {line(note)}" if note else "",
        ]
        told = " · ".join(fact for fact in facts if fact)
        if name in self.passed:
            giver = self.who(self.before["claim", self.passed[name], "session"])
            return f"~ {resource}: handed over from {giver} to {holder} ({name}) · {told}"
        got = self.granted.get(name)
        why = f", granted after waiting ({name})" if got and got.rule == 4 else f" ({name})"
        return f"+ {resource}: {holder}{f' / {line(agent)}' if agent else ''} holds it{why} · {told}"

    def of_claim(self, name: str, fields: ChangedFields) -> list[str]:
        """What changed about a claim that is still there."""
        parts = []
        if "session" in fields:
            got = self.granted.get(name)
            parts.append(f"passes from {self.who(fields['session'][0])} to {self.who(fields['session'][1])}{_by(got)}")
        else:
            parts.append(self.who(self.fact("claim", name, "session")))
        if "accept_by" in fields:
            parts.append("taken up")
        if "ends_at" in fields:
            old, new = fields["ends_at"]
            parts.append(f"until {self.time(old)} → {self.time(new)}")
        return parts

    def wait(self, name: str, fields: ChangedFields) -> str:
        resource, asks = line(self.fact("wait", name, "resource")), self.who(self.fact("wait", name, "session"))
        if fields.get("resource", ("", ""))[1] is not None:
            return f"+ {resource}: {asks} waits for it until {self.time(self.fact('wait', name, 'until'))} ({name})"
        found = self.ended.get(name) if name not in self.granted else self.granted[name]
        return f"- {resource}: {asks} no longer waits for it{_because(found)}"

    def message(self, name: str, fields: ChangedFields) -> str:
        parts = []
        for field, missing, done in (
            ("unread_by", "unread by", "read by"),
            ("unacknowledged_by", "to be confirmed by", "confirmed by"),
        ):
            old, new = (set(map(str, value or ())) for value in fields.get(field, (None, None)))
            gone = {session for session in old - new if not self.is_live(session)}  # it need not have read it
            for words, some in ((missing, new - old), (done, old - new - gone), (f"no longer {missing}", gone)):
                if some:
                    parts.append(f"{words} {list_first([self.who(session) for session in sorted(some)])}")
        subject = line(self.known.subjects.get(name, ""), 80)
        is_new = fields.get("unread_by", ("", ""))[0] is None
        return f"{'+' if is_new else '~'} {name}{f' “{subject}”' if subject else ''}: {' · '.join(parts)}"

    def is_live(self, session: str) -> bool:
        return self.after.get(("session", session, "status")) == "live"


def _changed(words: str, pair: BeforeAfter, show: Callable[[FactValue], str]) -> str:
    old, new = (show(value) if value else "" for value in pair)
    return f"{words}: {old} → {new or 'nothing'}" if old else f"{words}: {new}"


def _shown(value: FactValue) -> str:
    return line(value) if isinstance(value, str) else list_first([line(str(part)) for part in value])


def list_first(parts: Sequence[str]) -> str:
    """The first of several, and how many more there are."""
    return ", ".join(parts[:5]) + (f" and {len(parts) - 5} more" if len(parts) > 5 else "")


def _told(pair: BeforeAfter) -> list[str]:
    """What a session has still to be told, and what it has been told."""
    old, new = (dict.fromkeys(value or ()) for value in pair)
    parts = [("has to be told", [notice for notice in new if notice not in old])]
    parts.append(("was told", [notice for notice in old if notice not in new]))
    return [f"{words}: {list_first([_notice(notice) for notice in some])}" for words, some in parts if some]


def _notice(notice: object) -> str:
    assert isinstance(notice, Notice)
    resources = list_first([line(resource) for resource in notice.resources])
    return f"{resources} {notice.kind.replace('_', ' ')} ({notice.id})".lstrip()


def _because(decision: Decision | None) -> str:
    return f": {_ENDED[decision.what]}{_by(decision)}" if decision else ""


def _by(decision: Decision | None) -> str:
    return f" ({decision.cause})" if decision and decision.cause else ""
