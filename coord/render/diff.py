"""The difference between two states as text: for `coord diff`, and for each step of `coord replay`.

A line begins with `+` for a new fact, `-` for one that is gone, or `~` for one that changed. If a rule decided the
change, the line names the event that caused it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from coord.render.events import names_in
from coord.render.format import Names, eta_text, line, list_first, session_label, time_text
from eventlog.events import Event, EventId, Instant, MessageResolved, MessageSent
from projections.rules.state import Decision, DecisionKind, Notice
from projections.views.state_diff import Difference, FactKind, Facts, FactValue, diff_facts

BeforeAfter = tuple[FactValue | None, FactValue | None]
ChangedFields = dict[str, BeforeAfter]

TITLES: dict[FactKind, str] = {"session": "SESSIONS", "claim": "CLAIMS", "wait": "WAITING", "message": "MESSAGES"}
_SESSION = {
    "name": "name", "client": "client", "continues": "continues", "doing": "doing", "phase": "phase",
    "progress": "progress", "next_action": "next", "blocked_on": "blocked on", "files": "files",
    "estimated_completion": "done by", "summary": "did", "notes": "notes", "branch": "branch",
    "worktree": "worktree", "capabilities": "capabilities", "agents": "subagents",
}  # fmt: skip
_ENDED: dict[DecisionKind, str] = {
    "released": "released",
    "withdrawn": "withdrawn",
    "expired": "it expired",
    "lapsed": "not accepted in time",
    "timed_out": "not granted in time",
    "handed_over": "handed over",
    "broken": "broken",
    "yielded": "it was provisional, and another session got it",
    "finished": "its edit was finished",
    "session_ended": "its session ended",
    "session_dead": "its session was presumed dead",
    "granted": "granted",
}


class DiffContext(Struct, frozen=True):
    """What the text needs beside the facts: the names of sessions, the subjects of messages, and which of the messages
    were closed, with the session that closed each.

    `shown` is the event that the reader sees above the lines, so they do not name it again.
    """

    names: Names
    subjects: Mapping[EventId, str]
    closed: Mapping[EventId, str]
    shown: EventId = ""


def diff_context(events: Sequence[Event]) -> DiffContext:
    """Return what these events say about sessions and messages."""
    return DiffContext(names_in(events), subjects_in(events), closed_in(events))


def closed_in(events: Iterable[Event]) -> dict[EventId, str]:
    """Return the messages that were closed in these events, with the session that closed each last."""
    return {name: e.actor for e in events if isinstance(e.payload, MessageResolved) for name in e.payload.messages}


def subjects_in(events: Iterable[Event]) -> dict[EventId, str]:
    """Return the subjects of the messages among these events, by message id."""
    return {event.id: event.payload.subject for event in events if isinstance(event.payload, MessageSent)}


def diff_document(difference: Difference) -> list[dict[str, object]]:
    """Return a difference for a JSON document; `old` or `new` is null where a fact is only in the other state."""
    return [
        {"kind": kind, "id": name, "field": field, "old": old, "new": new}
        for (kind, name, field), (old, new) in difference.items()
    ]


def diff_lines(
    before: Facts, after: Facts, decisions: Sequence[Decision], known: DiffContext, now: Instant
) -> dict[FactKind, list[str]]:
    """Return one line for each session, claim, wait and message that differs, by kind.

    `decisions` are those made between the two states.
    """
    changed: dict[tuple[FactKind, str], ChangedFields] = {}
    for (kind, name, field), pair in diff_facts(before, after).items():
        changed.setdefault((kind, name), {})[field] = pair
    writer = _DiffWriter(before, after, decisions, known, now)
    lines: dict[FactKind, list[str]] = {kind: [] for kind in TITLES}
    for (kind, name), fields in changed.items():
        row = getattr(writer, kind)(name, fields)
        if row:
            lines[kind].append(row)
    return lines


def change_style(row: str) -> str:
    """Return the style of a line of `diff_lines`, by its sign."""
    return {"+": "good", "-": "bad"}.get(row[:1], "")


class _DiffWriter:
    """Writes the lines. For each `FactKind` there is a method with the same name, which returns one line."""

    def __init__(
        self, before: Facts, after: Facts, decisions: Sequence[Decision], known: DiffContext, now: Instant
    ) -> None:
        self.before, self.after, self.known, self.now = before, after, known, now
        self.ended = {d.claim: d for d in decisions if d.what in _ENDED and d.what != "granted"}
        self.granted = {d.claim: d for d in decisions if d.what == "granted"}
        self.passed = {last: name for name in self.gone() if (last := self.successor(name)) != name}
        """The earlier id of each claim that was handed over, by its present id."""

    def gone(self) -> list[str]:
        """Return the claims that are only in the earlier state."""
        return [name for kind, name, field in self.before
                if (kind, field) == ("claim", "session") and ("claim", name, "session") not in self.after]  # fmt: skip

    def successor(self, name: str) -> str:
        """Return the claim that this one became after all handovers, or its own id if that claim is gone too."""
        last = name
        while (done := self.ended.get(last)) and done.what == "handed_over":
            last = done.others[0]
        return last if ("claim", last, "session") in self.after else name

    def fact(self, kind: FactKind, name: str, field: str) -> str:
        """Return a field of a session, claim or wait from the later state, or from the earlier one if it is gone."""
        value = self.after.get((kind, name, field)) or self.before.get((kind, name, field)) or ""
        return value if isinstance(value, str) else ""

    def who(self, session: FactValue | None) -> str:
        return session_label(str(session or ""), self.known.names)

    def event(self, name: EventId) -> str:
        """Return an event id in brackets, unless the reader sees it anyway."""
        return f" ({name})" if name not in ("", self.known.shown) else ""

    def time(self, at: FactValue | None) -> str:
        return time_text(str(at), self.now) if at else "?"

    def times(self, old: FactValue | None, new: FactValue | None) -> str:
        """Return two times that differ; with seconds if they are in the same minute."""
        seconds = self.time(old) == self.time(new)
        before, after = (time_text(str(at), self.now, seconds=seconds) if at else "?" for at in (old, new))
        return f"{before} → {after}"

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
            else [f"now {new}{why}"]
        )
        if new and not old:
            fields = {field: pair for field, pair in fields.items() if field != "name"}  # `who` shows it
        parts += [_changed(words, fields[field], self.who if field == "continues" else _shown)
                  for field, words in _SESSION.items() if field in fields]  # fmt: skip
        parts += _notices(fields.get("notices", (None, None)))
        if not parts and "status" not in fields:
            return ""
        sign, is_new = ("+", " is new") if new and not old else ("~", "")
        who = session_label(name, self.known.names, full=bool(is_new))
        return f"{sign} {who}{is_new}{': ' if parts else ''}{' · '.join(parts)}"

    def claim(self, name: str, fields: ChangedFields) -> str:
        resource, holder = line(self.fact("claim", name, "resource")), self.who(self.fact("claim", name, "session"))
        if "resource" not in fields:
            return f"~ {resource}: {' · '.join(self.claim_changes(name, fields))}"
        if fields["resource"][1] is None:
            if name in self.passed.values():
                return ""
            return f"- {resource}: {holder} no longer holds it{self.because(self.ended.get(name))}"
        agent, note = self.fact("claim", name, "agent"), self.fact("claim", name, "note")
        facts = [
            f"until {self.time(fields['ends_at'][1])}",
            "shared" if self.fact("claim", name, "mode") == "shared" else "",
            "not yet accepted" if "accept_by" in fields else "",
            f"for: {line(note)}" if note else "",
        ]
        details = " · ".join(fact for fact in facts if fact)
        if name in self.passed:
            giver = self.who(self.before["claim", self.passed[name], "session"])
            return f"~ {resource}: handed over from {giver} to {holder}{self.event(name)} · {details}"
        grant = self.granted.get(name)
        why = (", granted after waiting" if grant and grant.rule == 4 else "") + self.event(name)
        return f"+ {resource}: {holder}{f' / {line(agent)}' if agent else ''} holds it{why} · {details}"

    def claim_changes(self, name: str, fields: ChangedFields) -> list[str]:
        """Return what changed about a claim that is in both states."""
        parts = []
        if "session" in fields:
            old_holder, new_holder = (self.who(session) for session in fields["session"])
            parts.append(f"passes from {old_holder} to {new_holder}{self.cause(self.granted.get(name))}")
        else:
            parts.append(self.who(self.fact("claim", name, "session")))
        if "accept_by" in fields:
            parts.append("accepted")
        if "ends_at" in fields:
            parts.append(f"until {self.times(*fields['ends_at'])}")
        return parts

    def wait(self, name: str, fields: ChangedFields) -> str:
        resource, who = line(self.fact("wait", name, "resource")), self.who(self.fact("wait", name, "session"))
        if fields.get("resource", ("", ""))[1] is not None:
            until = self.time(self.fact("wait", name, "until"))
            return f"+ {resource}: {who} waits for it until {until}{self.event(name)}"
        decision = self.granted.get(name) or self.ended.get(name)
        return f"- {resource}: {who} no longer waits for it{self.because(decision)}"

    def message(self, name: str, fields: ChangedFields) -> str:
        parts = []
        for field, missing, done in (
            ("unread_by", "unread by", "read by"),
            ("unacknowledged_by", "to be confirmed by", "confirmed by"),
        ):
            old, new = (set(map(str, value or ())) for value in fields.get(field, (None, None)))
            gone = {session for session in old - new if not self.is_live(session)}  # it may not have read it
            if field == "unacknowledged_by" and name in self.known.closed and old - new:
                parts.append(f"closed by {self.who(self.known.closed[name])}")
                gone = old - new
            for words, sessions in ((missing, new - old), (done, old - new - gone), (f"no longer {missing}", gone)):
                if sessions:
                    parts.append(f"{words} {list_first([self.who(session) for session in sorted(sessions)])}")
        subject = line(self.known.subjects.get(name, ""), 80)
        is_new = fields.get("unread_by", ("", ""))[0] is None
        return f"{'+' if is_new else '~'} {name}{f' “{subject}”' if subject else ''}: {' · '.join(parts)}"

    def because(self, decision: Decision | None) -> str:
        return f": {_ENDED[decision.what]}{self.cause(decision)}" if decision else ""

    def cause(self, decision: Decision | None) -> str:
        return self.event(decision.cause) if decision else ""

    def is_live(self, session: str) -> bool:
        return self.after.get(("session", session, "status")) == "live"


def _changed(words: str, pair: BeforeAfter, show: Callable[[FactValue], str]) -> str:
    old, new = (show(value) if value else "" for value in pair)
    return f"{words}: {old} → {new or 'nothing'}" if old else f"{words}: {new}"


def _shown(value: FactValue) -> str:
    return eta_text(value, "") if isinstance(value, str) else list_first([line(str(part)) for part in value])


def _notices(pair: BeforeAfter) -> list[str]:
    """Return the notices that are new for a session, and those that it has read."""
    old, new = (dict.fromkeys(value or ()) for value in pair)
    groups = [("unread notice", [notice for notice in new if notice not in old])]
    groups.append(("read notice", [notice for notice in old if notice not in new]))
    return [f"{title}: {list_first([_notice(notice) for notice in notices])}" for title, notices in groups if notices]


def _notice(notice: object) -> str:
    assert isinstance(notice, Notice)
    resources = list_first([line(resource) for resource in notice.resources])
    kind = "the same conversation is open in another process" if notice.kind == "copied" else notice.kind
    return f"{resources} {kind.replace('_', ' ')} ({notice.id})".lstrip()
