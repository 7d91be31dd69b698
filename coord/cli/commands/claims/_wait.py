"""Wait until a requested claim is granted, and accept it. A signal withdraws the request."""

from collections.abc import Callable
from contextlib import ExitStack, suppress

import msgspec

from coord.cli.commands.claims._answer import obstacles_text
from coord.cli.commands.claims._request import ClaimResult
from coord.engine.board import find_deaths
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import CoordError
from coord.hooks.edits import GitAnswers, conflicting_claims, finish_conflicting, may_finish_conflicting
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import duration_text, line
from coord.render.needs import own_need_text
from coord.workspace.names import known_session
from eventlog.events import ClaimAccepted, ClaimReleased, Instant
from projections.rules.fold import as_of
from projections.rules.state import State
from projections.views.board import claim_row, names_of
from projections.views.needs import own_needs


def request_and_wait(
    run: Run,
    wait_limit_s: int,
    request: Callable[[Transaction], ClaimResult],
    prepare: Callable[[State, Instant], None],
) -> ClaimResult:
    """Request a claim, and wait for the grant if needed. A signal withdraws the request once it is in the log."""
    caught: list[int] = []
    with ExitStack() as stack:

        def decide(transaction: Transaction) -> ClaimResult:
            # Signals are deferred inside a transaction, so none is lost between the request and this line.
            stack.enter_context(collect_signals(caught))
            return request(transaction)

        waiting = run.transact(decide, prepare=prepare).value
        if waiting.outcome != "waiting":
            return waiting
        if not run.json:
            limit = duration_text(wait_limit_s)
            taken = f"{line(waiting.resource)} is taken; waiting for at most {limit} (Ctrl-C withdraws the request)."
            run.note(f"{taken} {obstacles_text(waiting)}")
        reported_cycles: set[tuple[str, ...]] = set()
        withdrawal = ClaimReleased(claim=waiting.claim)
        try:
            return wait_for(
                run.workspace.log, lambda: poll_grant(run, waiting, reported_cycles), run.system.wall, caught
            )
        except Interrupted as signal:
            run.transact(lambda transaction: transaction.append(withdrawal))
            raise CoordError(128 + signal.args[0], f"no longer waiting for {line(waiting.resource)}") from None
        except CoordError:
            with suppress(CoordError):  # the first error is the one to report
                if waiting.claim in run.read_state().state.waits:  # not if the log was removed or made again
                    run.transact(lambda transaction: transaction.append(withdrawal))
            raise


def poll_grant(
    run: Run, waiting: ClaimResult, reported_cycles: set[tuple[str, ...]]
) -> tuple[ClaimResult | None, Instant]:
    """Return the final result, having accepted a grant; or None, and the latest time to poll again.

    A snapshot reads the log first and the clock afterwards, and a grant can come in between. So a wait is found to have
    ended only under the lock, in `_accept`.

    Rule 6: a cycle of waits that includes this session is reported once; `reported_cycles` collects them.
    """
    snapshot = run.read_state()
    known_session(snapshot.state, waiting.session)
    if find_deaths(run.system, snapshot):
        run.transact(lambda transaction: None)  # every transaction records deaths, which frees the claims of the dead
        snapshot = run.read_state()
    state = as_of(snapshot.state, snapshot.now)
    if waiting.claim in state.waits and may_finish_conflicting(
        run.workspace, run.config, state, state.waits[waiting.claim], snapshot.now
    ):
        answers = GitAnswers(run.workspace)
        answers.learn(conflicting_claims(state, state.waits[waiting.claim]))
        run.transact(
            lambda transaction: finish_conflicting(
                transaction, run.config, transaction.state.waits.get(waiting.claim), answers
            )
        )
        snapshot = run.read_state()
        state = as_of(snapshot.state, snapshot.now)
    if waiting.claim not in state.waits:
        if waiting.claim not in state.claims and not known_session(state, waiting.session).live:
            return msgspec.structs.replace(waiting, outcome="timed_out", at=snapshot.now), ""
        return run.transact(lambda transaction: _accept(transaction, waiting)).value, state.due
    for need in own_needs(state, waiting.session):
        if need.kind == "circle" and need.sessions not in reported_cycles and not run.json:
            reported_cycles.add(need.sessions)
            run.note(f"{own_need_text(need, names_of(state))}. Otherwise the waits time out.")
    return None, state.due


def _accept(transaction: Transaction, waiting: ClaimResult) -> ClaimResult | None:
    """Accept the grant of a waiting request, and return the result; None if it still waits."""
    if waiting.claim in transaction.state.waits:
        return None  # the clock of the snapshot was ahead
    held = transaction.state.claims.get(waiting.claim)
    if held is None or held.session != transaction.me.session:
        return msgspec.structs.replace(waiting, outcome="timed_out", at=transaction.at)
    transaction.append(ClaimAccepted(claim=waiting.claim, resource=waiting.resource))
    held = transaction.state.claims.get(waiting.claim, held)  # it may have expired at the time of the event
    return msgspec.structs.replace(
        waiting, outcome="granted", row=claim_row(held), until=held.ends_at, at=transaction.at
    )
