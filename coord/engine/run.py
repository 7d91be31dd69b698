"""One run of one command: the shared options, and the three things that a command does: look, act, and say."""

import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.engine.transaction import Outcome, Transaction, transact
from coord.errors import CoordError, no_session, usage_error
from coord.render.format import json_text, terminal_text, time_text
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, identify
from coord.workspace.identity import find_identity as find_identity
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import MAX_TEXT_LENGTH, Instant
from projections.rules.state import Session, State

if TYPE_CHECKING:
    from coord.engine.history import FullHistory

T = TypeVar("T")
_MOST_INPUT = 4 * MAX_TEXT_LENGTH  # bytes that the longest text can have


def unread_count(session: Session) -> int:
    """How much a session has to read: messages and notices."""
    return len(session.unread) + len(session.notices)


class Run:
    """A command's world and options. `place` and `config` are read when they are first needed."""

    def __init__(self, system: System, root: str | None = None, session: str = "", json: bool = False) -> None:
        self.system, self.root, self.session, self.json = system, root, session, json
        self._me: Identity | None = None
        self._mail = 0  # what the one who acted has to read
        self._anchor_was_gone = False  # whether its process was gone already when it was decided who acts

    @cached_property
    def workspace(self) -> Workspace:
        """The shared folder. Raises CoordError (4) if there is none."""
        return find_workspace(self.system, self.root)

    @cached_property
    def config(self) -> Config:
        """The folder's settings."""
        return read_config(self.workspace)

    def read_state(self, at: str | None = None) -> Snapshot:
        """The present state, or the one at a past moment as a person names it, read without a lock."""
        if at is not None:
            snapshot = self.full_history().snapshot_at(at)
            self.note(f"as it was at {time_text(snapshot.at, '', seconds=True)}")
            return snapshot
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(consistent=True)
        return snapshot

    def full_history(self, *, lines: bool = False, follows: bool = False) -> "FullHistory":
        """The whole history, read without a lock."""
        from coord.engine.history import FullHistory  # 4 % of `coord claims`, which needs none of it

        return FullHistory(self.system, self.workspace, lines=lines, follows=follows)

    def transact(
        self,
        decide: Callable[[Transaction], T],
        who: Callable[[Transaction], Identity] | None = None,
        prepare: Callable[[State, Instant], object] | None = None,
    ) -> Outcome[T]:
        """Let `decide` act as this session, or as `who` says; tell what was noticed on the way. `prepare` as in
        `transact`.

        Who acts is decided once in a run: what happens to the shell meanwhile does not make it another session.
        """
        notes: list[str] = []
        try:
            outcome = transact(self.system, self.workspace, self.config, decide, who or self._who, notes, prepare)
        finally:
            for text in notes:
                self.note(text)
        self._me, self._anchor_was_gone = outcome.me, False  # whoever acts is anchored anew
        session = outcome.snapshot.state.sessions.get(outcome.me.session)
        self._mail = unread_count(session) if session and session.live else 0
        return outcome

    def _who(self, transaction: Transaction) -> Identity:
        if self._me is None:
            return identify(self.system, transaction.state, self.session)
        session = transaction.state.sessions.get(transaction.state.current_session(self._me.session))
        evidence = self.system.death_evidence(session) if session and not self._anchor_was_gone else ""
        if session and evidence:  # what a shell left running must not make its session live again, tied to nothing
            raise no_session(f"session {session.id} is over: {evidence}. Nothing was done.")
        return replace(self._me, session=session.id if session else self._me.session)

    def note_problems(self, snapshot: Snapshot) -> None:
        """Tell of a clock that is behind and of damage, to someone who looks."""
        for text in snapshot.problem_notes(again=True):
            self.note(text)

    def read_as_session(self) -> tuple[Snapshot, Identity]:
        """The present state, and who acts. A client's conversation that is new becomes a session here."""
        snapshot = self.read_state()
        try:
            self._me = identify(self.system, snapshot.state, self.session)
        except CoordError:
            self.note_problems(snapshot)
            raise
        if not self._me.session:
            self._me = None
            self._me = self.transact(lambda _: None).me
            snapshot = self.read_state()
        else:
            self._anchor_was_gone = bool(self.system.death_evidence(snapshot.state.sessions[self._me.session]))
        return snapshot, self._me

    def own_session_id(self, snapshot: Snapshot) -> str:
        """This session's id if that can be told: for a view that shows everyone, and marks us."""
        try:
            found = find_identity(self.system, snapshot.state, self.session)
        except CoordError:
            if self.session:
                raise
            return ""
        return found.session if found else ""

    def say(self, text: str, data: object) -> None:
        """The result: text for people, or the JSON document."""
        if self.json:
            text = json_text(data)
        elif self._mail:
            text += f"\n📬 {self._mail} unread: coord inbox"
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something beside the result, on standard error."""
        shown = json_text({"note": text}, indent=None) if self.json else f"coord: note: {terminal_text(text)}"
        sys.stderr.write(shown + "\n")

    def body(self, text: str | None) -> str:
        """A text argument, where `-` means standard input."""
        if text != "-":
            return text or ""
        data = sys.stdin.buffer.read(_MOST_INPUT + 1)
        if len(data) > _MOST_INPUT:
            raise usage_error(
                f"standard input has more than {_MOST_INPUT} bytes; a text has {MAX_TEXT_LENGTH} characters at most. "
                "Nothing was sent. Put it into a file and send its path."
            )
        try:
            return data.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise usage_error("standard input is not valid UTF-8. Nothing was sent.") from None
