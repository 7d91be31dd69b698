"""Rows of a state that can be kept elsewhere, and finding sessions by something else than their ids.

The rows of sessions that ended long ago, and of their messages, need not be in the state. They come back when they are
looked up by their ids. So nothing may depend on which rows are in the state, or on their order.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from eventlog.events import HOUR_S, add_time
from projections.rules.state import Session, State

V = TypeVar("V")


class Rows(dict[str, V]):
    """Rows by id, of which some are kept elsewhere. A row that is looked up by its id is moved into the dict.

    `find` returns a row that is kept elsewhere. `listed` returns the ids of such rows in a list: the sessions with a
    name (`name/NAME`), of a conversation (`conversation/ID`), of which a person can continue one (`person/NAME`), or
    with the same first letter (`letter/A`). It can also return ids of rows that have changed since.
    """

    def __init__(
        self,
        rows: dict[str, V],
        find: Callable[[str], V | None] = lambda key: None,
        listed: Callable[[str], Iterable[str]] = lambda key: (),
    ) -> None:
        super().__init__(rows)
        self.find, self.listed = find, listed
        self.deleted: set[str] = set()

    def __missing__(self, key: str) -> V:
        row = self.find(key) if key and key not in self.deleted else None
        if row is None:
            raise KeyError(key)
        self[key] = row
        return row

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the row with this id, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or self.get(str(key)) is not None

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.deleted.add(key)

    def has(self, key: str) -> bool:
        """Return whether the row is in the dict itself."""
        return super().__contains__(key)


def recent_sessions(state: State) -> list[Session]:
    """Return the sessions that are live, or were over for less than an hour at the last event.

    Where a session is meant without its id, such as by its name, the recent ones come before all others.
    """
    an_hour_ago = add_time(state.at, -HOUR_S) if state.at else ""
    return [s for s in state.sessions.values() if s.live or (s.over_at or s.last_at) > an_hour_ago]


def listed_sessions(state: State, key: str) -> list[Session]:
    """Return the sessions in the dict, after all sessions in the list `key` were moved there; see `Rows.listed`."""
    rows = state.sessions
    for name in rows.listed(key) if isinstance(rows, Rows) else ():
        rows.get(name)
    return list(rows.values())


def ids_with_prefix(state: State, prefix: str) -> list[str]:
    """Return the ids of all sessions that begin with `prefix`, wherever they are kept."""
    rows = state.sessions
    elsewhere = rows.listed(f"letter/{prefix[0]}") if isinstance(rows, Rows) and prefix else ()
    return sorted({name for name in (*rows.keys(), *elsewhere) if name.startswith(prefix)})


class SessionNames(dict[str, str]):
    """The names of the recent sessions that have one, by id. `get` and `[]` also return the names of all others."""

    def __init__(self, state: State) -> None:
        super().__init__({session.id: session.name for session in recent_sessions(state) if session.name})
        self._sessions = state.sessions

    def __missing__(self, session: str) -> str:
        known = self._sessions.get(session)
        return known.name if known else ""

    def get(self, session: str, default: Any = "", /) -> Any:
        """Return the name of a session, or `default` if it has none."""
        return self[session] or default
