"""`coord replay`: step through the past, as text or JSON.

On a terminal, `coord.cli.commands.history._replay_screen` shows the board instead.
"""

from msgspec import structs

from coord.cli.commands.history._replay_steps import (
    Replay,
    StepChange,
    StopCondition,
    any_of,
    claim_granted,
    session_becomes,
)
from coord.cli.commands.history.log import sessions_named
from coord.cli.parser import Number, command, option
from coord.cli.resources.words import resources_meant
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.errors import refused, usage_error
from coord.render.console.output import print_row, print_text
from coord.render.console.screen import is_usable
from coord.render.diff import diff_document
from coord.render.format import json_text, line, plural
from projections.views.point_in_time import before_instant
from projections.views.state_diff import diff_facts

_STATUSES = ("live", "dead", "continued", "ended")


@command("replay", acts=False, negative="there is no option '{word}'. To begin at a time: coord replay --from -90m.")
@option("--from", "begin", metavar="TIME", help="Begin at TIME: 18:00, -90m, yesterday 18:00, or an event id.")
@option("--to", "end", metavar="TIME", help="End at TIME instead of now.")
@option("--speed", number=Number(whole=False, above=0), help="Play at this many times the original speed.")
@option("--changes", is_flag=True, help="Print the changes of each step, even on a terminal.")
@option("--until-claim", metavar="RESOURCE", help="Stop when a claim on RESOURCE is granted.")
@option(
    "--until-session",
    parts=(None, _STATUSES),
    metavar="ID STATUS",
    help="Stop when session ID becomes STATUS: live, dead, continued or ended.",
)
def replay(
    run: Run,
    begin: str | None,
    end: str | None,
    speed: float | None,
    changes: bool,
    until_claim: str | None,
    until_session: tuple[str, str] | None,
) -> None:
    """Step through the past, forwards and backwards, and see the board change. Press ? for the keys.

    A step is one event, or a time at which a claim expired or a wait timed out. Without a terminal, or with --changes
    or --json, the changes of each step are printed. --json prints one line for each step. The exit code is 1 if
    --until-claim or --until-session finds nothing.

    \b
    Examples:
      coord replay
      coord replay --from "yesterday 18:00" --speed 60
      coord replay --changes --from -90m --to -60m
      coord replay --until-claim file/src/app.py
      coord replay --until-session amber-otter dead
    """
    drawn = not (changes or run.json) and is_usable(run.system.env)
    if speed and not drawn and (changes or run.json):
        raise usage_error("--speed plays the board on a terminal, so it cannot be used with --changes or --json.")
    past = run.full_history()
    if not past.events:
        run.note("the log has no events yet. The first is written by: coord start")
        return
    first = past.since(begin, "--from") if begin is not None else before_instant(past.events[0].at)
    last = past.cut(end, "--to")
    if first.key > last.key:
        raise usage_error("--from is after --to. Swap them.")
    condition = _condition(run, past, until_claim, until_session)
    replayed = Replay(past, first, last)
    if drawn:
        from coord.cli.commands.history._replay_screen import (
            show_replay,  # takes half of a command's time, and is needed only on a terminal
        )

        show_replay(run, replayed, condition, speed, make_first_step=begin is None)
        return
    run.note_problems(past.snapshot)
    _print_steps(run, replayed, condition)


def _condition(
    run: Run, past: FullHistory, resource: str | None, session: tuple[str, str] | None
) -> StopCondition | None:
    """Return the condition at which to stop: either of the two, if both are given. Raises CoordError (2)."""
    conditions = []
    if resource is not None:
        conditions.append(claim_granted(resources_meant(run, "replay --until-claim", resource)))
    if session is not None:
        conditions.append(session_becomes(sessions_named(past, session[0]), line(session[0], 60), session[1]))
    return any_of(conditions)


def _print_steps(run: Run, replayed: Replay, condition: StopCondition | None) -> None:
    """Print each step until the condition is met. Raises CoordError (1) if it never is."""
    observed = condition.observe(replayed.cursor.state) if condition else None
    for change in replayed.steps():
        reason = ""
        if condition:
            before, observed = observed, condition.observe(replayed.cursor.state)
            reason = condition.description if condition.is_met(change.step, before, observed) else ""
        if run.json:
            rows = [json_text(_step_document(change, reason), indent=None)]
        else:
            rows = [replayed.step_text(change.step), *(f"    {row}" for row in replayed.change_lines(change))]
            rows += [f"Stopped: {reason}."] if reason else []
        print_row(run.fitted("\n".join(rows)), flush=False)
        if reason:
            return
    if not replayed.count and not run.json:
        print_row("Nothing happened in this period.")
    print_text("")
    if condition:
        raise refused(f"not found in {plural(replayed.count, 'event')}: {condition.description}.")


def _step_document(change: StepChange, stopped: str) -> dict[str, object]:
    step = change.step
    return {
        "step": step.number,
        "at": step.cut.at,
        "event": step.event,
        "changes": diff_document(diff_facts(change.before, change.after)),
        "decisions": [structs.asdict(decision) for decision in step.decisions],
        "stopped": stopped,
    }
