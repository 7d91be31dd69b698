"""A seeded generator of realistic histories, of any length: the same seed and end give the same bytes.

Twenty sessions work at a time. Nearly all that they say is a heartbeat; they ask for files and renew and give them
back, write to each other and read it. After about two thousand events a session ends, and another takes its place, so a
million events have some five hundred journals. What each was told is what the rules said at that moment, and times
rise, so the log is as honest as one that `coord` has written.

Lines are written in large pieces and are not synced.
"""

import os
import random

from msgspec import Struct

from eventlog.codec import NO_HASH, encode_line
from eventlog.events import (
    EVERYONE,
    VERSION,
    Anchor,
    AnyPayload,
    ClaimReleased,
    ClaimRenewed,
    ClaimRequested,
    Event,
    MessageRead,
    MessageSent,
    SessionEnded,
    SessionHeartbeat,
    SessionStarted,
    from_micros,
)
from eventlog.local.files import JOURNAL_SUFFIX
from projections.rules.fold import as_of, fold
from projections.rules.state import State
from tests.support.histories import honestly_told

SEED = 20261122
SESSIONS = 20  # at a time
LIFE = 2000  # events of a session, about
GAP = 3_000_000  # microseconds from one event to the next: twenty sessions that each say something every minute
MOST_CLAIMS = 3  # of one session
TTLS_S = (600, 1200, 3600)
_PIECE = 1 << 16  # bytes that are kept before they are written
_OTHERS = {"ask": 6, "renew": 3, "release": 5, "send": 3, "read": 3}  # in a hundred events; all else are heartbeats


class Journal(Struct):
    """One session's journal while it is written: how far it is, and how many events are left of its life."""

    id: str
    left: int
    n: int = 0
    digest: bytes = NO_HASH
    lines: bytearray = bytearray()


class Author:
    """Writes a history into a log folder, and goes on with it as often as it is asked to.

    The sessions are of `machine`, in `folder`, all with the same `anchor` if one is given. `state` is what was folded.
    """

    def __init__(
        self,
        log: str,
        *,
        seed: int = SEED,
        sessions: int = SESSIONS,
        life: int = LIFE,
        machine: str = "bench",
        folder: str = "",
        anchor: Anchor | None = None,
    ) -> None:
        self.log, self.seed, self.sessions, self.life = log, seed, sessions, life
        self.machine, self.folder, self.anchor = machine, folder, anchor
        self.rng, self.state, self.begun = random.Random(seed), State(), 0
        self.open: list[Journal] = []
        self.files = [f"src/{self._one(_PARTS)}/{self._one(_PARTS)}_{i}.py" for i in range(400)]
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
        """So many events more, the last of them at `end`, the others `gap` microseconds apart, about."""
        for left in range(events - 1, -1, -1):
            early = int(self.rng.random() * gap * 0.99) if left else 0
            self._write_one(from_micros(end - left * gap - early), left)
        for journal in self.open:
            self._put_down(journal)

    def _write_one(self, at: str, left: int) -> None:
        if len(self.open) < self.sessions:
            journal = self._begin()
            payload: AnyPayload = self._start()
        else:
            journal = self.open[int(self.rng.random() * len(self.open))]
            payload = self._next(journal, at, left)
        event = Event(v=VERSION, at=at, session=journal.id, n=journal.n + 1, payload=payload)
        line, journal.digest = encode_line(event, journal.digest)
        journal.n, journal.left = event.n, journal.left - 1
        journal.lines += line
        fold(self.state, (event,))
        if type(payload) is SessionEnded:
            self.open.remove(journal)
        if len(journal.lines) > _PIECE or type(payload) is SessionEnded:
            self._put_down(journal)

    def _put_down(self, journal: Journal) -> None:
        with open(os.path.join(self.log, journal.id + JOURNAL_SUFFIX), "ab") as file:
            file.write(journal.lines)
        journal.lines = bytearray()

    def _begin(self) -> Journal:
        self.begun += 1
        life = self.life // 2 + int(self.rng.random() * self.life)
        if self.begun <= self.sessions:  # as if they had begun at different times
            life = 1 + int(self.rng.random() * life)
        name = f"{self._one(_ADJECTIVES)}-{self._one(_ANIMALS)}-{self.begun:04}-{self.seed % 9973:04}"
        self.open.append(Journal(name, life))
        return self.open[-1]

    def _one(self, options: tuple[str, ...] | list[str]) -> str:
        return options[int(self.rng.random() * len(options))]

    # --- what they say ----------------------------------------------------------------------------------------------

    def _next(self, journal: Journal, at: str, left: int) -> AnyPayload:
        """One that is at the end of its life reads what was written to it, and ends; not at the end of the history."""
        chance = self.rng.random() * 100
        if journal.left <= 0 and left > 2 * self.sessions:
            return self._read(journal.id, at) or SessionEnded(summary=f"finished {self._one(self.files)}")
        made = self.makers[self.kinds[int(chance)]](journal.id, at) if chance < len(self.kinds) else None
        return made or self.beats[int(self.rng.random() * len(self.beats))]

    def _start(self) -> SessionStarted:
        return SessionStarted(
            client=self._one(("claude-code", "claude-code", "codex", "gemini", "shell")),
            name=f"worker-{self.begun}",
            machine=self.machine,
            anchor=self.anchor,
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
        return [claim.id for claim in self.state.claims.values() if claim.session == session]

    def _ask(self, session: str, at: str) -> AnyPayload | None:
        as_of(self.state, at)
        if len(self._held(session)) >= MOST_CLAIMS:
            return None
        resource, ttl_s = f"file/{self._one(self.files)}", TTLS_S[int(self.rng.random() * len(TTLS_S))]
        asked = ClaimRequested(resource=resource, mode="exclusive", ttl_s=ttl_s, told="granted", note="the next piece")
        told = honestly_told(self.state, session, at, asked)
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


_PARTS = tuple("parser lexer planner cache router schema auth mail billing search upload export".split())
_ADJECTIVES = tuple("amber brown coral dusky early faint green hazel ivory jolly".split())
_ANIMALS = tuple("otter hare swift wren lynx mole newt owl pike robin".split())
