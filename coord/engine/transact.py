"""Run a transaction: catch up, lock, catch up again, decide, append, sync, write the derived files, unlock.

In a folder with a remote, what needs the agreement of the other machines is published before it is appended. If they
published something meanwhile, everything is decided anew.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from coord.engine.board import present_board, write_board
from coord.engine.guard_index import save_index
from coord.engine.journals.archiving import archive_ended
from coord.engine.journals.rewinds import is_known
from coord.engine.machine_lock import under_lock
from coord.engine.snapshot import Snapshot
from coord.engine.sync.record import joined_remote
from coord.engine.transaction import Outcome, Transaction, check_complete
from coord.errors import no_log
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from coord.workspace.paths import Workspace, has_person_config, write_marker
from coord.workspace.system import System
from eventlog.errors import LogError
from eventlog.events import Instant
from projections.rules.state import State

if TYPE_CHECKING:
    from coord.engine.sync.agreeing import Agreeing

T = TypeVar("T")


def transact(
    system: System,
    workspace: Workspace,
    config: Config,
    decide: Callable[[Transaction], T],
    who: Callable[[Transaction], Identity],
    notes: list[str],
    prepare: Callable[[State, Instant], object] | None = None,
    *,
    offline: bool = False,
    in_hook: bool = False,
) -> Outcome[T]:
    """Call `decide` on the present state, as the session that `who` returns. Raises CoordError.

    Notes for the user are added to `notes`, also if the decision raises. `prepare` is for work that may take long, such
    as running git: it is called before the lock is taken, with the state that was last saved.

    In a folder with a remote, `decide` may be called several times; only the last call counts. With `offline`, the
    other machines are not asked. A hook reaches them through the link only.
    """
    joined = joined_remote(system, workspace)
    if joined is None:
        return _attempt(system, workspace, config, decide, who, notes, prepare, None)
    from coord.engine.sync.agreeing import Agreeing, DecideAgain  # most folders have no remote

    agreeing = Agreeing(system, workspace, config, joined, offline=offline, in_hook=in_hook)
    try:
        while True:
            agreeing.begin()
            said: list[str] = []
            try:
                return _attempt(system, workspace, config, decide, who, said, prepare, agreeing)
            except DecideAgain:
                said.clear()
            finally:
                notes += said
    finally:
        agreeing.close()


def _attempt(
    system: System,
    workspace: Workspace,
    config: Config,
    decide: Callable[[Transaction], T],
    who: Callable[[Transaction], Identity],
    notes: list[str],
    prepare: Callable[[State, Instant], object] | None,
    agreeing: "Agreeing | None",
) -> Outcome[T]:
    snapshot = Snapshot(system, workspace, posts=True)
    snapshot.read_ahead()
    if prepare:
        prepare(snapshot.state, snapshot.now)
    try:
        with ExitStack() as later, under_lock(system, workspace, config):  # `later` runs after the lock is released
            snapshot.catch_up()
            check_complete(snapshot)
            if not snapshot.fresh:
                snapshot.save(reported=False)  # before time advances in the state: no event records that
            transaction = Transaction(system, workspace, snapshot, notes, agreeing)
            decided = False
            try:
                transaction.act_as(who(transaction))
                transaction.record_observations(config)
                value = decide(transaction)
                decided = True
            finally:  # what was appended before a refusal (a death, a new session) stays in the log
                transaction.finish(decided=decided)
                notes += snapshot.problem_notes(again=False)
                if transaction.appended or transaction.outdated:
                    notes += _save(config, transaction, later)
    except LogError as error:
        raise no_log(str(error)) from None
    return Outcome(transaction.me, snapshot, value)


def _save(config: Config, transaction: Transaction, later: ExitStack) -> list[str]:
    """Save what is derived from the log, and return notes. `later` gets what is done after the lock is released."""
    system, workspace, snapshot = transaction.system, transaction.workspace, transaction.snapshot
    if transaction.started:
        archive_ended(system, workspace, snapshot.history, snapshot.state, snapshot.now)
        if transaction.agreeing:
            from coord.engine.sync.link.start import start_link  # most folders have no remote

            later.callback(start_link, system, workspace)
    if transaction.appended and not is_known(snapshot.history, snapshot.marked):
        write_marker(workspace, transaction.me.session)
    if transaction.appended:
        snapshot.save()
    save_index(system, workspace, config, snapshot)
    board = present_board(system, config, snapshot, transaction.at, {})
    notes = write_board(workspace, board)
    if transaction.appended and has_person_config(system.env):
        from coord.workspace.notify.due import note_needs, start_delivery  # few people use it

        if note_needs(system, workspace, board, transaction.me):
            later.callback(start_delivery, system, workspace)
    return notes
