"""`coord claim`: take a resource, at once or when it becomes free."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Literal

import msgspec

from coord.cli.parser import argument, command, option
from coord.cli.resources import EVERYTHING, new_path, resource_and_rest
from coord.engine.board import find_deaths
from coord.engine.durations import NEGATIVE, parse_ttl_s, parse_wait_s
from coord.engine.run import Run
from coord.engine.transaction import Transaction
from coord.errors import REFUSED, CoordError, usage_error
from coord.hooks.edits import GitAnswers, conflicting_claims, finish_conflicting, may_finish_conflicting
from coord.platform.watch import Interrupted, collect_signals, wait_for
from coord.render.format import duration_text, line, until
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from eventlog.events import ClaimAccepted, ClaimReleased, ClaimRequested, EventId, Instant, Mode, ToldOutcome
from projections.rules.claims import decide_request
from projections.rules.cycles import wait_cycles
from projections.rules.fold import as_of
from projections.rules.state import ClaimRequest, State
from projections.views.board import ClaimRow, claim_row


class ClaimResult(msgspec.Struct):
    """What a request came to. `obstacles` are what stands in the way."""

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
@option("--ttl", help="How long it lasts, instead of HOURS: 90m, 2h.")
@option("--shared", is_flag=True, help="Others may share it; nobody may have it alone.")
@option("--wait", help="Wait for it at most so long: 10m.")
@option("--note", default="", help="What for; others see it.")
def claim(run: Run, words: tuple[str, ...], ttl: str | None, shared: bool, wait: str | None, note: str) -> None:
    """Claim a resource, so that no other session works on it. Exit code 1 if it is taken.

    RESOURCE is TYPE NAME or TYPE/NAME. A `file` is a path from the repository's root; `*`, `?` and `**` match, and a
    trailing `/` means everything below. A claim that is yours already is renewed. HOURS default to 4.

    \b
    Examples:
      coord claim droplet church-guidance 4
      coord claim file src/app.py --note "landing page"
      coord claim file/src/api/ --ttl 90m --wait 10m
    """
    resource, rest = resource_and_rest(run.system, run.workspace, words)
    if len(rest) > 1:
        raise usage_error(f"too many words after {resource}: {' '.join(rest)[:80]}")
    ttl_seconds = parse_ttl_s(rest[0] if rest else None, ttl, run.config.claim_hours)
    patience = parse_wait_s(wait)
    mode: Mode = "shared" if shared else "exclusive"

    answers = GitAnswers(run.workspace)

    def prepare(state: State, now: Instant) -> None:
        answers.learn(conflicting_claims(state, _ask(Identity("", ""), resource, mode, ttl_seconds, note, now)))

    def ask(transaction: Transaction) -> ClaimResult:
        return request_claim(transaction, run.config, answers, resource, mode, ttl_seconds, patience, note)

    if resource == f"file/{EVERYTHING}":
        run.note("that is every file of the repository")
    if (path := new_path(run.workspace, resource)) and not run.json:
        run.note(f"nothing is at {path} yet: this is that one path; if it will be a folder, claim file/{path}/")
    answer = _ask_and_wait(run, patience, ask, prepare) if patience else run.transact(ask, prepare=prepare).value
    _print_result(run, answer)


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
    """Ask for a resource inside a transaction, and write down what was told."""
    me = transaction.me
    ask = _ask(me, resource, mode, ttl, note, transaction.at)
    finish_conflicting(transaction, config, ask, answers)
    at = transaction.at
    verdict = decide_request(transaction.state, ask, wait_limit_s)
    told: ToldOutcome = "granted" if verdict.outcome == "renewed" else verdict.outcome
    obstacles = [_obstacle(transaction.state, found) for found in verdict.obstacles]
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


def _ask(me: Identity, resource: str, mode: Mode, ttl: int, note: str, at: Instant) -> ClaimRequest:
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


def _obstacle(state: State, name: EventId) -> dict[str, Any]:
    """What stands in the way, for people and programs."""
    held = state.claims.get(name)
    found = held or state.waits[name]
    holder = state.sessions[found.session]
    doing = " ".join(part for part in (holder.doing.action, holder.doing.target) if part)
    ends = held.ends_at if held else state.waits[name].until
    return {
        "claim": name,
        "kind": "claim" if held else "waiting request",
        "resource": found.resource,
        "session": found.session,
        "name": holder.name,
        "agent": found.agent,
        "since": held.granted_at if held else found.asked_at,
        "until": ends,
        "automatic": found.automatic,
        "note": found.note,
        "doing": doing,
        "blocked_on": holder.doing.blocked_on,
    }


def _ask_and_wait(
    run: Run, wait_limit_s: int, ask: Callable[[Transaction], ClaimResult], prepare: Callable[[State, Instant], None]
) -> ClaimResult:
    """Ask, and wait for the grant where one must. A signal withdraws the request, from the moment it is written."""
    caught: list[int] = []
    with ExitStack() as stack:

        def decide(transaction: Transaction) -> ClaimResult:
            stack.enter_context(collect_signals(caught))  # signals are held back in here: none can come between
            return ask(transaction)

        asked = run.transact(decide, prepare=prepare).value
        if asked.outcome != "waiting":
            return asked
        if not run.json:
            taken = (
                f"{line(asked.resource)} is taken; waiting at most {duration_text(wait_limit_s)} (Ctrl-C withdraws)."
            )
            run.note(f"{taken} {_holders_text(asked)}")
        told: set[tuple[str, ...]] = set()
        withdraw = ClaimReleased(claim=asked.claim)
        try:
            return wait_for(run.workspace.log, lambda: _poll_grant(run, asked, told), run.system.wall, caught)
        except Interrupted as signal:
            run.transact(lambda transaction: transaction.append(withdraw))
            raise CoordError(128 + signal.args[0], f"no longer waiting for {line(asked.resource)}") from None
        except CoordError:
            with suppress(CoordError):  # nobody waits any more, whatever it was; best said in the log, if it can be
                run.transact(lambda transaction: transaction.append(withdraw))
            raise


def _poll_grant(run: Run, asked: ClaimResult, told: set[tuple[str, ...]]) -> tuple[ClaimResult | None, Instant]:
    """The final answer if there is one yet, having taken the grant up; else when to look again at the latest.

    Who looks reads the log first and the clock after it, and a grant can come in between; so it is under the lock that
    a wait is found over.

    Rule 6: a circle that we are in is told, once; `told` are those that were.
    """
    snapshot = run.read_state()
    if find_deaths(run.system, snapshot):
        run.transact(
            lambda transaction: None
        )  # whoever notices a death records it, and so frees what the dead held; or is dead
        snapshot = run.read_state()
    state = as_of(snapshot.state, snapshot.now)
    if asked.claim in state.waits and may_finish_conflicting(
        run.workspace, run.config, state, state.waits[asked.claim], snapshot.now
    ):
        answers = GitAnswers(run.workspace)
        answers.learn(conflicting_claims(state, state.waits[asked.claim]))
        run.transact(
            lambda transaction: finish_conflicting(
                transaction, run.config, transaction.state.waits.get(asked.claim), answers
            )
        )
        snapshot = run.read_state()
        state = as_of(snapshot.state, snapshot.now)
    if asked.claim not in state.waits:
        if asked.claim not in state.claims and not state.sessions[asked.session].live:
            return msgspec.structs.replace(asked, outcome="timed_out", at=snapshot.now), ""
        return run.transact(lambda transaction: _accept(transaction, asked)).value, state.due
    for circle in wait_cycles(state):
        if asked.session in circle and circle not in told and not run.json:
            told.add(circle)
            way = " → ".join((*circle, circle[0]))
            run.note(f"waiting for each other in a circle: {way}. One must give way, or the waits end by their limits.")
    return None, state.due


def _accept(transaction: Transaction, asked: ClaimResult) -> ClaimResult | None:
    if asked.claim in transaction.state.waits:
        return None  # the clock that said otherwise was ahead
    held = transaction.state.claims.get(asked.claim)
    if held is None or held.session != transaction.me.session:
        return msgspec.structs.replace(asked, outcome="timed_out", at=transaction.at)
    transaction.append(ClaimAccepted(claim=asked.claim, resource=asked.resource))
    held = transaction.state.claims.get(asked.claim, held)  # it can have lasted until this very instant
    return msgspec.structs.replace(asked, outcome="granted", row=claim_row(held), until=held.ends_at, at=transaction.at)


def _holders_text(answer: ClaimResult) -> str:
    return "; ".join(_holder_text(found, answer.at) for found in answer.obstacles[:5])


def _holder_text(found: dict[str, Any], now: Instant) -> str:
    name = f" ({line(found['name'])})" if found["name"] else ""
    verb = "asked for" if found["kind"] == "waiting request" else "has"
    agent = f", its subagent {line(found['agent'])}," if found["agent"] else ""
    lasts = until(found["until"], now, found["automatic"])
    what = f"{found['session']}{name}{agent} {verb} {line(found['resource'])} {lasts}"
    facts = [found["note"] and f"for: {line(found['note'])}", found["doing"] and f"doing: {line(found['doing'])}"]
    blocked = found["blocked_on"] and f"blocked on {line(found['blocked_on'])}"
    more = ", ".join(fact for fact in (*facts, blocked) if fact)
    return f"{what} — {more}" if more else what


def _print_result(run: Run, answer: ClaimResult) -> None:
    data = msgspec.to_builtins(answer)
    data["token"] = answer.row.token if answer.row else None
    del data["row"]
    shown = line(answer.resource)
    if answer.outcome in ("granted", "renewed"):
        head = "✅ Claimed" if answer.outcome == "granted" else "✅ Already yours, renewed"
        if answer.row and answer.row.resource != answer.resource:
            shown += f", by your claim on {line(answer.row.resource)}"
        run.say(f"{head}: {shown} {until(answer.until, answer.at)}", data)
        return
    holders = list(dict.fromkeys(found["session"] for found in answer.obstacles))
    taken = any(found["resource"] == answer.resource for found in answer.obstacles)
    head = "❌ Already claimed" if taken else "❌ Overlaps what others have"
    head = "⏳ Not free in time" if answer.outcome == "timed_out" else head
    rows = "".join(f"\n   {_holder_text(found, answer.at)}" for found in answer.obstacles[:5])
    more = f"\n   and {len(answer.obstacles) - 5} more: coord claims" if len(answer.obstacles) > 5 else ""
    others = [holder for holder in holders if holder != answer.session]
    ask = f'Ask: coord send {others[0]} "Question" "..."   ' if others else ""
    advice = ask if answer.outcome == "timed_out" else f"{ask}Wait: coord claim {shown} --wait 10m"
    run.say(f"{head}: {shown}{rows}{more}\n   {advice}".rstrip(), data)
    raise CoordError(REFUSED, "")
