"""One run of one command: the shared options, and the three things that a command does: look, act, and say."""

import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from coord.engine.snapshot import Present
from coord.engine.transaction import Moment, Outcome, transact
from coord.errors import CoordError, no_session, wrong
from coord.render.format import clock, json_text, plain
from coord.workspace.config import Config, read_config
from coord.workspace.identity import Identity, identify
from coord.workspace.identity import find as find_identity
from coord.workspace.paths import Place, find
from coord.workspace.system import World
from eventlog.events import LONGEST_TEXT, Instant
from projections.rules.state import Session, State

if TYPE_CHECKING:
    from coord.engine.history import Past

T = TypeVar("T")
_MOST_INPUT = 4 * LONGEST_TEXT  # bytes that the longest text can have


def waiting_mail(session: Session) -> int:
    """How much a session has to read: messages and notices."""
    return len(session.unread) + len(session.notices)


class Run:
    """A command's world and options. `place` and `config` are read when they are first needed."""

    def __init__(self, world: World, root: str | None = None, session: str = "", json: bool = False) -> None:
        self.world, self.root, self.session, self.json = world, root, session, json
        self._me: Identity | None = None
        self._mail = 0  # what the one who acted has to read
        self._began_gone = False  # whether its process was gone already when it was decided who acts

    @cached_property
    def place(self) -> Place:
        """The shared folder. Raises CoordError (4) if there is none."""
        return find(self.world, self.root)

    @cached_property
    def config(self) -> Config:
        """The folder's settings."""
        return read_config(self.place)

    def look(self, at: str | None = None) -> Present:
        """The present state, or the one at a past moment as a person names it, read without a lock."""
        if at is not None:
            present = self.look_back().look(at)
            self.note(f"as it was at {clock(present.at, '', seconds=True)}")
            return present
        present = Present(self.world, self.place)
        present.catch_up(snapshot=True)
        return present

    def look_back(self, *, lines: bool = False, follows: bool = False) -> "Past":
        """The whole history, read without a lock."""
        from coord.engine.history import Past  # 4 % of `coord claims`, which needs none of it

        return Past(self.world, self.place, lines=lines, follows=follows)

    def act(
        self,
        decide: Callable[[Moment], T],
        who: Callable[[Moment], Identity] | None = None,
        prepare: Callable[[State, Instant], object] | None = None,
    ) -> Outcome[T]:
        """Let `decide` act as this session, or as `who` says; tell what was noticed on the way. `prepare` as in
        `transact`.

        Who acts is decided once in a run: what happens to the shell meanwhile does not make it another session.
        """
        notes: list[str] = []
        try:
            outcome = transact(self.world, self.place, self.config, decide, who or self._who, notes, prepare)
        finally:
            for text in notes:
                self.note(text)
        self._me, self._began_gone = outcome.me, False  # whoever acts is anchored anew
        session = outcome.present.state.sessions.get(outcome.me.session)
        self._mail = waiting_mail(session) if session and session.live else 0
        return outcome

    def _who(self, moment: Moment) -> Identity:
        if self._me is None:
            return identify(self.world, moment.state, self.session)
        session = moment.state.sessions.get(moment.state.follow(self._me.session))
        evidence = self.world.gone(session) if session and not self._began_gone else ""
        if session and evidence:  # what a shell left running must not make its session live again, tied to nothing
            raise no_session(f"session {session.id} is over: {evidence}. Nothing was done.")
        return replace(self._me, session=session.id if session else self._me.session)

    def note_troubles(self, present: Present) -> None:
        """Tell of a clock that is behind and of damage, to someone who looks."""
        for text in present.troubles(again=True):
            self.note(text)

    def look_as_me(self) -> tuple[Present, Identity]:
        """The present state, and who acts. A client's conversation that is new becomes a session here."""
        present = self.look()
        try:
            self._me = identify(self.world, present.state, self.session)
        except CoordError:
            self.note_troubles(present)
            raise
        if not self._me.session:
            self._me = None
            self._me = self.act(lambda _: None).me
            present = self.look()
        else:
            self._began_gone = bool(self.world.gone(present.state.sessions[self._me.session]))
        return present, self._me

    def perhaps_me(self, present: Present) -> str:
        """This session's id if that can be told: for a view that shows everyone, and marks us."""
        try:
            found = find_identity(self.world, present.state, self.session)
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
        shown = json_text({"note": text}, indent=None) if self.json else f"coord: note: {plain(text)}"
        sys.stderr.write(shown + "\n")

    def body(self, text: str | None) -> str:
        """A text argument, where `-` means standard input."""
        if text != "-":
            return text or ""
        data = sys.stdin.buffer.read(_MOST_INPUT + 1)
        if len(data) > _MOST_INPUT:
            raise wrong(
                f"standard input has more than {_MOST_INPUT} bytes; a text has {LONGEST_TEXT} characters at most. "
                "Nothing was sent. Put it into a file and send its path."
            )
        try:
            return data.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise wrong("standard input is not valid UTF-8. Nothing was sent.") from None
