"""`coord why`: explain the history of a resource, a session or an event."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from coord.cli.commands.history._answers import AllEvents, Answers, Postings, WhyAnswer
from coord.cli.commands.history._shown import shown_fields
from coord.cli.paging import before_option, limit_option, newest_page
from coord.cli.parser import argument, at_option, command, option
from coord.cli.resources.words import one_resource, resources_meant
from coord.engine.run import Run
from coord.engine.times.points_in_time import is_event_name
from coord.errors import CoordError, refused
from coord.render.events import event_line
from coord.render.format import line, session_label, time_text
from coord.render.why import (
    history_lines,
    holder_text,
    holders_text,
    life_lines,
    no_holder_text,
    receipt_lines,
    rule_lines,
)
from eventlog.events import ClaimHandedOver, ClaimRequested, Event, MessageSent
from projections.postings.answers import NotPosted
from projections.rules.resources import overlap
from projections.rules.rows import recent_sessions
from projections.views.point_in_time import sort_key

_SHOWN = 40


class WhyContext(NamedTuple):
    """The run, what answers its question, and the notes to print before the answer."""

    run: Run
    answers: Answers
    notes: list[str]


@command("why", acts=False)
@argument("words", metavar="RESOURCE|SESSION|EVENT", nargs=-1, required=True)
@option("--all", "everything", is_flag=True, help="Show all steps of a long history.")
@limit_option(f"steps; the default is {_SHOWN}")
@before_option
@at_option
def why(run: Run, words: tuple[str, ...], at: str | None, **listed: Any) -> None:
    """Explain the history of a RESOURCE, of a SESSION's claims, or of an EVENT.

    Each step shows the event that caused it and the rule that decided it. If the requester was told something else at
    the time, that is shown too. For a message, it shows who received and read it; for any other event, its effect.

    \b
    Examples:
      coord why file src/app.py
      coord why src/app.py --at "yesterday 18:00"
      coord why amber-otter
      coord why amber-otter-k3f9/17
    """
    if at is None and _answer_from_postings(run, words, listed):
        return
    past = run.full_history()
    run.note_problems(past.snapshot)
    cut = past.cut(at, "--at")
    if at is not None:
        run.note(f"as it was at {time_text(cut.at, '', seconds=True)}")
    view = WhyContext(run, AllEvents(run, past, cut, is_past=at is not None), [])
    page = answer_page(view, _find_answer(view, words), **listed)
    _print_page(view, page)


def _answer_from_postings(run: Run, words: tuple[str, ...], listed: dict[str, Any]) -> bool:
    """Print the answer if the postings have it, and return whether they do. Raises CoordError (1) as `why` does."""
    try:
        view = WhyContext(run, Postings(run), [])
        try:
            page = answer_page(view, _find_answer(view, words), **listed)
        except CoordError:
            run.note_problems(view.answers.snapshot)
            raise
    except NotPosted:
        return False
    run.note_problems(view.answers.snapshot)
    _print_page(view, page)
    return True


def _find_answer(view: WhyContext, words: tuple[str, ...]) -> WhyAnswer:
    """Answer for an event id, a session, or a resource, in this order. Raises CoordError (1) if nothing is known."""
    if len(words) == 1:
        for find in (_event_answer, _session_answer):
            if answer := find(view, words[0]):
                return answer
        resources = _resources_named(view, words[0])
    else:
        resources = [one_resource(view.run, "why", words)]
    answer = resource_answer(view.answers, resources)
    if answer is None:
        raise _unknown(view, " ".join(words))
    return answer


def resource_answer(answers: Answers, resources: list[str]) -> WhyAnswer | None:
    """Return the answer for a resource with these names, or None if nothing is known about it."""
    entries = answers.about(resources)
    if not entries:
        return None
    known = {entry.resource for entry in entries}
    resources = [resource for resource in resources if any(overlap(resource, name) for name in known)]
    held = holders_text(answers.state, resources, answers.now, answers.names, answers.deaths)
    head = held or no_holder_text(resources, entries, answers.names)
    return WhyAnswer(resources[0], head, entries, "resource")


def _resources_named(view: WhyContext, word: str) -> list[str]:
    try:
        return resources_meant(view.run, "why", word)
    except CoordError:
        if "/" in word:
            return [word]  # not a path in the repository, but perhaps TYPE/NAME
        raise


def _unknown(view: WhyContext, text: str) -> CoordError:
    recent = recent_sessions(view.answers.state)
    known = view.answers.resources() | {session.id for session in recent} | {session.name for session in recent}
    similar = get_close_matches(text.replace(" ", "/"), known, n=3, cutoff=0.5)
    suggestion = f" Did you mean {' or '.join(line(name) for name in similar)}?" if similar else ""
    return refused(f"nothing is known about {line(text)}.{suggestion} To search all events: coord log '{line(text)}'")


def _event_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    answers = view.answers
    if not is_event_name(word) or any(entry.resource == word for entry in answers.about([word])):
        return None
    event = answers.event_named(word)
    return event_answer(answers, event) if event else None


def event_answer(answers: Answers, event: Event) -> WhyAnswer:
    """Return the answer for an event."""
    return _ANSWERS.get(type(event.payload), _other_event_answer)(answers, event)


def _claim_answer(answers: Answers, event: Event) -> WhyAnswer:
    entries = answers.about_claim(event)
    head = event_line(event, answers.now, answers.names)
    return WhyAnswer(event.id, head, entries, "claim", lines=_claim_state_lines(answers, event), event=event)


def _claim_state_lines(answers: Answers, event: Event) -> list[str]:
    if claim := answers.state.claims.get(event.id):
        return [holder_text(claim, answers.now, answers.names, answers.deaths)]
    return ["It is waiting."] if event.id in answers.state.waits else []


def _message_answer(answers: Answers, event: Event) -> WhyAnswer:
    receipts = answers.receipts(event)
    head = event_line(event, answers.now, answers.names)
    lines = receipt_lines(receipts, answers.state, answers.now, answers.names)
    return WhyAnswer(event.id, head, [], "message", receipts, lines, event=event)


def _other_event_answer(answers: Answers, event: Event) -> WhyAnswer:
    entries = answers.caused_by(event)
    lines = [] if entries else ["It did not change any claim."]
    head = event_line(event, answers.now, answers.names)
    return WhyAnswer(event.id, head, entries, "event", lines=lines, event=event)


_ANSWERS: dict[type, Callable[[Answers, Event], WhyAnswer]] = {
    ClaimRequested: _claim_answer,
    ClaimHandedOver: _claim_answer,
    MessageSent: _message_answer,
}


def _session_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    answers = view.answers
    sessions = answers.sessions_named(word)
    if not sessions:
        return None
    if len(sessions) > 1:
        names = ", ".join(session_label(name, answers.names, full=True) for name in sessions[:8])
        raise refused(f"'{line(word, 60)}' can mean {names}. Write more of the id.")
    _note_path(view, word)
    return session_answer(answers, sessions[0])


def session_answer(answers: Answers, session: str) -> WhyAnswer:
    """Return the answer for a session."""
    entries = answers.by(session)
    lives = answers.lives(session)
    head, *lines = life_lines(lives, answers.state, session, answers.now, answers.names, answers.deaths)
    return WhyAnswer(session, head, entries, "session", lines=lines, lives=lives)


def _note_path(view: WhyContext, word: str) -> None:
    """Print a note if the word for a session is also a path with a history."""
    try:
        resources = resources_meant(view.run, "why", word)
    except CoordError:
        return
    if view.answers.about(resources):
        view.notes.append(f"{line(word)} is also a path. For its history: coord why file {line(word)}")


def answer_page(
    view: WhyContext, answer: WhyAnswer, everything: bool, limit: int | None, before: str | None
) -> tuple[str, dict[str, object]]:
    """Return the answer as text and as the data of a JSON document."""
    now, names = view.answers.now, view.answers.names
    most = limit or (None if everything or view.run.json else _SHOWN)
    page = newest_page(view.run, "why", answer.entries, lambda it: sort_key(it.at, it.cause or it.claim), most, before)
    shown = page.rows
    parts = [answer.head, *answer.lines]
    if answer.entries:
        parts.append("")
    if page.older:
        parts.append(page.hint("step"))
    resources = {entry.resource for entry in answer.entries} if answer.kind == "claim" else {answer.about}
    about = next(iter(resources)) if len(resources) == 1 else ""
    if not view.run.json:
        parts += history_lines(shown, now, names, about)
    if shown:
        parts += ["", *rule_lines(shown)]
    data = {
        "now": now,
        "about": answer.about,
        "kind": answer.kind,
        "story": msgspec.to_builtins(shown),
        "receipts": msgspec.to_builtins(answer.receipts) if answer.kind == "message" else None,
        **page.data,
    }
    if answer.kind == "session":
        data["lives"] = msgspec.to_builtins(answer.lives)
    if view.run.json:
        data |= shown_fields(view.answers, answer, shown, about)
    return "\n".join(parts), data


def _print_page(view: WhyContext, page: tuple[str, dict[str, object]]) -> None:
    for text in view.notes:
        view.run.note(text)
    text, data = page
    view.run.say(view.run.fitted(text), data)
