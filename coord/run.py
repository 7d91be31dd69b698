"""One run of one command: the shared options, and the three things that a command does: look, act, and say."""

import sys
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import msgspec

from coord.config import Config, read_config
from coord.errors import CoordError, wrong
from coord.folder import Place, find
from coord.identity import Identity, identify
from coord.identity import find as find_identity
from coord.present import Present
from coord.transaction import Moment, Outcome, transact
from coord.views import clock_note
from coord.world import World

T = TypeVar("T")


class Run:
    """A command's world and options. `place` and `config` are read when they are first needed."""

    def __init__(self, world: World, root: str | None = None, session: str = "", json: bool = False) -> None:
        self.world, self._root, self.session, self.json = world, root, session, json

    @cached_property
    def place(self) -> Place:
        """The shared folder. Raises CoordError (4) if there is none."""
        return find(self.world, self._root)

    @cached_property
    def config(self) -> Config:
        """The folder's settings."""
        return read_config(self.place)

    def look(self) -> Present:
        """The present state, read without a lock. What is wrong with the log is noted once."""
        present = Present(self.world, self.place)
        present.catch_up()
        return present

    def act(self, decide: Callable[[Moment], T], who: Callable[[Moment], Identity] | None = None) -> Outcome[T]:
        """Let `decide` act as this session, or as `who` says; tell what was noticed on the way."""
        outcome = transact(self.world, self.place, self.config, decide, who=who, session=self.session)
        for text in outcome.notes:
            self.note(text)
        self.note_troubles(outcome.present)
        return outcome

    def note_troubles(self, present: Present) -> None:
        """Tell of a clock that is behind, and of damage that is new, in a line each; the board shows all of it."""
        if present.behind_s >= 1:
            self.note(clock_note(present))
        findings = present.new_findings()
        if findings:
            more = f" (and {len(findings) - 1} more: coord status)" if len(findings) > 1 else ""
            self.note(findings[0].text + more)

    def look_as_me(self) -> tuple[Present, Identity]:
        """The present state, and who acts. A client's conversation that is new becomes a session here."""
        present = self.look()
        identity = identify(self.world, present.state, self.session)
        if not identity.session:
            self.act(lambda _: None)
            present = self.look()
            identity = identify(self.world, present.state, self.session)
        return present, identity

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
            text = msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something beside the result, on standard error."""
        sys.stderr.write(f"coord: note: {text}\n")

    def body(self, text: str | None) -> str:
        """A text argument, where `-` means standard input."""
        if text != "-":
            return text or ""
        data = sys.stdin.buffer.read()
        try:
            return data.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise wrong("standard input is not valid UTF-8. Nothing was sent.") from None
