"""Collect the values that fit at the cursor, from the state that the last commands saved. Nothing is written.

What other sessions wrote is untrusted. A value is offered only if it can be typed as it is: no control characters, and
no beginning that a program or a shell would take for something else.
"""

import os
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from coord.cli.completion.place import Place
from coord.cli.parser import Command
from coord.render.format import line, quoted, time_text, until
from coord.workspace.names import EVERYONE_WORDS
from coord.workspace.paths import Workspace
from eventlog.events import Instant
from projections.rules.state import (
    Claim,
    Message,
    Session,
    State,
    WaitingRequest,
    ids_with_prefix,
    recent_sessions,
)

MAX_CANDIDATES = 200
_MAX_FILES = 2000  # names that are read of one folder
_OWN_FIRST = ("release", "renew", "handoff")  # commands for what this session holds
_FOREIGN_FIRST = ("break",)
_HOLDING = (*_OWN_FIRST, *_FOREIGN_FIRST)


class Candidate(Struct, frozen=True):
    """A value that fits, and a short text about it. A value that ends with `/` can be continued."""

    value: str
    description: str = ""


class Known(Struct):
    """What is known when a command line is completed. `me` is the acting session, or empty."""

    command: Command
    workspace: Workspace | None = None
    state: State = field(default_factory=State)
    now: Instant = ""
    me: str = ""
    types: tuple[str, ...] = ()


def is_typable(value: str) -> bool:
    """Return whether a value of another session can be offered."""
    return bool(value) and value.isprintable() and value[0] not in "-~=!#" and value == value.strip()


def candidates_for(place: Place, known: Known) -> list[Candidate]:
    """Return the values that fit, the most likely first, each once."""
    found: dict[str, Candidate] = {}
    for kind in place.kinds:
        for candidate in KINDS[kind](place, known) if kind in KINDS else ():
            if candidate.value.startswith(place.text) and is_typable(candidate.value):
                found.setdefault(candidate.value, candidate)
                if len(found) == MAX_CANDIDATES:
                    return list(found.values())
    return list(found.values())


# --- sessions -------------------------------------------------------------------------------------------------------


def _sessions(place: Place, known: Known) -> Iterator[Candidate]:
    """Yield the sessions, by name and by id: the live ones, and for a command that looks back also the others. Those
    that were over a day ago need the beginning of their id.
    """
    sessions = sorted(_known_sessions(place, known), key=lambda session: session.last_at, reverse=True)
    live = [session for session in sessions if session.live]
    others = [] if known.command.acts else [session for session in sessions if not session.live]
    names = [session.name for session in live]
    names += {session.name for session in others} - {*names}  # the name of a live session means that session
    for session in (*live, *others):
        about = line(session.doing.action, 40) or session.status
        is_named = is_typable(session.name) and names.count(session.name) == 1
        if is_named:
            yield Candidate(session.name, f"{session.id} · {about}")
        if not is_named or place.text:
            yield Candidate(session.id, f"{line(session.name, 40)} · {about}" if session.name else about)


def _known_sessions(place: Place, known: Known) -> list[Session]:
    state, recent = known.state, recent_sessions(known.state)
    if known.command.acts or not place.text:
        return recent
    found = {session.id: session for session in recent}
    older = [name for name in ids_with_prefix(state, place.text) if name not in found]
    return [*recent, *(state.sessions[name] for name in older[:MAX_CANDIDATES])]


def _other_sessions(place: Place, known: Known) -> Iterator[Candidate]:
    own = known.state.sessions.get(known.me)
    excluded = {own.id, own.name} if own else set()
    return (candidate for candidate in _sessions(place, known) if candidate.value not in excluded)


def _recipients(place: Place, known: Known) -> Iterator[Candidate]:
    yield from _other_sessions(place, known)
    yield Candidate(EVERYONE_WORDS[0], "every session")


def _addressed_sessions(place: Place, known: Known) -> Iterator[Candidate]:
    """Yield the sessions to which a command can give something, or all for a command that looks back."""
    return _other_sessions(place, known) if known.command.acts else _sessions(place, known)


def _label(known: Known, session: str) -> str:
    found: Session | None = known.state.sessions.get(session)
    return line(found.name, 40) if found and found.name else session


# --- resources ------------------------------------------------------------------------------------------------------


