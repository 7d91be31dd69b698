"""The one way to act: catch up, lock, catch up again, fold, decide, append, sync, write the board, unlock.

Under the lock the state is exactly what the journals say, so what a decision sees is what holds when its events are
written: on one machine claims are linearizable. A signal that would end the process waits until the lock is free, so
Ctrl-C leaves nothing half done.

Before anyone acts, deaths that this process notices are recorded (rule 9), and a session whose own process is gone
while it acts, or that its client resumed in another process, is anchored anew.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

from msgspec import Struct

from coord.engine.board import board_of
from coord.engine.guard_index import save_index
from coord.engine.snapshot import Snapshot
from coord.errors import no_log, no_session
from coord.platform.replace_file import replace_file
from coord.render.board.markdown import board_markdown
from coord.workspace.anchors import describe_pid
from coord.workspace.config import Config
from coord.workspace.identity import Identity, find_anchor, is_resumed, session_started
from coord.workspace.names import new_id
from coord.workspace.paths import Workspace, write_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import VERSION, Anchor, AnyPayload, Event, Instant, SessionPresumedDead, SessionStarted, add_time
from eventlog.local.journal import closed_reason
from eventlog.local.lock import locked
from eventlog.local.writer import JournalWriter
from eventlog.scanning import Position
from projections.rules.fold import as_of
from projections.rules.state import Session, State

T = TypeVar("T")


class Outcome(Struct, Generic[T]):
    """What a transaction brought: who acted, the state after it, and what the decision returned."""

    me: Identity
    snapshot: Snapshot
    value: T


class Transaction:
    """The inside of a transaction: the state at `at`, and the right to append as `me`.

    It has one time: the clock is read once, under the lock, however long the process is stopped in here; so what was
    granted or renewed has not run out by the time that it is told.
    """

    def __init__(self, system: System, workspace: Workspace, snapshot: Snapshot, notes: list[str]) -> None:
        self.system, self.workspace, self.snapshot, self.notes = system, workspace, snapshot, notes
        self.me = Identity("", "")
        self.appended = False
        self.outdated = not snapshot.fresh  # whether what is derived from the log is to be made anew in any case
        self._writer: JournalWriter | None = None
        self._wall = system.wall()
        self.at: Instant = ""
        self._advance_time()

    @property
    def state(self) -> State:
        """The state at `at`."""
        return self.snapshot.state

    def _advance_time(self) -> None:
        """Take the time of the next event: the wall clock, and later than all that was seen (hybrid time)."""
        wall, latest = self._wall, self.snapshot.history.latest
        self.at = max(wall, add_time(latest, micros=1)) if latest else wall
        as_of(self.state, self.at)

    def append(self, payload: AnyPayload) -> Event:
        """Write an event of this session at `at` and fold it; `at` is then the time of the next."""
        writer = self._writer or self._open()
        event = Event(v=VERSION, at=self.at, session=self.me.session, n=writer.n, payload=payload)
        writer.append(event)
        self.appended = True
        self.snapshot.fold_own(event, writer.position)
        self._advance_time()
        return event

    def _open(self) -> JournalWriter:
        position = self.snapshot.history.positions.get(self.me.session, Position())
        self._writer = JournalWriter(self.workspace.log, self.me.session, position)
        if self._writer.mended:
            self.notes.append(self._writer.mended)
            self.snapshot.catch_up()
            _check_complete(self.snapshot)
            self._advance_time()
        return self._writer

    def act_as(self, identity: Identity) -> None:
        """Act as a session, first making sure that it can: a new one is introduced, one whose journal takes no more
        goes on in a new one that continues it, and one whose process is gone, or whose client resumed it in another,
        is anchored anew.
        """
        self.me = identity
        session = self.state.sessions.get(identity.session)
        if session is None:
            hello = session_started(
                self.system,
                self.workspace,
                client=identity.client,
                client_session=identity.conversation,
                anchor=self.free_anchor("", identity.conversation),
            )
            self.start_session(identity, hello)
            self.notes.append(f"this conversation is session {self.me.session} from now on")
        elif reason := self._cannot_append(session.id):
            self.start_session(identity, self._restarted(session, self._kept_anchor(session), continues=session.id))
            self.notes.append(f"{session.id} goes on as {self.me.session}, because {reason}")
        elif session.status == "ended" and not identity.conversation:
            raise no_session(f"session {session.id} has ended. `coord start` begins another.")
        else:
            if self._writer is None:
                self._open()
            gone = session.anchor and self.system.death_evidence(session)
            if session.status == "ended" or gone or is_resumed(self.system, session, identity):
                self.append(self._restarted(session, self.free_anchor(session.id, session.client_session)))

    def start_session(self, identity: Identity, hello: SessionStarted) -> None:
        """Begin a new session."""
        taken = self.snapshot.history.positions.keys() | self.state.sessions.keys()
        agent = identity.agent
        self.me = Identity(new_id(taken), identity.how, agent, identity.client, identity.conversation)
        self.append(hello)
        self.snapshot.repeat_problems()

    def _restarted(self, session: Session, anchor: Anchor | None, continues: str = "") -> SessionStarted:
        """How a session that is known introduces itself again, or how the one that continues it does."""
        return session_started(
            self.system,
            self.workspace,
            name=session.name,
            client=session.client,
            client_session=session.client_session,
            capabilities=session.capabilities,
            anchor=anchor,
            continues=continues,
        )

    def _kept_anchor(self, session: Session) -> Anchor | None:
        """The anchor of whoever continues a session: the same, so that it lives as long; another only where that one
        is gone or on another machine. A session of this machine that has none wants none.
        """
        if session.machine == self.system.here.machine and not self.system.death_evidence(session):
            return session.anchor
        return self.free_anchor(session.id, session.client_session)

    def free_anchor(self, session: str, conversation: str) -> Anchor | None:
        """The process to anchor a session to here. One that other sessions have is taken only for a conversation, which
        is known by its client's variable: two on one shell would make each other's bare commands ambiguous.
        """
        found = find_anchor(self.system, conversation)
        anchor = found[1] if found else None
        others = [s for s in self.state.sessions.values() if s.live and s.anchor == anchor and s.id != session]
        return None if others and not conversation else anchor

    def _cannot_append(self, session: str) -> str:
        """Why the journal of a session takes no appends from here, if it does not."""
        position = self.snapshot.history.positions.get(session, Position())
        if reason := closed_reason(self.workspace.log, session, position):
            return f"its journal takes no more events: {reason}"
        if position.machine and position.machine != self.system.here.machine:
            return "it began on another machine"
        if position.folder and position.folder != self.workspace.recorded:
            return f"it belongs to another folder, {position.folder}"
        return ""

    def record_deaths(self) -> None:
        """Rule 9: record every death that is noticed."""
        for session in list(self.state.sessions.values()):
            if session.live and session.anchor and session.id != self.me.session:
                evidence = self.system.death_evidence(session)
                if evidence:
                    self.append(SessionPresumedDead(session=session.id, anchor=session.anchor, evidence=evidence))

    def finish(self) -> None:
        """Make all that was appended durable, and let go of the journal."""
        if self._writer:
            try:
                if self.appended:
                    self._writer.sync()
            finally:
                self._writer.close()


def _check_complete(snapshot: Snapshot) -> None:
    """Raises CoordError (4) where the state lacks what a journal says, so that nobody can tell who holds what."""
    if snapshot.unread:
        raise no_log(
            f"{snapshot.unread}.jsonl cannot be read ({snapshot.history.problems[snapshot.unread]}), so what its "
            "session holds is unknown. Nothing was written. Make it readable, or move it out of log/."
        )


def transact(
    system: System,
    workspace: Workspace,
    config: Config,
    decide: Callable[[Transaction], T],
    who: Callable[[Transaction], Identity],
    notes: list[str],
    prepare: Callable[[State, Instant], object] | None = None,
) -> Outcome[T]:
    """Let `decide` act on the present state as the session that `who` says. Raises CoordError.

    What was noticed on the way is added to `notes`, also where the decision is a refusal. `prepare` is for what may
    take long, as asking git does: it is called before the lock is taken, with the state as it was last saved.
    """
    snapshot = Snapshot(system, workspace)
    snapshot.read_ahead()
    if prepare:
        prepare(snapshot.state, snapshot.now)
    try:
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            _check_complete(snapshot)
            if not snapshot.fresh:
                snapshot.save(told=False)  # before time passes in it: where nothing is written, none has for others
            transaction = Transaction(system, workspace, snapshot, notes)
            try:
                transaction.act_as(who(transaction))
                transaction.record_deaths()
                value = decide(transaction)
            finally:  # what was appended before a refusal (a death, a new session) counts as well
                transaction.finish()
                notes += snapshot.problem_notes(again=False)
                if transaction.appended or transaction.outdated:
                    if transaction.appended and not snapshot.marked:
                        write_marker(workspace, transaction.me.session)
                    if transaction.appended:
                        snapshot.save()
                    save_index(system, workspace, config, snapshot)
                    notes += write_board(system, workspace, config, snapshot, transaction.at, {})
    except LogError as error:
        raise no_log(str(error)) from None
    return Outcome(transaction.me, snapshot, value)


@contextmanager
def under_lock(system: System, workspace: Workspace, config: Config) -> Iterator[None]:
    """The machine's lock, with signals held back while it is held. Raises LogError, or CoordError (4) for a log that
    was removed.
    """

    def describe(pid: int) -> str:
        process = system.processes.process(pid)
        return describe_pid(pid, process.state if process else "")

    if not os.path.isdir(workspace.log):
        Snapshot(system, workspace).catch_up()  # says best what is missing, if anything is
        os.makedirs(workspace.log, exist_ok=True)
    with ExitStack() as outer, locked(workspace.log, config.lock_wait_seconds, describe):
        outer.enter_context(_signals_deferred())  # until the lock is free again
        yield


def rewrite_board(system: System, workspace: Workspace, config: Config) -> None:
    """Write the board on demand. Raises CoordError (4) if it cannot be written."""
    snapshot = Snapshot(system, workspace)
    try:
        with under_lock(system, workspace, config):
            snapshot.catch_up()
            failed = write_board(system, workspace, config, snapshot, snapshot.now, None)
    except LogError as error:
        raise no_log(str(error)) from None
    if failed:
        raise no_log(failed[0])


def write_board(
    system: System, workspace: Workspace, config: Config, snapshot: Snapshot, now: Instant, gone: dict[str, str] | None
) -> list[str]:
    """Write STATUS_BOARD.md for `now`, atomically. What was acknowledged stays acknowledged if that fails: the reason
    is given back. `gone` as in `coord.engine.board.board_of`.
    """
    try:
        text = board_markdown(board_of(system, config, snapshot, now, gone))
        replace_file(workspace.board, text.encode(errors="backslashreplace"), within=workspace.cache)
    except OSError as error:
        return [f"STATUS_BOARD.md could not be written ({error.strerror}); everything else was done"]
    return []


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for as long as a line may be half done."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
