"""`coord why`: the story of a resource, of a session, or of an event."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import chain
from typing import NamedTuple

import msgspec

from coord.cli.commands.history.log import event_line, sessions_named
from coord.cli.parser import argument, at_option, command, option
from coord.cli.resources import one_resource, possible_resources
from coord.engine.board import find_deaths
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.engine.times import is_event_name
from coord.errors import CoordError, refused
from coord.render.console.progress import chunks
from coord.render.events import names_in
from coord.render.format import line, plural, session_label, time_text
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
    """What a question is about, and what the account and its story say of it."""

    about: str
    head: str
    entries: list[ClaimHistoryEntry]
    kind: str  # resource, session, claim, message or event
    extra: object = None
    lines: Sequence[str] = ()


class WhyContext(NamedTuple):
    """The history up to the moment that is asked about, and what it amounts to."""

    run: Run
    past: FullHistory
    cut: PointInTime
    seen: HistoryAnalysis
    entries: list[ClaimHistoryEntry]
    names: dict[str, str]
    gone: dict[str, str]  # sessions that are seen to be dead, which nobody has recorded yet


@command("why", acts=False)
@argument("words", metavar="RESOURCE|SESSION|EVENT", nargs=-1, required=True)
@option("--all", "everything", is_flag=True, help="Show all of a long story.")
@at_option
def why(run: Run, words: tuple[str, ...], everything: bool, at: str | None) -> None:
    """Tell the story of a RESOURCE, of a SESSION's claims, or of an EVENT.

    Each step has the event that caused it, the rule that decided it, and what the requester was told if that was
    something else. The story of a message is who got it and read it when; of any other event, what it brought about.

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
    seen = analyze_history(events, cut.at, partial(chunks, "replaying"))
    past.snapshot.state, past.snapshot.at = seen.state, cut.at if at is not None else ""
    gone = find_deaths(run.system, past.snapshot)
    view = WhyContext(run, past, cut, seen, build_claim_history(events, seen.decisions), names_in(events), gone)
    _print_answer(view, _find_answer(view, words), everything)


def _find_answer(view: WhyContext, words: tuple[str, ...]) -> WhyAnswer:
    """What is asked: an event by its name, a session, or a resource. Raises CoordError (1) where nothing is known."""
    if len(words) == 1:
        for ask in (_event_answer, _session_answer):
            if found := ask(view, words[0]):
                return found
        resources = _resources_meant(view, words[0])
    else:
        resources = [one_resource(view.run.system, view.run.workspace, words)]
    entries = about_resources(view.entries, resources)
    if not entries:
        raise _unknown(view, " ".join(words))
    named = {entry.resource for entry in entries}
    meant = [resource for resource in resources if any(overlap(resource, name) for name in named)]
    held = holders_text(view.seen.state, meant, view.cut.at, view.names, view.gone)
    head = held or no_holder_text(meant, entries, view.names)
    return WhyAnswer(meant[0], head, entries, "resource")


def _resources_meant(view: WhyContext, word: str) -> list[str]:
    try:
        return possible_resources(view.run.system, view.run.workspace, word)
    except CoordError:
        if "/" in word:
            return [word]  # a path outside is no file of ours, but it may be a resource of another kind
        raise


def _unknown(view: WhyContext, text: str) -> CoordError:
    known = {entry.resource for entry in view.entries} | {*view.seen.state.sessions, *view.names.values()}
    near = get_close_matches(text.replace(" ", "/"), known, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(line(name) for name in near)}?" if near else ""
    return refused(f"nothing is on record about {line(text)}.{meant} `coord log '{line(text)}'` looks for the words.")


def _event_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    if not is_event_name(word) or any(entry.resource == word for entry in view.entries):
        return None
    if not view.past.is_known_event(word):
        return None
    event = view.past.event(word)
    if event.key > view.cut.key:
        raise refused(f"{event.id} had not happened then.")
    kind = _KINDS.get(type(event.payload), _other_event_answer)
    return kind(view, event)


def _claim_answer(view: WhyContext, event: Event) -> WhyAnswer:
    entries = about_claim(view.entries, event.id)
    head = event_line(event, view.cut.at, view.names)
    return WhyAnswer(event.id, head, entries, "claim", lines=_state_of(view, event))


def _state_of(view: WhyContext, event: Event) -> list[str]:
    state = view.seen.state
    if claim := state.claims.get(event.id):
        return [holder_text(claim, view.cut.at, view.names, view.gone)]
    return ["It waits."] if event.id in state.waits else []


def _message_answer(view: WhyContext, event: Event) -> WhyAnswer:
    pieces = chunks("following the message", view.past.until(view.cut))
    found = build_receipts(chain.from_iterable(pieces), event)
    head = event_line(event, view.cut.at, view.names)
    return WhyAnswer(
        event.id, head, [], "message", found, receipt_lines(found, view.seen.state, view.cut.at, view.names)
    )


def _other_event_answer(view: WhyContext, event: Event) -> WhyAnswer:
    entries = caused_by(view.entries, event.id)
    nothing = [] if entries else ["It changed nothing about any claim."]
    return WhyAnswer(event.id, event_line(event, view.cut.at, view.names), entries, "event", lines=nothing)


_KINDS: dict[type, Callable[[WhyContext, Event], WhyAnswer]] = {
    ClaimRequested: _claim_answer,
    ClaimHandedOver: _claim_answer,
    MessageSent: _message_answer,
}


def _session_answer(view: WhyContext, word: str) -> WhyAnswer | None:
    try:
        found = sorted(sessions_named(view.past, word) & view.seen.state.sessions.keys())
    except CoordError:
        return None
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(session_label(name, view.names) for name in found[:8])
        raise refused(f"'{line(word, 60)}' can be {names}. Say more of it.")
    entries = about_session(view.entries, found[0])
    _note_path(view, word)
    head, *more = life_lines(view.seen, found[0], view.cut.at, view.names, view.gone)
    return WhyAnswer(found[0], head, entries, "session", lines=more)


def _note_path(view: WhyContext, word: str) -> None:
    """Say so where the word for a session is also the path of something on record."""
    try:
        resources = possible_resources(view.run.system, view.run.workspace, word)
    except CoordError:
        return
    if about_resources(view.entries, resources):
        view.run.note(f"{line(word)} is also a path that something is on record about: coord why file {line(word)}")


def _print_answer(view: WhyContext, asked: WhyAnswer, everything: bool) -> None:
    shown = asked.entries if everything or view.run.json else asked.entries[-_SHOWN:]
    older = len(asked.entries) - len(shown)
    parts = [asked.head, *asked.lines]
    if asked.entries:
        parts.append("")
    if older:
        parts.append(f"… {plural(older, 'earlier step')}: --all shows them")
    one = {entry.resource for entry in asked.entries} if asked.kind == "claim" else {asked.about}
    parts += history_lines(shown, view.cut.at, view.names, *(one if len(one) == 1 else ()))
    if shown:
        parts += ["", *rule_lines(shown)]
    data = {
        "now": view.cut.at,
        "about": asked.about,
        "kind": asked.kind,
        "story": msgspec.to_builtins(asked.entries),
        "receipts": msgspec.to_builtins(asked.extra) if asked.kind == "message" else None,
    }
    if asked.kind == "session":
        own = [life for life in view.seen.session_intervals if life.session == asked.about]
        data["lives"] = msgspec.to_builtins(own)
    view.run.say("\n".join(parts), data)