def _resources(place: Place, known: Known) -> Iterator[Candidate]:
    """Yield what is held or waited for; files of the repository and types where a resource can be new."""
    held = list(_held(known))
    if place.type:
        prefix = f"{place.type}/"
        names = [Candidate(c.value.removeprefix(prefix), c.description) for c in held if c.value.startswith(prefix)]
        if place.type == "file" and known.command.name not in _HOLDING:
            names = list(_files(known, place.text))
        yield from names
        return
    yield from held
    types = dict.fromkeys(each.resource.split("/")[0] for each in known.state.claims.values())
    if known.command.name not in _HOLDING:
        yield from (Candidate(kind, "a type of resource") for kind in dict.fromkeys((*types, "file", *known.types)))
        if place.text.startswith("file/"):
            yield from (Candidate(f"file/{each.value}") for each in _files(known, place.text.removeprefix("file/")))
        elif known.command.name != "claim":
            yield from _files(known, place.text)
    elif held:
        yield from (Candidate(kind, "a type of resource") for kind in _types_of(held))


def _types_of(held: Iterable[Candidate]) -> Iterable[str]:
    return dict.fromkeys(each.value.split("/")[0] for each in held)


def _held(known: Known) -> Iterator[Candidate]:
    """Yield what is held: for a command about own claims only these, if there are any; for `break` those of others."""
    state, command = known.state, known.command.name
    requests: list[Claim | WaitingRequest] = [*state.claims.values(), *state.waits.values()]
    own = [request for request in requests if request.session == known.me]
    others: list[Claim | WaitingRequest] = [claim for claim in state.claims.values() if claim.session != known.me]
    if command in _OWN_FIRST:
        chosen = own or others
    elif command in _FOREIGN_FIRST:
        chosen = others
    else:
        chosen = [*others, *own]
    return (Candidate(request.resource, _request_text(request, known)) for request in chosen)


def _request_text(request: Claim | WaitingRequest, known: Known) -> str:
    who = "you" if request.session == known.me else _label(known, request.session)
    if isinstance(request, WaitingRequest):
        return f"{who}, waiting until {time_text(request.until, known.now)}"
    return f"{who}, {until(request.ends_at, known.now, request.automatic)}"


def _files(known: Known, text: str) -> Iterator[Candidate]:
    """Yield the files and folders of the repository whose path begins with `text`, as claims name them."""
    folder, _, begin = text.rpartition("/")
    if known.workspace is None or text.startswith(("/", ".")) or ".." in folder.split("/"):
        return
    try:
        with os.scandir(os.path.join(known.workspace.root, folder)) as entries:
            found = [entry for entry, _ in zip(entries, range(_MAX_FILES), strict=False)]
            fitting = [entry for entry in found if entry.name.startswith(begin) and (begin or entry.name[0] != ".")]
            names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in fitting)
    except OSError:
        return
    yield from (Candidate(f"{folder}/{name}" if folder else name) for name in names)


# --- messages and events --------------------------------------------------------------------------------------------


def _messages(_: Place, known: Known) -> Iterator[Candidate]:
    """Yield the messages that this session got, those that wait for it first; all if the session is not known."""
    state, me = known.state, known.me
    messages = sorted(state.messages.values(), key=lambda message: message.at, reverse=True)
    mine = [each for each in messages if each.session != me and (not me or each.everyone or me in each.to)]
    yield from (_message(each, known) for each in sorted(mine, key=lambda each: not _is_due(each, known)))


def _is_due(message: Message, known: Known) -> bool:
    waiting = message.unacknowledged_by if known.command.name == "ack" else message.unread_by
    return known.me in waiting or known.me in message.unacknowledged_by


def _message(message: Message, known: Known) -> Candidate:
    return Candidate(message.id, f"{quoted(message.subject, 60)} from {_label(known, message.session)}")


def _events(_: Place, known: Known) -> Iterator[Candidate]:
    """Yield the events that the state knows: claims, waiting requests and messages, the newest first."""
    events = [(claim.asked_at, Candidate(claim.id, f"claim of {line(claim.resource, 60)}")) for claim in _all(known)]
    events += [(message.at, _message(message, known)) for message in known.state.messages.values()]
    yield from (candidate for _, candidate in sorted(events, key=lambda row: row[0], reverse=True))


def _all(known: Known) -> Iterable[Claim | WaitingRequest]:
    return (*known.state.claims.values(), *known.state.waits.values())


KINDS: dict[str, Callable[[Place, Known], Iterable[Candidate]]] = {
    "RESOURCE": _resources,
    "SESSION": _addressed_sessions,
    "ID": _sessions,
    "RECIPIENT": _recipients,
    "MESSAGE": _messages,
    "EVENT": _events,
}
"""The kinds of values that are completed. For every other kind, the shell completes files."""
