"""`coord claim`: claim a resource, now or when it becomes free."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Literal

import msgspec

from coord.cli.guarded_files import note_on_wildcards, refuse_unguarded
from coord.cli.parser import argument, command, option
from coord.cli.resources import EVERYTHING, new_path, resource_and_rest
from coord.engine.board import find_deaths
from coord.engine.durations import NEGATIVE, parse_ttl_s, parse_wait_s
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import REFUSED, CoordError, usage_error
from coord.hooks.edits import GitAnswers, conflicting_claims, finish_conflicting, may_finish_conflicting
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import duration_text, line, session_label, until
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from eventlog.events import ClaimAccepted, ClaimReleased, ClaimRequested, EventId, Instant, Mode, ToldOutcome
from projections.rules.claims import decide_request
from projections.rules.cycles import wait_cycles
from projections.rules.fold import as_of
from projections.rules.state import ClaimRequest, State
from projections.views.board import ClaimRow, claim_row

_SHOWN = 5  # obstacles


class ClaimResult(msgspec.Struct):
    """The result of a request. `obstacles` describe the claims and waiting requests that conflict with it."""

    outcome: Literal["granted", "renewed", "waiting", "refused", "timed_out"]
    resource: str
    session: str
    claim: EventId
    at: Instant
    row: ClaimRow | None = None
    until: Instant = ""
    obstacles: list[dict[str, Any]] = []


@command("claim", negative=NEGATIVE)
@argument("words", metavar="RESOURCE [HOURS]", nargs=-1, required=True)
@option("--ttl", help="How long the claim lasts, instead of HOURS: 90m, 2h.")
@option("--shared", is_flag=True, help="Allow other shared claims on it, but no exclusive one.")
@option("--wait", help="If it is taken, wait for at most this long: 10m.")
@option("--note", default="", help="What you need it for; others see this.")
def claim(run: Run, words: tuple[str, ...], ttl: str | None, shared: bool, wait: str | None, note: str) -> None:
    """Claim a resource, so that no other session works on it. Exit code 1 if it is taken.

    RESOURCE is TYPE NAME or TYPE/NAME. The name of a `file` is a path from the repository's root: `*`, `?` and `**` are
    wildcards, and a trailing `/` means everything below that folder. If you already have the claim, it is extended.
    HOURS defaults to the setting `claim_hours`, which is 4.

    \b
    Examples:
      coord claim droplet church-guidance 4
      coord claim file src/app.py --note "landing page"
      coord claim file/src/api/ --ttl 90m --wait 10m
    """
    resource, rest = resource_and_rest(run.system, run.workspace, words)
    if len(rest) > 1:
        raise usage_error(f"too many words after {resource}: {' '.join(rest)[:80]}")
    refuse_unguarded(run.system, run.workspace, resource)
    ttl_seconds = parse_ttl_s(rest[0] if rest else None, ttl, run.config.claim_hours)
    wait_limit_s = parse_wait_s(wait)
    mode: Mode = "shared" if shared else "exclusive"
    answers = GitAnswers(run.workspace)

    def prepare(state: State, now: Instant) -> None:
        answers.learn(
            conflicting_claims(state, _claim_request(Identity("", ""), resource, mode, ttl_seconds, note, now))
        )

    def decide(transaction: Transaction) -> ClaimResult:
        return request_claim(transaction, run.config, answers, resource, mode, ttl_seconds, wait_limit_s, note)

    if resource == f"file/{EVERYTHING}":
        run.note("this claims every file in the repository")
    if (note_on_name := note_on_wildcards(run.workspace, resource)) and not run.json:
        run.note(note_on_name)
    if (path := new_path(run.workspace, resource)) and not run.json:
        run.note(f"{path} does not exist yet, so only this path is claimed; for a folder, claim file/{path}/")
    if wait_limit_s:
        result = _request_and_wait(run, wait_limit_s, decide, prepare)
    else:
        result = run.transact(decide, prepare=prepare).value
    _print_result(run, result)


def request_claim(
    transaction: Transaction,
    config: Config,
    answers: GitAnswers,
    resource: str,
    mode: Mode,
    ttl: int,
    wait_limit_s: int,
    note: str,
) -> ClaimResult:
    """Request a claim in a transaction. The event records the answer that the session gets."""
    me = transaction.me
    request = _claim_request(me, resource, mode, ttl, note, transaction.at)
    finish_conflicting(transaction, config, request, answers)
    at = transaction.at
    verdict = decide_request(transaction.state, request, wait_limit_s)
    told: ToldOutcome = "granted" if verdict.outcome == "renewed" else verdict.outcome
    obstacles = [_describe_obstacle(transaction.state, claim_id) for claim_id in verdict.obstacles]
    event = transaction.append(
        ClaimRequested(
            resource=resource, mode=mode, ttl_s=ttl, wait_s=wait_limit_s, agent=me.agent, told=told, note=note
        )
    )
    held = transaction.state.claims.get(verdict.renewed or event.id)
    return ClaimResult(
        outcome=verdict.outcome,
        resource=resource,
        session=me.session,
        claim=verdict.renewed or event.id,
        at=at,
        row=claim_row(held) if held else None,
        until=held.ends_at if held else "",
        obstacles=obstacles,
    )


def _claim_request(me: Identity, resource: str, mode: Mode, ttl: int, note: str, at: Instant) -> ClaimRequest:
    """Return the request as the rules would see it if it were the newest event of the session."""
    return ClaimRequest(
        id=f"{me.session}/{2**53}",
        session=me.session,
        agent=me.agent,
        resource=resource,
        mode=mode,
        worktree="",
        ttl_s=ttl,
        automatic=False,
        note=note,
        asked_at=at,
    )


def _describe_obstacle(state: State, claim_id: EventId) -> dict[str, Any]:
    """Return a conflicting claim or waiting request as it is printed, and as it is in the JSON document."""
    held = state.claims.get(claim_id)
    request = held or state.waits[claim_id]
    holder = state.sessions[request.session]
    doing = " ".join(part for part in (holder.doing.action, holder.doing.target) if part)
    ends = held.ends_at if held else state.waits[claim_id].until
    return {
        "claim": claim_id,
        "kind": "claim" if held else "waiting request",
        "resource": request.resource,
        "session": request.session,
        "name": holder.name,
        "agent": request.agent,
        "since": held.granted_at if held else request.asked_at,
        "until": ends,
        "automatic": request.automatic,
        "note": request.note,
        "doing": doing,
        "blocked_on": holder.doing.blocked_on,
    }


def _request_and_wait(
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
            run.note(f"{taken} {_obstacles_text(waiting)}")
        reported_cycles: set[tuple[str, ...]] = set()
        withdrawal = ClaimReleased(claim=waiting.claim)
        try:
            return wait_for(
                run.workspace.log, lambda: _poll_grant(run, waiting, reported_cycles), run.system.wall, caught
            )
        except Interrupted as signal:
            run.transact(lambda transaction: transaction.append(withdrawal))
            raise CoordError(128 + signal.args[0], f"no longer waiting for {line(waiting.resource)}") from None
        except CoordError:
            with suppress(CoordError):  # the first error is the one to report
                run.transact(lambda transaction: transaction.append(withdrawal))
            raise


def _poll_grant(
    run: Run, waiting: ClaimResult, reported_cycles: set[tuple[str, ...]]
) -> tuple[ClaimResult | None, Instant]:
    """Return the final result, having accepted a grant; or None, and the latest time to poll again.

    A snapshot reads the log first and the clock afterwards, and a grant can come in between. So a wait is found to have
    ended only under the lock, in `_accept`.

    Rule 6: a cycle of waits that includes this session is reported once; `reported_cycles` collects them.
    """
    snapshot = run.read_state()
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
        if waiting.claim not in state.claims and not state.sessions[waiting.session].live:
            return msgspec.structs.replace(waiting, outcome="timed_out", at=snapshot.now), ""
        return run.transact(lambda transaction: _accept(transaction, waiting)).value, state.due
    for cycle in wait_cycles(state):
        if waiting.session in cycle and cycle not in reported_cycles and not run.json:
            reported_cycles.add(cycle)
            path = " → ".join((*cycle, cycle[0]))
            run.note(f"these sessions wait for each other in a circle: {path}. Release a claim, or the waits time out.")
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


def _obstacles_text(result: ClaimResult) -> str:
    return "; ".join(_obstacle_text(obstacle, result.at) for obstacle in result.obstacles[:_SHOWN])


def _obstacle_text(obstacle: dict[str, Any], now: Instant) -> str:
    who = session_label(obstacle["session"], {obstacle["session"]: obstacle["name"]})
    verb = "asked for" if obstacle["kind"] == "waiting request" else "has"
    agent = f", its subagent {line(obstacle['agent'])}," if obstacle["agent"] else ""
    end = until(obstacle["until"], now, obstacle["automatic"])
    text = f"{who}{agent} {verb} {line(obstacle['resource'])} {end}"
    labels = {"note": "for:", "doing": "doing:", "blocked_on": "blocked on"}
    details = ", ".join(f"{label} {line(obstacle[key])}" for key, label in labels.items() if obstacle[key])
    return f"{text} — {details}" if details else text


def _print_result(run: Run, result: ClaimResult) -> None:
    """Print the result. Raises CoordError (1) if the claim was not granted."""
    data = msgspec.to_builtins(result)
    data["token"] = result.row.token if result.row else None
    del data["row"]
    resource = line(result.resource)
    if result.outcome in ("granted", "renewed"):
        head = "✅ Claimed" if result.outcome == "granted" else "✅ Already yours, renewed"
        if result.row and result.row.resource != result.resource:
            resource += f", by your claim on {line(result.row.resource)}"
        run.say(f"{head}: {resource} {until(result.until, result.at)}", data)
        return
    is_taken = any(obstacle["resource"] == result.resource for obstacle in result.obstacles)
    head = "❌ Already claimed" if is_taken else "❌ Overlaps what others have"
    head = "⏳ Not free in time" if result.outcome == "timed_out" else head
    rows = "".join(f"\n   {_obstacle_text(obstacle, result.at)}" for obstacle in result.obstacles[:_SHOWN])
    hidden = len(result.obstacles) - _SHOWN
    more = f"\n   and {hidden} more: coord claims" if hidden > 0 else ""
    others = [obstacle["session"] for obstacle in result.obstacles if obstacle["session"] != result.session]
    ask = f'Ask: coord send {others[0]} "Question" "..."   ' if others else ""
    advice = ask if result.outcome == "timed_out" else f"{ask}Wait: coord claim {resource} --wait 10m"
    run.say(f"{head}: {resource}{rows}{more}\n   {advice}".rstrip(), data)
    raise CoordError(REFUSED, "")
