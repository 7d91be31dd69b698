"""Session ids and names: generate a readable id, and find the session that a user names."""

import os
import re
from collections.abc import Collection, Iterable

from coord.errors import CoordError, no_log, no_session
from coord.render.format import line, session_label
from projections.rules.rows import ids_with_prefix, listed_sessions, recent_sessions
from projections.rules.state import Session, State

_FIRST = """amber azure bold brave brisk calm clear coral crisp dapper eager early fair fleet fond frank fresh gentle
glad golden grand green happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild misty neat
nimble noble olive pearl plain plucky polite proud quick quiet rapid ready rosy ruby rustic sage scarlet sharp silver
smooth snowy solid spry steady sunny swift tidy topaz true vivid warm wise witty""".split()
_SECOND = """badger beaver bison bobcat camel condor coyote crane cricket deer dolphin eagle egret falcon ferret finch
fox gazelle gecko gibbon goose grouse hare hawk heron hornet ibex iguana jackal jaguar kestrel kiwi koala lark lemur
leopard llama lynx magpie marmot marten mole moose newt ocelot orca oriole osprey otter owl panda panther pelican
penguin pigeon plover puffin puma quail rabbit raven robin salmon seal shrew sparrow stoat stork swan tapir tiger toucan
trout turtle viper walrus weasel wombat wren yak zebra""".split()
EVERYONE_WORDS = ("broadcast", "everyone", "all")  # the addressees that mean all sessions
_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"  # without letters that look alike

_ID = f"[a-z]+-[a-z]+-[{_LETTERS}]{{4}}"


def new_id(taken: Collection[str]) -> str:
    """Return a session id that is not taken: two readable words and a random suffix."""
    while True:
        first, second, *rest = (int.from_bytes(os.urandom(4)) for _ in range(6))
        suffix = "".join(_LETTERS[number % len(_LETTERS)] for number in rest)
        name = f"{_FIRST[first % len(_FIRST)]}-{_SECOND[second % len(_SECOND)]}-{suffix}"
        if name not in taken:
            return name


def resolve_session(state: State, text: str) -> str:
    """Return the id of the session that `text` names.

    `text` is its id, its name, an unambiguous prefix of its id, or the id of an event that it wrote. Live sessions come
    before others. If another session continues the named one, the id of that other session is returned. Raises
    CoordError (3) with the candidates or similar names.
    """
    named = matches(state, text)
    session, _, number = text.rpartition("/")
    if not named and number.isdecimal():
        named = matches(state, session)
    ids = sorted({state.current_session(name) for name in named})
    if len(ids) == 1:
        return ids[0]
    if ids:
        more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
        listed = ", ".join(ids[:10]) + more
        raise no_session(f"'{text}' means several sessions: {listed}. Write more of it.", candidates=ids)
    raise unknown_session(state, text)


def known_session(state: State, session: str) -> Session:
    """Return a session that an earlier reading of the log contained. Raises CoordError (4) if it is no longer there.

    While a command waits, or between two readings, a journal or the whole log can be removed.
    """
    found = state.sessions.get(state.current_session(session)) or state.sessions.get(session)
    if found is None:
        raise no_log(
            f"session {session} is no longer in the log: its journal was removed, so what it held is unknown. "
            "Restore it if possible; `coord start` begins a new session."
        )
    return found


def matches(state: State, text: str) -> list[str]:
    """Return the ids of the sessions that `text` can mean.

    The first of these that matches any session decides: an id; the name of a live session; the prefix of a live
    session's id; the same for a session that was live within the last hour; the same for any session.
    """
    if not text:
        return []
    if text in state.sessions:
        return [text]
    for known in (_live(state), recent_sessions(state)):
        for ids in ([s.id for s in known if s.name == text], [s.id for s in known if s.id.startswith(text)]):
            if ids:
                return ids
    named = [session.id for session in listed_sessions(state, f"name/{text}") if session.name == text]
    return named or ids_with_prefix(state, text)


def unknown_session(state: State, text: str) -> CoordError:
    """Return the error for a name that no session has, with similar names."""
    from difflib import get_close_matches

    words = [word for session in _live(state) for word in (session.id, session.name) if word]
    # A complete id is not a misspelling.
    near = [] if re.fullmatch(_ID, text) else get_close_matches(text, words, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}?" if near else live_sessions_text(state)
    return no_session(
        f"no session is called '{line(text, 80)}'; {meant}", nearest=near, live=[s.id for s in _live(state)]
    )


def live_sessions_text(state: State) -> str:
    """Return a phrase that lists the live sessions."""
    live = _live(state)
    names = ", ".join(session_label(s.id, {s.id: s.name}, full=True) for s in live[:10])
    more = f" and {len(live) - 10} more" if len(live) > 10 else ""
    return f"live sessions: {names}{more}" if live else "there are no live sessions"


def _live(state: State) -> list[Session]:
    return [session for session in state.sessions.values() if session.live]


def sessions_by_conversation(state: State, ids: Iterable[str]) -> dict[str, list[Session]]:
    """Return the sessions of each of these conversations, without the conversations that have none.

    Live sessions come first, and of these the newest. If another session continues one of them, that one is returned
    instead. Sessions that were live within the last hour come before all others.
    """
    wanted = dict.fromkeys(ids)
    known = _of_conversations(wanted, recent_sessions(state))
    for name in wanted:
        if name not in known:
            known |= _of_conversations((name,), listed_sessions(state, f"conversation/{name}"))
    return {name: _current(state, known[name]) for name in wanted if name in known}


def _of_conversations(conversations: Collection[str], sessions: Iterable[Session]) -> dict[str, list[Session]]:
    """Return the sessions of each conversation, by conversation."""
    found: dict[str, list[Session]] = {}
    for session in sessions:
        if session.client_session in conversations and session.status != "imported":
            found.setdefault(session.client_session, []).append(session)
    return found


def _current(state: State, sessions: list[Session]) -> list[Session]:
    """Return the sessions that act for these, in the order of `sessions_by_conversation`."""
    if len(sessions) > 1:
        sessions = sorted(sessions, key=lambda session: (session.started_at, session.id), reverse=True)
    current = dict.fromkeys(state.current_session(session.id) for session in sessions)
    return sorted((state.sessions[name] for name in current), key=lambda session: not session.live)
