"""One run of one command: its shared options, and how it reads the state, appends to the log and prints its result."""

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from coord.engine.snapshot import Snapshot
from coord.engine.transact import transact
from coord.engine.transaction import Outcome, Transaction
from coord.errors import CoordError, no_session, usage_error
from coord.render.console.output import print_note, print_text
from coord.render.format import json_text, line, shell_word, terminal_text, time_text
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, find_anchor, identify, session_started
from coord.workspace.identity import find_identity as find_identity
from coord.workspace.names import known_session
from coord.workspace.paths import Workspace, find_workspace
from coord.workspace.system import System
from eventlog.events import MAX_TEXT_LENGTH, Anchor, Instant
from projections.rules.state import Session, State

if TYPE_CHECKING:
    from coord.engine.history.full import FullHistory, Past
    from coord.render.styled import Section
    from projections.views.point_in_time import PointInTime

T = TypeVar("T")
_MAX_INPUT = 4 * MAX_TEXT_LENGTH  # the bytes that the longest text can have in UTF-8


def unread_count(session: Session) -> int:
    """Return how many messages and notices a session has not read."""
    return len(session.unread) + len(session.notices)


class Run:
    """A command's system and options. `workspace` and `config` are read when they are first needed.

    With `begins`, a person at a terminal without a session gets one.
    """

    def __init__(
        self, system: System, root: str | None = None, session: str = "", json: bool = False, *, begins: bool = False
    ) -> None:
        self.system, self.root, self.session, self.json, self.begins = system, root, session, json, begins
        self.offline = False  # whether claims are made without asking the other machines
        self._me: Identity | None = None
        self.words_again: Callable[[dict[str, object]], list[str]] | None = None  # of its command line, with changes
        self._person = ""  # the name for the session that this run begins for a person
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
            snapshot = self.open_past(lambda past: past.cut(at, "--at")).snapshot_at(at)
            self.note(f"as it was at {time_text(snapshot.at, '', seconds=True)}")
            return snapshot
        snapshot = Snapshot(self.system, self.workspace)
        snapshot.catch_up(consistent=True)
        return snapshot

    def full_history(self, *, lines: bool = False, follows: bool = False) -> "FullHistory":
        """Return the whole history, read without a lock."""
        from coord.engine.history.full import FullHistory  # slow to load: 4 % of `coord claims`, which does not need it

        return FullHistory(self.system, self.workspace, lines=lines, follows=follows)

    def open_past(self, earliest: "Callable[[Past], PointInTime]", *, with_waits: bool = False) -> "Past":
        """Return the history from some point before `earliest` on, as `coord.engine.history.recent.open_past` does."""
        from coord.engine.history.recent import open_past

        return open_past(self.system, self.workspace, earliest, with_waits=with_waits)

    def transact(
        self,
        decide: Callable[[Transaction], T],
        who: Callable[[Transaction], Identity] | None = None,
        prepare: Callable[[State, Instant], object] | None = None,
    ) -> Outcome[T]:
        """Call `decide` in a transaction, as this session or the one that `who` returns, and print the notes.

        `prepare` is as in `coord.engine.transact.transact`. The session is identified once in a run, so it stays the
        same even if the shell ends meanwhile.
        """
        notes: list[str] = []
        prepare = prepare or (self._prepare_person if self.begins and self._me is None else None)
        try:
            outcome = transact(
                self.system,
                self.workspace,
                self.config,
                decide,
                who or self._who,
                notes,
                prepare,
                offline=self.offline,
            )
        finally:
            for text in notes:
                self.note(text)
        self._me, self._anchor_was_gone = outcome.me, False  # the transaction has given it a new anchor if needed
        session = outcome.snapshot.state.sessions.get(outcome.me.session)
        self._unread = unread_count(session) if session and session.live else 0
        return outcome

    def _who(self, transaction: Transaction) -> Identity:
        if self._me is None:
            if self._person and find_identity(self.system, transaction.state, self.session) is None:
                return begin_person_session(transaction, self._person)
            return identify(self.system, transaction.state, self.session)
        session = known_session(transaction.state, self._me.session)
        evidence = "" if self._anchor_was_gone else self.system.death_evidence(session)
        if evidence:  # a command that outlives its shell must not revive the shell's session
            raise no_session(
                f"session {session.id} is dead: {evidence}. Nothing was done. To start another: coord start"
            )
        return replace(self._me, session=session.id)

    def _prepare_person(self, state: State, _now: Instant) -> None:
        """Find out, before the lock is taken, whether the session of a person must be begun, and its name."""
        if self._needs_person(state):
            from coord.workspace.people import person_name

            self._person = person_name(self.system, self.workspace)

    def _needs_person(self, state: State) -> bool:
        if not self.begins or not self.system.has_terminal():
            return False
        from coord.workspace.people import is_at_terminal  # most commands do not need it

        try:
            return find_identity(self.system, state, self.session) is None and is_at_terminal(self.system)
        except CoordError:
            return False

    def note_problems(self, snapshot: Snapshot) -> None:
        """Print notes about the problems of the journals and of the clock, for a command that only reads."""
        for text in snapshot.problem_notes(again=True):
            self.note(text)

    def read_as_session(self) -> tuple[Snapshot, Identity]:
        """Return the present state and the acting session.

        A client's new conversation is started as a session, and so is a person's shell if the command `begins` one.
        """
        snapshot = self.read_state()
        try:
            needs_person = self._needs_person(snapshot.state)
            self._me = None if needs_person else identify(self.system, snapshot.state, self.session)
        except CoordError:
            self.note_problems(snapshot)
            raise
        if self._me is None or not self._me.session:
            self._me = None
            self._me = self.transact(lambda _: None).me
            self._unread = 0  # commands that only read do not mention what is unread
            snapshot = self.read_state()
        else:
            session = known_session(snapshot.state, self._me.session)
            self._anchor_was_gone = bool(self.system.death_evidence(session))
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

    def repeat(self, name: str, **changes: object) -> str:
        """Return the command line of this run with other values of some options; `name` is its command's name."""
        again = self.words_again(changes) if self.words_again else [name]
        return " ".join(map(shell_word, ["coord", *again]))

    def say(self, text: str, data: object) -> bool:
        """Print the result: `text`, or `data` as a JSON document. Return whether it was written."""
        if self.json:
            text = json_text(data)
        elif self._unread:
            text += f"\n📬 {self._unread} unread: coord inbox"
        return print_text(text.rstrip("\n") + "\n")

    def show(self, sections: "Sequence[Section]", data: object) -> bool:
        """Print sections: fitted to the window and with styles on a terminal, otherwise as plain text or JSON.

        Return whether they were written.
        """
        from coord.platform.terminal import is_drawable  # few commands draw

        if self.json:
            return self.say("", data)
        if is_drawable(sys.stdout, self.system.env):
            from coord.render.console.layout import drawn  # loads Rich, which only a terminal needs

            return self.say(drawn(sections, self.system.env), data)
        from coord.render.styled import plain_text  # most commands print a line or two without it

        return self.say(plain_text(sections), data)

    def fitted(self, text: str) -> str:
        """Return the text of a list; on a terminal, rows that are too long for the window are wrapped between words."""
        from coord.platform.terminal import is_drawable, window_columns

        if self.json or not is_drawable(sys.stdout, self.system.env):
            return text
        columns = window_columns(sys.stdout, self.system.env)
        # No character has more cells than bytes.
        if all(len(row.encode(errors="replace")) <= columns for row in text.split("\n")):
            return text
        from coord.render.console.layout import wrapped_text

        return wrapped_text(text, columns)

    def note(self, text: str) -> None:
        """Print a note on standard error."""
        shown = json_text({"note": text}, indent=None) if self.json else f"coord: note: {terminal_text(text)}"
        print_note(shown)

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


_SHELL_NOTE = "this shell is now session {}; it ends with the shell, or with: coord end"


def begin_person_session(
    transaction: Transaction, wanted: str, anchor: Anchor | None = None, note: str = _SHELL_NOTE
) -> Identity:
    """Start the session of a person, with the name `wanted` or a similar one that is free.

    It depends on the process `anchor`, or else on the shell that runs this command. `note` is about its label.
    """
    from coord.workspace.people import SHELL, earlier_session, free_name

    system, state = transaction.system, transaction.state
    name = free_name(system, state, wanted)
    nearest = None if anchor else find_anchor(system)
    earlier = earlier_session(system, state, name)
    started = session_started(
        system,
        transaction.workspace,
        name=name,
        client=SHELL if anchor else "",
        anchor=anchor or (nearest[1] if nearest else None),
        continues=earlier,
        person=True,
    )
    transaction.start_session(Identity("", "just started"), started)
    continues = f", which continues {earlier}" if earlier else ""
    transaction.notes.append(note.format(f"{line(name)} ({transaction.me.session}){continues}"))
    return transaction.me
