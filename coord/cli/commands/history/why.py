"""`coord why`: explain the history of a resource, a session or an event."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from coord.cli.commands.history.log import event_line, sessions_named
from coord.cli.paging import before_option, limit_option, newest_page, sort_key
from coord.cli.parser import argument, at_option, command, option
from coord.cli.resources.words import one_resource, resources_meant
from coord.engine.board import find_deaths
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.engine.times import is_event_name
from coord.errors import CoordError, refused
from coord.render.console.progress import chunks
from coord.render.events import names_in
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
from projections.rules.resources import overlap
from projections.views.claim_history import (
    ClaimHistoryEntry,
    about_claim,
    about_resources,
    about_session,
    build_claim_history,
    caused_by,
)
from projections.views.intervals import HistoryAnalysis, analyze_history
from projections.views.point_in_time import PointInTime
from projections.views.receipts import build_receipts

_SHOWN = 40


class WhyAnswer(NamedTuple):
    """The answer to a question: its subject, a first line, and the entries of the claim history about it."""

    about: str
    head: str
    entries: list[ClaimHistoryEntry]
    kind: str  # resource, session, claim, message or event
    receipts: object = None  # of a message
    lines: Sequence[str] = ()  # after the first


class WhyContext(NamedTuple):
    """The history up to the time of the question, and what was computed from it."""

    run: Run
    past: FullHistory
    cut: PointInTime
    analysis: HistoryAnalysis
    entries: list[ClaimHistoryEntry]
    names: dict[str, str]
    deaths: dict[str, str]  # sessions whose process is gone, but which are not recorded as dead yet


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
    past = run.full_history()
    run.note_problems(past.snapshot)
    cut = past.cut(at, "--at")
    if at is not None:
        run.note(f"as it was at {time_text(cut.at, '', seconds=True)}")
    events = past.until(cut)
    analysis = analyze_history(events, cut.at, partial(chunks, "replaying"))
    past.snapshot.state, past.snapshot.at = analysis.state, cut.at if at is not None else ""
    deaths = find_deaths(run.system, past.snapshot)
    entries = build_claim_history(events, analysis.decisions)
    view = WhyContext(run, past, cut, analysis, entries, names_in(events), deaths)
    _print_answer(view, _find_answer(view, words), **listed)


def _find_answer(view: WhyContext, words: tuple[str, ...]) -> WhyAnswer:
    """Answer for an event id, a session, or a resource, in this order. Raises CoordError (1) if nothing is known."""
    if len(words) == 1:
        for find in (_event_answer, _session_answer):
            if answer := find(view, words[0]):
                return answer
        resources = _resources_named(view, words[0])
    else:
        resources = [one_resource(view.run, "why", words)]
    entries = about_resources(view.entries, resources)
    if not entries:
        raise _unknown(view, " ".join(words))
    known = {entry.resource for entry in entries}
    resources = [resource for resource in resources if any(overlap(resource, name) for name in known)]
    held = holders_text(view.analysis.state, resources, view.cut.at, view.names, view.deaths)
    head = held or no_holder_text(resources, entries, view.names)
    return WhyAnswer(resources[0], head, entries, "resource")


def _resources_named(view: WhyContext, word: str) -> list[str]:
    try:
        return resources_meant(view.run, "why", word)
    except CoordError:
        if "/" in word:
            return [word]  # not a path in the repository, but perhaps TYPE/NAME
        raise


def _unknown(view: WhyContext, text: str) -> CoordError:
    known = {entry.resource for entry in view.entries} | {*view.analysis.state.sessions, *view.names.values()}
    similar = get_close_matches(text.replace(" ", "/"), known, n=3, cutoff=0.5)
    suggestion = f" Did you mean {' or '.join(line(name) for name in similar)}?" if similar else ""
    return refused(f"nothing is known about {line(text)}.{suggestion} To search all events: coord log '{line(text)}'")


def _event_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    if not is_event_name(word) or any(entry.resource == word for entry in view.entries):
        return None
    if not view.past.is_known_event(word):
        return None
    event = view.past.event(word)
    if event.key > view.cut.key:
        raise refused(f"{event.id} had not happened yet at that time.")
    answer = _ANSWERS.get(type(event.payload), _other_event_answer)
    return answer(view, event)


def _claim_answer(view: WhyContext, event: Event) -> WhyAnswer:
    entries = about_claim(view.entries, event.id)
    head = event_line(event, view.cut.at, view.names)
    return WhyAnswer(event.id, head, entries, "claim", lines=_claim_state_lines(view, event))


def _claim_state_lines(view: WhyContext, event: Event) -> list[str]:
    state = view.analysis.state
    if claim := state.claims.get(event.id):
        return [holder_text(claim, view.cut.at, view.names, view.deaths)]
    return ["It is waiting."] if event.id in state.waits else []


def _message_answer(view: WhyContext, event: Event) -> WhyAnswer:
    pieces = chunks("following the message", view.past.until(view.cut))
    receipts = build_receipts(chain.from_iterable(pieces), event)
    head = event_line(event, view.cut.at, view.names)
    lines = receipt_lines(receipts, view.analysis.state, view.cut.at, view.names)
    return WhyAnswer(event.id, head, [], "message", receipts, lines)


def _other_event_answer(view: WhyContext, event: Event) -> WhyAnswer:
    entries = caused_by(view.entries, event.id)
    lines = [] if entries else ["It did not change any claim."]
    return WhyAnswer(event.id, event_line(event, view.cut.at, view.names), entries, "event", lines=lines)


_ANSWERS: dict[type, Callable[[WhyContext, Event], WhyAnswer]] = {
    ClaimRequested: _claim_answer,
    ClaimHandedOver: _claim_answer,
    MessageSent: _message_answer,
}


def _session_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    try:
        sessions = sorted(sessions_named(view.past, word) & view.analysis.state.sessions.keys())
    except CoordError:
        return None
    if not sessions:
        return None
    if len(sessions) > 1:
        names = ", ".join(session_label(name, view.names, full=True) for name in sessions[:8])
        raise refused(f"'{line(word, 60)}' can mean {names}. Write more of the id.")
    session = sessions[0]
    entries = about_session(view.entries, session)
    _note_path(view, word)
    head, *lines = life_lines(view.analysis, session, view.cut.at, view.names, view.deaths)
    return WhyAnswer(session, head, entries, "session", lines=lines)


def _note_path(view: WhyContext, word: str) -> None:
    """Print a note if the word for a session is also a path with a history."""
    try:
        resources = resources_meant(view.run, "why", word)
    except CoordError:
        return
    if about_resources(view.entries, resources):
        view.run.note(f"{line(word)} is also a path. For its history: coord why file {line(word)}")


def _print_answer(view: WhyContext, answer: WhyAnswer, everything: bool, limit: int | None, before: str | None) -> None:
    most = limit or (None if everything or view.run.json else _SHOWN)
    page = newest_page(view.run, "why", answer.entries, lambda it: sort_key(it.at, it.cause or it.claim), most, before)
    shown = page.rows
    parts = [answer.head, *answer.lines]
    if answer.entries:
        parts.append("")
    if page.older:
        parts.append(page.hint("step"))
    resources = {entry.resource for entry in answer.entries} if answer.kind == "claim" else {answer.about}
    parts += history_lines(shown, view.cut.at, view.names, *(resources if len(resources) == 1 else ()))
    if shown:
        parts += ["", *rule_lines(shown)]
    data = {
        "now": view.cut.at,
        "about": answer.about,
        "kind": answer.kind,
        "story": msgspec.to_builtins(shown),
        "receipts": msgspec.to_builtins(answer.receipts) if answer.kind == "message" else None,
        **page.data,
    }
    if answer.kind == "session":
        data["lives"] = [
            msgspec.to_builtins(life) for life in view.analysis.session_intervals if life.session == answer.about
        ]
    view.run.say(view.run.fitted("\n".join(parts)), data)
