"""What `coord why` shows on a terminal, as fields of its JSON document."""

from collections.abc import Sequence

import msgspec

from coord.cli.commands.history._answers import Answers, WhyAnswer
from coord.render.events import event_text, type_of
from coord.render.format import session_label
from coord.render.why import rule_lines, step_fields
from eventlog.events import Event
from projections.views.claim_history import ClaimHistoryEntry
from projections.views.receipts import Receipts

_DID_SHOWN = 60  # events of a session


def shown_fields(
    answers: Answers, answer: WhyAnswer, shown: Sequence[ClaimHistoryEntry], about: str
) -> dict[str, object]:
    """Return what a terminal shows as fields of a JSON document, and the events of a session."""
    data: dict[str, object] = {
        "head": answer.head,
        "lines": answer.lines,
        "steps": [step_fields(entry, answers.names, about) for entry in shown],
        "rules": rule_lines(shown),
        "event": msgspec.to_builtins(answer.event),
        "names": {session: session_label(session, answers.names) for session in _sessions_in(answer, shown)},
    }
    if answer.kind == "resource":
        claims = [claim for claim in answers.state.claims.values() if claim.resource == answer.about]
        data["holders"] = [{"session": claim.session, "claim": claim.id} for claim in claims]
    if answer.kind == "session":
        events = answers.written_by(answer.about, _DID_SHOWN)
        data["did"] = [_did(answers, event) for event in events]
        data["did_before"] = bool(events) and events[0].n > 1
    return data


def _sessions_in(answer: WhyAnswer, shown: Sequence[ClaimHistoryEntry]) -> set[str]:
    """Return the sessions that an answer is about."""
    found = {name for entry in shown for name in (entry.session, entry.by, *(it.session for it in entry.others))}
    found |= {life.session for life in answer.lives}
    if answer.event:
        found.add(answer.event.actor)
    if isinstance(answer.receipts, Receipts):
        receipts = answer.receipts
        found |= {receipts.resolved_by, *(name for row in receipts.rows for name in (row.session, row.passed_to))}
    return found - {""}


def _did(answers: Answers, event: Event) -> dict[str, str]:
    """Return what a session did with an event as fields of a JSON document."""
    claim = getattr(event.payload, "claim", "")
    claimed = answers.event(claim) if claim else None
    resources = {claim: getattr(claimed.payload, "resource", "")} if claimed else {}
    text = event_text(event, answers.names, resources)
    return {"at": event.at, "id": event.id, "type": type_of(event), "text": text}
