"""The session of the person who acts from the page.

It is the session of the terminal in which `coord web` runs, if a person has one there. Otherwise the first action
begins one, which continues an earlier session of the person. Its anchor is the server's process, and it is ended
when the server ends. If it ended or died in the meantime, the next action begins another.
"""

from functools import cached_property

from msgspec.structs import replace

from coord.engine.run import begin_person_session, find_identity
from coord.engine.snapshot import Snapshot
from coord.engine.transact import transact
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.workspace.config import read_config
from coord.workspace.identity import Identity, own_anchor
from coord.workspace.paths import Workspace
from coord.workspace.people import earlier_session, is_person, person_name
from coord.workspace.system import System
from eventlog.events import SessionEnded
from projections.rules.state import State

_HOW = "the page"
_END_WAIT_S = 2  # for the machine's lock; Ctrl-C must end the server soon
_NOTE = "You act from this page as the session {}. It ends when coord web ends."


class PersonSession:
    """The session of the page's person. `session` is its id, or empty if there is none yet.

    `given` names the session that acts instead, as the option --session does.
    """

    def __init__(self, system: System, workspace: Workspace, given: str = "") -> None:
        self._system, self._workspace, self._given = system, workspace, given
        self.session = ""
        self.is_own = False  # whether it was begun here, so that it ends with the server

    def find(self, state: State) -> str:
        """Return the person's session in a state without beginning one, or "". Raises CoordError (3)."""
        if self.is_own:
            return self.session if _is_usable(state, self.session) else ""
        identity = find_identity(self._system, state, self._given)
        if identity is None or not identity.session:
            return ""
        if self._given:
            return identity.session  # a dead one is live again with its next command
        session = state.sessions.get(identity.session)
        if session is None or not session.live:
            return ""
        return session.id if is_person(self._system, identity, session) else ""

    def find_or_earlier(self, state: State) -> str:
        """Return the person's session, or else the earlier one that the next action would continue, or "".

        What was sent to the earlier one is for the person too. Raises CoordError (3).
        """
        return self.find(state) or ("" if self._given else earlier_session(self._system, state, self._name))

    @cached_property
    def _name(self) -> str:
        return person_name(self._system, self._workspace)  # runs git

    def begin(self) -> list[str]:
        """Begin the session if there is none, and return the notes about that. It waits for the machine's lock.

        Raises CoordError.
        """
        notes: list[str] = []
        snapshot = Snapshot(self._system, self._workspace)
        snapshot.catch_up(consistent=True)
        if found := self.find(snapshot.state):
            self.session = found
            return notes
        name = self._name  # asks git, so not under the lock

        def who(transaction: Transaction) -> Identity:
            if known := self.find(transaction.state):
                return Identity(known, _HOW)
            self.is_own = True
            return begin_person_session(transaction, name, own_anchor(self._system), _NOTE)

        config = read_config(self._workspace)
        self.session = transact(self._system, self._workspace, config, lambda _: None, who, notes).me.session
        return notes

    def end(self) -> None:
        """End the session if it was begun here. Raises no error: if this fails, the session dies with the process."""
        if not self.is_own:
            return
        session, self.is_own = self.session, False

        def decide(transaction: Transaction) -> None:
            if _is_usable(transaction.state, session):
                transaction.append(SessionEnded(reason="coord web has ended"))

        try:
            who = Identity(session, _HOW)
            config = replace(read_config(self._workspace), lock_wait_seconds=_END_WAIT_S)
            transact(self._system, self._workspace, config, decide, lambda _: who, [])
        except (CoordError, OSError):
            return


def _is_usable(state: State, session: str) -> bool:
    known = state.sessions.get(session)
    return known is not None and known.live
