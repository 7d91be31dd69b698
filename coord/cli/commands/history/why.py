"""`coord why`: the story of a resource, of a session, or of an event."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import chain
from typing import NamedTuple

import msgspec

from coord.cli.commands.history.log import event_line, sessions_called
from coord.cli.parser import argument, at_option, command, option
from coord.cli.resources import meanings, one_resource
from coord.engine.board import deaths
from coord.engine.history import Past
from coord.engine.run import Run
from coord.engine.times import is_event_name
from coord.errors import CoordError, refused
from coord.render.console.progress import chunks
from coord.render.events import names_in
from coord.render.format import called, clock, line, plural
from coord.render.why import life_lines, nobody_has, now_has, now_holds, receipt_lines, rule_lines, story_lines
from eventlog.events import ClaimHandedOver, ClaimRequested, Event, MessageSent
from projections.rules.resources import overlap
from projections.views.claim_history import Entry, about_claim, about_resources, about_session, brought_about, story
from projections.views.intervals import Account, account
from projections.views.point_in_time import Cut
from projections.views.receipts import receipts

_SHOWN = 40


class Asked(NamedTuple):
    """What a question is about, and what the account and its story say of it."""

    about: str
    head: str
    entries: list[Entry]
    kind: str  # resource, session, claim, message or event
    extra: object = None
    lines: Sequence[str] = ()


class View(NamedTuple):
    """The history up to the moment that is asked about, and what it amounts to."""

    run: Run
    past: Past
    cut: Cut
    seen: Account
    entries: list[Entry]
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
    past = run.look_back()
    run.note_troubles(past.present)
    cut = past.cut(at, "--at")
    if at is not None:
        run.note(f"as it was at {clock(cut.at, '', seconds=True)}")
    events = past.until(cut)
    seen = account(events, cut.at, partial(chunks, "replaying"))
    past.present.state, past.present.at = seen.state, cut.at if at is not None else ""
    gone = deaths(run.world, past.present)
    view = View(run, past, cut, seen, story(events, seen.decisions), names_in(events), gone)
    _tell(view, _asked(view, words), everything)


def _asked(view: View, words: tuple[str, ...]) -> Asked:
    """What is asked: an event by its name, a session, or a resource. Raises CoordError (1) where nothing is known."""
    if len(words) == 1:
        for ask in (_event, _session):
            if found := ask(view, words[0]):
                return found
        resources = _meant(view, words[0])
    else:
        resources = [one_resource(view.run.world, view.run.place, words)]
    entries = about_resources(view.entries, resources)
    if not entries:
        raise _unknown(view, " ".join(words))
    named = {entry.resource for entry in entries}
    meant = [resource for resource in resources if any(overlap(resource, name) for name in named)]
    held = now_holds(view.seen.state, meant, view.cut.at, view.names, view.gone)
    head = held or nobody_has(meant, entries, view.names)
    return Asked(meant[0], head, entries, "resource")


def _meant(view: View, word: str) -> list[str]:
    try:
        return meanings(view.run.world, view.run.place, word)
    except CoordError:
        if "/" in word:
            return [word]  # a path outside is no file of ours, but it may be a resource of another kind
        raise


def _unknown(view: View, text: str) -> CoordError:
    known = {entry.resource for entry in view.entries} | {*view.seen.state.sessions, *view.names.values()}
    near = get_close_matches(text.replace(" ", "/"), known, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(line(name) for name in near)}?" if near else ""
    return refused(f"nothing is on record about {line(text)}.{meant} `coord log '{line(text)}'` looks for the words.")


def _event(view: View, word: str) -> Asked | None:
    if not is_event_name(word) or any(entry.resource == word for entry in view.entries):
        return None
    if not view.past.knows(word):
        return None
    event = view.past.event(word)
    if event.key > view.cut.key:
        raise refused(f"{event.id} had not happened then.")
    kind = _KINDS.get(type(event.payload), _of_any)
    return kind(view, event)


def _of_claim(view: View, event: Event) -> Asked:
    entries = about_claim(view.entries, event.id)
    head = event_line(event, view.cut.at, view.names)
    return Asked(event.id, head, entries, "claim", lines=_state_of(view, event))


def _state_of(view: View, event: Event) -> list[str]:
    state = view.seen.state
    if claim := state.claims.get(event.id):
        return [now_has(claim, view.cut.at, view.names, view.gone)]
    return ["It waits."] if event.id in state.waits else []


def _of_message(view: View, event: Event) -> Asked:
    pieces = chunks("following the message", view.past.until(view.cut))
    found = receipts(chain.from_iterable(pieces), event)
    head = event_line(event, view.cut.at, view.names)
    return Asked(event.id, head, [], "message", found, receipt_lines(found, view.seen.state, view.cut.at, view.names))


def _of_any(view: View, event: Event) -> Asked:
    entries = brought_about(view.entries, event.id)
    nothing = [] if entries else ["It changed nothing about any claim."]
    return Asked(event.id, event_line(event, view.cut.at, view.names), entries, "event", lines=nothing)


_KINDS: dict[type, Callable[[View, Event], Asked]] = {
    ClaimRequested: _of_claim,
    ClaimHandedOver: _of_claim,
    MessageSent: _of_message,
}


def _session(view: View, word: str) -> Asked | None:
    try:
        found = sorted(sessions_called(view.past, word) & view.seen.state.sessions.keys())
    except CoordError:
        return None
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(called(name, view.names) for name in found[:8])
        raise refused(f"'{line(word, 60)}' can be {names}. Say more of it.")
    entries = about_session(view.entries, found[0])
    _note_path(view, word)
    head, *more = life_lines(view.seen, found[0], view.cut.at, view.names, view.gone)
    return Asked(found[0], head, entries, "session", lines=more)


def _note_path(view: View, word: str) -> None:
    """Say so where the word for a session is also the path of something on record."""
    try:
        resources = meanings(view.run.world, view.run.place, word)
    except CoordError:
        return
    if about_resources(view.entries, resources):
        view.run.note(f"{line(word)} is also a path that something is on record about: coord why file {line(word)}")


def _tell(view: View, asked: Asked, everything: bool) -> None:
    shown = asked.entries if everything or view.run.json else asked.entries[-_SHOWN:]
    older = len(asked.entries) - len(shown)
    parts = [asked.head, *asked.lines]
    if asked.entries:
        parts.append("")
    if older:
        parts.append(f"… {plural(older, 'earlier step')}: --all shows them")
    one = {entry.resource for entry in asked.entries} if asked.kind == "claim" else {asked.about}
    parts += story_lines(shown, view.cut.at, view.names, *(one if len(one) == 1 else ()))
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
        data["lives"] = [msgspec.to_builtins(life) for life in view.seen.lives if life.session == asked.about]
    view.run.say("\n".join(parts), data)
