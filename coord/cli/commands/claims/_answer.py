"""The answers to requests for claims, as text and as JSON documents."""

from typing import Any

import msgspec

from coord.cli.commands.claims._renewal import renewal_text
from coord.cli.commands.claims._request import ClaimResult
from coord.cli.resources.types import command_line
from coord.engine.run import Run
from coord.errors import REFUSED, CoordError
from coord.render.format import line, session_label, shell_word, until
from projections.views.board import ClaimRow

_SHOWN = 5  # obstacles


def print_results(run: Run, results: list[ClaimResult]) -> None:
    """Print the results of one command. Raises CoordError (1) if a claim was not granted."""
    is_done = all(result.outcome in ("granted", "renewed") for result in results)
    rows = [_text(result) for result in results if result.outcome != "free"]
    if free := [line(result.resource) for result in results if result.outcome == "free"]:
        rows.append(f"   Nothing was claimed. Free: {', '.join(free)}")
    documents = [_document(result) for result in results]
    several = {
        "outcome": "granted" if is_done else "refused",
        "session": results[0].session,
        "at": results[0].at,
        "resources": [result.resource for result in results],
        "claims": documents,
    }
    run.say("\n".join(rows), documents[0] if len(results) == 1 else several)
    if not is_done:
        raise CoordError(REFUSED, "")


def _document(result: ClaimResult) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(result)
    row = result.row
    del document["row"]
    return (
        document
        | {"token": row.token if row else None, "mode": row.mode if row else None}
        | ({"provisional": True} if row and row.provisional_from else {})
    )


def _text(result: ClaimResult) -> str:
    """Return the text about one request."""
    if result.row and result.outcome in ("granted", "renewed"):
        return _granted_text(result, result.row)
    resource = line(result.resource)
    is_taken = any(obstacle["resource"] == result.resource for obstacle in result.obstacles)
    head = "❌ Already claimed" if is_taken else "❌ Overlaps another claim"
    head = "⏳ Still taken at the end of the wait" if result.outcome == "timed_out" else head
    rows = "".join(f"\n   {_obstacle_text(obstacle, result)}" for obstacle in result.obstacles[:_SHOWN])
    hidden = len(result.obstacles) - _SHOWN
    more = f"\n   and {hidden} more: coord claims" if hidden > 0 else ""
    others = [_addressee(obstacle) for obstacle in result.obstacles if obstacle["session"] != result.session]
    advice = [f'\n   Ask: coord send {others[0]} "Question" "..."'] if others else []
    if result.outcome != "timed_out":
        advice.append(f"\n   Wait: {command_line('claim', result.resource, '--wait', '10m')}")
    return f"{head}: {resource}{rows}{more}{''.join(advice)}"


def _addressee(obstacle: dict[str, Any]) -> str:
    """Return how a command names the holder: by its name if that is clear and needs no quotes, else by its id."""
    session, name = obstacle["session"], obstacle["name"]
    is_clear = session_label(session, {session: name}) == name == shell_word(name)
    return str(name if is_clear else session)


def _granted_text(result: ClaimResult, row: ClaimRow) -> str:
    resource = line(result.resource) + (" (shared)" if row.mode == "shared" else "")
    if row.resource != result.resource:
        resource += f", by your claim on {line(row.resource)}"
    if result.outcome == "granted":
        note = ", provisional until the other machines agree" if row.provisional_from else ""
        return f"✅ Claimed: {resource} {until(result.until, result.at)}{note}"
    return f"✅ Already yours, {renewal_text(resource, row, result.until_before, result.at)}"


def obstacles_text(result: ClaimResult) -> str:
    """Return the claims and requests in the way of a request, on one line."""
    return "; ".join(_obstacle_text(obstacle, result) for obstacle in result.obstacles[:_SHOWN])


def _obstacle_text(obstacle: dict[str, Any], result: ClaimResult) -> str:
    agent = line(obstacle["agent"])
    who = session_label(obstacle["session"], {obstacle["session"]: obstacle["name"]})
    who += f", its subagent {agent}," if agent else ""
    who += f" on {line(obstacle['elsewhere'], 60)}" if obstacle["elsewhere"] else ""
    labels = {"note": "for:", "work": "doing:", "blocked_on": "blocked on"}
    if obstacle["session"] == result.session:  # what our own session said is not shown as that of another
        who, labels = f"another subagent of your session ({agent})", {"note": "for:"}
    verb = "asked for" if obstacle["kind"] == "waiting request" else "has"
    text = f"{who} {verb} {line(obstacle['resource'])} {until(obstacle['until'], result.at, obstacle['automatic'])}"
    details = ", ".join(f"{label} {line(obstacle[key])}" for key, label in labels.items() if obstacle[key])
    return f"{text} — {details}" if details else text
