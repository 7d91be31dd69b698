"""Generate realistic histories of any length from a seed. The same seed and end time give the same bytes.

Some sessions work at a time. Most of their events are heartbeats; they also claim, renew and release files, and send
and read messages. A session ends after some events and another takes its place. A `Shape` says how many there are: by
default, twenty sessions of about two thousand events each, so a million events make about five hundred journals. Each
request records the outcome that the rules give at its time, and times only increase, so the log is one that `coord`
could have written.

Lines are written in large chunks and are not synced.
"""

import math
import os
import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    EVERYONE,
    MAX_TTL_S,
    VERSION,
    Anchor,
    AnyPayload,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    EventId,
    MessageRead,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionStarted,
    from_micros,
)
from eventlog.local.files import JOURNAL_SUFFIX
from projections.rules.claims import index_of
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.histories import honestly_told

T = TypeVar("T")
SEED = 20261122
SESSIONS = 20  # at a time
LIFE = 2000  # events of a session, on average
GAP = 3_000_000  # microseconds between events: with twenty sessions, each writes one a minute
MOST_CLAIMS = 3  # held by one session
TTLS_S = (600, 1200, 3600)
_CHUNK = 1 << 16  # bytes that are buffered before they are written
_OTHERS = {"ask": 6, "renew": 3, "release": 5, "send": 3, "read": 3}  # of a hundred events; the rest are heartbeats


class Shape(Struct, frozen=True):
    """What a history is like: how many sessions are live at a time, how many events each writes, and how many files
    there are. With `claims`, about as many claims are active at any time; `patterns` of them are for patterns.
    """

    sessions: int = SESSIONS
    life: int = LIFE
    files: int = 400
    claims: int = 0
    patterns: int = 0


class Journal(Struct):
    """A session's journal while it is written; `left` is how many events remain before the session ends."""

    id: str
    left: int
    n: int = 0
    digest: bytes = NO_HASH
    lines: bytearray = bytearray()


