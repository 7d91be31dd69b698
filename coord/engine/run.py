"""One run of one command: its shared options, and how it reads the state, appends to the log and prints its result."""

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.engine.transaction import Outcome, Transaction, transact
from coord.errors import CoordError, no_session, usage_error
from coord.platform.terminal import is_drawable
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
    from coord.render.styled import Section

T = TypeVar("T")
_MAX_INPUT = 4 * MAX_TEXT_LENGTH  # the bytes that the longest text can have in UTF-8


def unread_count(session: Session) -> int:
    """Return how many messages and notices a session has not read."""
    return len(session.unread) + len(session.notices)


class Run:
    """A command's system and options. `workspace` and `config` are read when they are first needed."""

    def __init__(self, system: System, root: str | None = None, session: str = "", json: bool = False) -> None:
        self.system, self.root, self.session, self.json = system, root, session, json
        self._me: Identity | None = None
        self._unread = 0  # of the acting session
        self._anchor_was_gone = False  # whether its process was gone already when the session was identified

    @cached_property
    def workspace(self) -> Workspace:
        """The shared folder. Raises CoordError (4) if there is none."""
        return find_workspace(self.system, self.root)

    @cached_property
    def config(self) -> Config:
        """The folder's settings."""
        return read_config(self.workspace)

    def read_state(self, at: str | None = None) -> Snapshot:
        """Return the present state, or the one at the point in time that `at` names, read without a lock."""
        if at is not None:
            snapshot = self.full_history().snapshot_at(at)
            self.note(f"as it was at {time_text(snapshot.at, '', seconds=True)}")
            return snapshot
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(consistent=True)
        return snapshot

    def full_history(self, *, lines: bool = False, follows: bool = False) -> "FullHistory":
        """Return the whole history, read without a lock."""
        from coord.engine.history import FullHistory  # loading it takes 4 % of `coord claims`, which does not need it

        return FullHistory(self.system, self.workspace, lines=lines, follows=follows)

    def transact(
        self,
        decide: Callable[[Transaction], T],
        who: Callable[[Transaction], Identity] | None = None,
        prepare: Callable[[State, Instant], object] | None = None,
    ) -> Outcome[T]:
        """Call `decide` in a transaction, as this session or the one that `who` returns, and print the notes.

        `prepare` is as in `coord.engine.transaction.transact`. The session is identified once in a run, so it stays the
        same even if the shell ends meanwhile.
        """
        notes: list[str] = []
        try:
            outcome = transact(self.system, self.workspace, self.config, decide, who or self._who, notes, prepare)
        finally:
            for text in notes:
                self.note(text)
        self._me, self._anchor_was_gone = outcome.me, False  # the transaction has given it a new anchor if needed
        session = outcome.snapshot.state.sessions.get(outcome.me.session)
        self._unread = unread_count(session) if session and session.live else 0
        return outcome

    def _who(self, transaction: Transaction) -> Identity:
        if self._me is None:
            return identify(self.system, transaction.state, self.session)
        session = transaction.state.sessions.get(transaction.state.current_session(self._me.session))
        evidence = self.system.death_evidence(session) if session and not self._anchor_was_gone else ""
        if session and evidence:  # a command that outlives its shell must not revive the shell's session
            raise no_session(f"session {session.id} is dead: {evidence}. Nothing was done.")
        return replace(self._me, session=session.id if session else self._me.session)

    def note_problems(self, snapshot: Snapshot) -> None:
        """Print notes about the problems of the journals and of the clock, for a command that only reads."""
        for text in snapshot.problem_notes(again=True):
            self.note(text)

    def read_as_session(self) -> tuple[Snapshot, Identity]:
        """Return the present state and the acting session. A client's new conversation is started as a session."""
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
        """Return this session's id, for a view that marks this session; empty if it is unknown.

        Raises CoordError (3) only if --session names no session.
        """
        try:
            identity = find_identity(self.system, snapshot.state, self.session)
        except CoordError:
            if self.session:
                raise
            return ""
        return identity.session if identity else ""

    def say(self, text: str, data: object) -> None:
        """Print the result: `text`, or `data` as a JSON document."""
        if self.json:
            text = json_text(data)
        elif self._unread:
            text += f"\n📬 {self._unread} unread: coord inbox"
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()

    def show(self, sections: "Sequence[Section]", data: object) -> None:
        """Print sections: fitted to the window and with styles on a terminal, otherwise as plain text or JSON."""
        if self.json:
            self.say("", data)
        elif is_drawable(sys.stdout, self.system.env):
            from coord.render.console.layout import drawn  # loads Rich, which only a terminal needs

            self.say(drawn(sections, self.system.env), data)
        else:
            from coord.render.styled import plain_text  # most commands print a line or two without it

            self.say(plain_text(sections), data)

    def note(self, text: str) -> None:
        """Print a note on standard error."""
        shown = json_text({"note": text}, indent=None) if self.json else f"coord: note: {terminal_text(text)}"
        sys.stderr.write(shown + "\n")

    def body(self, text: str | None) -> str:
        """Return a text argument, or the content of standard input for `-`. Raises CoordError (2)."""
        if text != "-":
            return text or ""
        data = sys.stdin.buffer.read(_MAX_INPUT + 1)
        if len(data) > _MAX_INPUT:
            raise usage_error(
                f"standard input has more than {_MAX_INPUT} bytes; a text has {MAX_TEXT_LENGTH} characters at most. "
                "Nothing was sent. Put it into a file and send its path."
            )
        try:
            return data.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise usage_error("standard input is not valid UTF-8. Nothing was sent.") from None
