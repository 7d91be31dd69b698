"""Keep the rows of sessions that ended long ago, and of their messages, in the store instead of the state.

Such a session is not live, was over for an hour at the last event, has its journal in the archive, holds and waits for
nothing, and has no part in a recent message. Such a message is neither recent nor open, and only such sessions have not
read or acknowledged it. Their rows leave the state when it is saved. A row that is looked up by its id comes back into
the state (`Rows`).

A row is either in the state, or it is the last value of its key in the store. An empty value means that the row came
back into the state and has changed since, or was removed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from coord.engine.cache.buckets import DECODE_ERRORS, MAX_PENDING_BYTES, Buckets, CacheDamaged, Entry
from coord.engine.cache.checkpoint import StoreVersion
from eventlog.events import Instant, add_time
from eventlog.history import LogReader
from eventlog.listing import ARCHIVE_AFTER_S, Archive
from eventlog.scanning import Position
from projections.rules.messages import is_open
from projections.rules.rows import Rows
from projections.rules.state import Message, Session, State

SESSION, MESSAGE, JOURNAL = "session/", "message/", "journal/"  # followed by the id
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode_session, _decode_message = msgspec.msgpack.Decoder(Session).decode, msgspec.msgpack.Decoder(Message).decode
_decode_position = msgspec.msgpack.Decoder(Position).decode

T = TypeVar("T")


class EndedRows:
    """The rows that belong to a state but are kept in `buckets`.

    `recompute` returns the whole state from the journals. It is called if the store is damaged. The rows are then in a
    new store, which replaces the damaged one when it is saved, and `damaged` is set.
    """

    def __init__(self, buckets: Buckets, state: State, recompute: Callable[[], State]) -> None:
        self.buckets, self.damaged = buckets, False
        self._recompute = recompute
        self._moved: dict[str, bytes] = {}  # the rows that came back into the state, as they were, by key
        # The keys of the rows that were put away, if the store was empty before: a replay looks up each new session.
        self._stored: set[str] | None = None if buckets.head or buckets.pending else set()
        self._final: set[str] = set()  # journals whose final positions were put away before the rows of their sessions
        self._sessions: Rows[Session] = Rows(state.sessions, self._find_session, self._listed)
        self._messages: Rows[Message] = Rows(state.messages, self._find_message)
        state.sessions, state.messages = self._sessions, self._messages

    def _find_session(self, name: str) -> Session | None:
        return self._take(SESSION + name, _decode_session)

    def _find_message(self, name: str) -> Message | None:
        return self._take(MESSAGE + name, _decode_message)

    def _take(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        """Return a row that comes back into the state, or None if it is not in the store."""
        if self._stored is not None and key not in self._stored:
            return None
        *_, row = self._values(key) or [b""]
        if not row:
            return None
        try:
            decoded = decode(row)
        except DECODE_ERRORS:  # anyone can write a valid digest
            self._rebuild()
            return self._take(key, decode)
        self._moved[key] = row
        return decoded

    def expect_none(self, sessions: Iterable[str]) -> None:
        """Do not look for the rows of these sessions, which have none yet."""
        self._sessions.deleted.update(sessions)

    def bring_back(self) -> None:
        """Move all rows from the store into the state."""
        try:
            self._bring_back(self._sessions, SESSION, _decode_session)
            self._bring_back(self._messages, MESSAGE, _decode_message)
        except CacheDamaged:
            self._rebuild()
            self.bring_back()

    def _bring_back(self, rows: Rows[T], prefix: str, decode: Callable[[bytes], T]) -> None:
        for key, row in dict(self.buckets.every(prefix)).items():
            name = key.removeprefix(prefix)
            if row and not rows.has(name) and name not in rows.deleted:
                try:
                    rows[name] = decode(row)
                except DECODE_ERRORS:
                    raise CacheDamaged(f"the row {key} cannot be read") from None
                self._moved[key] = row

    def _listed(self, key: str) -> list[str]:
        return list(dict.fromkeys(value.decode() for value in self._values(key)))

    def _values(self, key: str) -> list[bytes]:
        try:
            return self.buckets.get(key)
        except CacheDamaged:
            self._rebuild()
            return self.buckets.get(key)

    def _rebuild(self) -> None:
        """Replace the store by a new one with the same rows."""
        state, self.damaged = self._recompute(), True
        self.buckets, self._moved, self._stored = Buckets(self.buckets.folder), {}, None
        for session in state.sessions.values():
            if not self._sessions.has(session.id):
                self.buckets.append(_session_entries(session))
        for message in state.messages.values():
            if not self._messages.has(message.id) and message.id not in self._messages.deleted:
                self.buckets.append([(MESSAGE + message.id, _encode(message))])
        self.buckets.flush()

    def put_positions(self, archive: Archive) -> None:
        """Move the final positions of archived journals to the store."""
        if archive.changes:
            self.buckets.append(
                (JOURNAL + name, _encode(position) if position else b"") for name, position in archive.changes.items()
            )
            for name, position in archive.changes.items():
                (self._final.add if position else self._final.discard)(name)
            archive.stored, archive.changes = StoredPositions(self.buckets), {}

    def _is_archived(self, name: str, history: LogReader) -> bool:
        """Return whether a journal is archived and was read to its end."""
        if name in self._final and name not in history.positions and name not in history.archive.changes:
            return True
        position = history.position(name)
        return bool(position and position.archived)

    def put_away(self, state: State, history: LogReader) -> None:
        """Move the rows that need not be in the state to the store. `history` has read the events of the state."""
        limit = add_time(state.at, -ARCHIVE_AFTER_S) if state.at else ""
        entries: list[Entry] = []
        for session in list(_ended_sessions(state, limit)):
            if self._is_archived(session.id, history):
                self._sessions.pop(session.id)
                self._final.discard(session.id)
                if self._moved.pop(SESSION + session.id, b"") != _encode(session):
                    entries += _session_entries(session)
        for message in list(_ended_messages(state, self._sessions)):
            self._messages.pop(message.id)
            if self._moved.pop(MESSAGE + message.id, b"") != (row := _encode(message)):
                entries.append((MESSAGE + message.id, row))
        entries += [(key, b"") for key in self._moved]
        if self._stored is not None:
            self._stored.update(key for key, _ in entries if key.startswith((SESSION, MESSAGE)))
        self._moved, self._sessions.deleted, self._messages.deleted = {}, set(), set()
        self.buckets.append(entries)
        if len(self.buckets.pending) > MAX_PENDING_BYTES:
            self.buckets.flush()


def _ended_sessions(state: State, limit: Instant) -> Iterator[Session]:
    """Yield the sessions that were over before `limit`, and have no claim, no wait and no part in a recent message."""
    busy = {request.session for request in (*state.claims.values(), *state.waits.values())}
    for message in (state.messages[name] for name in state.recent):
        busy |= {message.session, *message.to}
    for session in state.sessions.values():
        is_over = not session.live and session.status != "imported" and "" < session.over_at < limit
        if is_over and session.id not in busy:
            yield session


def _ended_messages(state: State, sessions: Rows[Session]) -> Iterator[Message]:
    """Yield the messages that concern only sessions whose rows are not in the state."""
    recent = set(state.recent)
    for message in state.messages.values():
        waiting = message.unread_by | message.excused
        is_kept = message.unacknowledged_by or any(map(sessions.has, waiting)) or message.id in recent
        if waiting and not is_kept and not is_open(message, state.at):
            yield message


def _session_entries(session: Session) -> list[Entry]:
    """Return the row of a session, and its id in the lists by which it can be found."""
    lists = {
        "name": session.name,
        "conversation": session.client_session,
        "person": session.name if session.person and not session.continued_by else "",
        "letter": session.id[0],
    }
    name = session.id.encode()
    return [(SESSION + session.id, _encode(session)), *((f"{k}/{v}", name) for k, v in lists.items() if v)]


class StoredPositions:
    """The final positions of archived journals in a store; none if the store is damaged, which `damaged` then says."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets, self.damaged = buckets, False
        self._all: dict[str, Position] | None = None  # if all were read

    def get(self, name: str, /) -> Position | None:
        """Return the position in a journal, or None."""
        if self._all is not None:
            return self._all.get(name)
        try:
            *_, row = self._buckets.get(JOURNAL + name) or [b""]
            return _decode_position(row) if row else None
        except (CacheDamaged, *DECODE_ERRORS):
            self.damaged = True
            return None

    def __iter__(self) -> Iterator[str]:
        if self._all is None:
            try:
                rows = dict(self._buckets.every(JOURNAL))
                self._all = {key.removeprefix(JOURNAL): _decode_position(row) for key, row in rows.items() if row}
            except (CacheDamaged, *DECODE_ERRORS):
                self._all, self.damaged = {}, True
        return iter(self._all)


def final_positions(folder: str, store: StoreVersion) -> dict[str, Position]:
    """Return the final positions of all archived journals that a checkpoint in a cache folder knows."""
    stored = StoredPositions(Buckets(folder, store.head, store.pending))
    return dict(Archive(store.archive, stored).items())