class Author:
    """Writes a history into a log folder; each call of `write` continues it.

    The sessions are on `machine`, in `folder`, and each has one of the `anchors`, in turn, if there are any. `state` is
    the state after the events so far. `mentions` counts the events about each resource, and `messages` has the ids of
    all messages.
    """

    def __init__(
        self,
        log: str,
        *,
        seed: int = SEED,
        shape: Shape | None = None,
        machine: str = "bench",
        folder: str = "",
        anchors: Sequence[Anchor] = (),
    ) -> None:
        self.log, self.seed = log, seed
        self.shape = shape = shape or Shape()
        self.machine, self.folder, self.anchors = machine, folder, anchors
        self.rng, self.state, self.begun = random.Random(seed), State(), 0
        self.open: list[Journal] = []
        self.mentions: Counter[str] = Counter()
        self.messages: list[EventId] = []
        self.files = [f"src/{self._one(_PARTS)}/{self._one(_PARTS)}_{i}.py" for i in range(shape.files)]
        self.patterns = [_pattern(i) for i in range(4 * shape.patterns)]
        self.pattern_share = shape.patterns / shape.claims if shape.claims else 0.0
        self.most_claims = math.ceil(shape.claims / shape.sessions) or MOST_CLAIMS
        self.ttls_s = (MAX_TTL_S,) if shape.claims else TTLS_S
        self.beats = [self._beat() for _ in range(500)]
        self.kinds = [kind for kind, count in _OTHERS.items() for _ in range(count)]
        self.makers = {
            "ask": self._ask,
            "renew": self._renew,
            "release": self._release,
            "send": self._send,
            "read": self._read,
        }

    def write(self, events: int, end: int, gap: int = GAP) -> None:
        """Write `events` more events, about `gap` microseconds apart, the last one at `end`."""
        for left in range(events - 1, -1, -1):
            early = int(self.rng.random() * gap * 0.99) if left else 0
            self._write_one(from_micros(end - left * gap - early), left)
        for journal in self.open:
            self._flush(journal)

    def _write_one(self, at: str, left: int) -> None:
        if len(self.open) < self.shape.sessions:
            journal = self._begin()
            payload: AnyPayload = self._start()
        else:
            journal = self.open[int(self.rng.random() * len(self.open))]
            payload = self._next(journal, at, left)
        event = Event(v=VERSION, at=at, session=journal.id, n=journal.n + 1, payload=payload)
        self._count(event)
        line, journal.digest = encode_line(event, journal.digest)
        journal.n, journal.left = event.n, journal.left - 1
        journal.lines += line
        fold(self.state, (event,))
        if type(payload) is SessionEnded:
            self.open.remove(journal)
        if len(journal.lines) > _CHUNK or type(payload) is SessionEnded:
            self._flush(journal)

    def _count(self, event: Event) -> None:
        payload = event.payload
        if type(payload) is SessionHeartbeat:
            self.mentions.update(f"file/{name}" for name in payload.files)
        elif type(payload) is ClaimRequested:
            self.mentions[payload.resource] += 1
        elif isinstance(payload, ClaimRenewed | ClaimReleased):
            self.mentions[self.state.claims[payload.claim].resource] += 1
        elif type(payload) is MessageSent:
            self.messages.append(event.id)

    def _flush(self, journal: Journal) -> None:
        with open(os.path.join(self.log, journal.id + JOURNAL_SUFFIX), "ab") as file:
            file.write(journal.lines)
        journal.lines = bytearray()

    def _begin(self) -> Journal:
        self.begun += 1
        life = self.shape.life // 2 + int(self.rng.random() * self.shape.life)
        if self.begun <= self.shape.sessions:  # as if they had started at different times
            life = 1 + int(self.rng.random() * life)
        name = f"{self._one(_ADJECTIVES)}-{self._one(_ANIMALS)}-{self.begun:04}-{self.seed % 9973:04}"
        self.open.append(Journal(name, life))
        return self.open[-1]

    def _one(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    # --- payloads ---------------------------------------------------------------------------------------------------

    def _next(self, journal: Journal, at: str, left: int) -> AnyPayload:
        """Return the next event of a session. A session with no events left reads its messages and ends.

        Near the end of the history no session ends.
        """
        chance = self.rng.random() * 100
        if len(self.state.claims) < self.shape.claims and (asked := self._ask(journal.id, at)):
            return asked
        if journal.left <= 0 and left > 2 * self.shape.sessions:
            return self._read(journal.id, at) or SessionEnded(summary=f"finished {self._one(self.files)}")
        payload = self.makers[self.kinds[int(chance)]](journal.id, at) if chance < len(self.kinds) else None
        return payload or self.beats[int(self.rng.random() * len(self.beats))]

    def _start(self) -> SessionStarted:
        return SessionStarted(
            client=self._one(("claude-code", "claude-code", "codex", "gemini", "shell")),
            name=f"worker-{self.begun}",
            machine=self.machine,
            anchor=self.anchors[self.begun % len(self.anchors)] if self.anchors else None,
            folder=self.folder,
            branch=f"topic-{self.begun}",
            worktree=self.folder,
        )

    def _beat(self) -> SessionHeartbeat:
        percent = int(self.rng.random() * 21) * 5
        return SessionHeartbeat(
            action=self._one(("building", "testing", "reviewing", "fixing", "reading")),
            target=self._one(_PARTS),
            phase=self._one(("SPECS", "BUILD - first half", "BUILD - tests", "PRODUCTION")),
            progress=f"{percent}%",
            percent=percent,
            next_action=self._one(("", "write the tests", "ask for a review", "look at the failing run")),
            files=(self._one(self.files),) if percent % 2 else (),
        )

    def _held(self, session: str) -> list[str]:
        return [claim.id for claim in index_of(self.state).claims.of_session(session)]

    def _ask(self, session: str, at: str) -> AnyPayload | None:
        as_of(self.state, at)
        if len(self._held(session)) >= self.most_claims:
            return None
        name = self._one(self.patterns if self.rng.random() < self.pattern_share else self.files)
        resource, ttl_s = f"file/{name}", self._one(self.ttls_s)
        request = ClaimRequested(
            resource=resource, mode="exclusive", ttl_s=ttl_s, told="granted", note="the next piece"
        )
        told = honestly_told(self.state, session, at, request)
        return ClaimRequested(resource=resource, mode="exclusive", ttl_s=ttl_s, told=told, note="the next piece")

    def _renew(self, session: str, at: str) -> AnyPayload | None:
        as_of(self.state, at)
        held = self._held(session)
        return ClaimRenewed(claim=self._one(held), ttl_s=TTLS_S[-1]) if held else None

    def _release(self, session: str, at: str) -> AnyPayload | None:
        as_of(self.state, at)
        held = self._held(session)
        return ClaimReleased(claim=held[0]) if held else None

    def _send(self, session: str, at: str) -> AnyPayload | None:
        others = [journal.id for journal in self.open if journal.id != session]
        if not others:
            return None
        subject = self._one(("Question", "Done", "Heads up", "Review please"))
        body = f"About {self._one(self.files)}: " + "it works now, and the tests pass. " * int(
            1 + self.rng.random() * 5
        )
        if self.rng.random() < 0.1:
            return MessageSent(to=EVERYONE, subject=subject, body=body)
        return MessageSent(to=(self._one(others),), subject=subject, body=body)

    def _read(self, session: str, at: str) -> AnyPayload | None:
        known = self.state.sessions[session]
        ids = dict.fromkeys([*known.unread, *(notice.id for notice in known.notices)])
        return MessageRead(messages=tuple(ids)) if ids else None


def _pattern(i: int) -> str:
    """Return a pattern that overlaps none of the others, nor any of the files. Every fifth has no common folder."""
    return f"src/area_{i}/**/*.py" if i % 5 else f"**/generated_{i}.json"


_PARTS = tuple("parser lexer planner cache router schema auth mail billing search upload export".split())
_ADJECTIVES = tuple("amber brown coral dusky early faint green hazel ivory jolly".split())
_ANIMALS = tuple("otter hare swift wren lynx mole newt owl pike robin".split())
