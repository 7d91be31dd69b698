"""`coord replay`: the past step by step, as text. On a terminal, `coord.cli.commands.history._replay_screen` shows
the board instead.
"""

import sys

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
from coord.cli.resources import possible_resources
from coord.engine.history import FullHistory
from coord.engine.run import Run
from coord.errors import refused, usage_error
from coord.render.console.screen import is_usable
from coord.render.diff import diff_document
from coord.render.format import json_text, line, plural
from projections.views.point_in_time import before_instant
from projections.views.state_diff import diff_facts

_STATUSES = ("live", "dead", "continued", "ended")


@command("replay", acts=False, negative="there is no option '{word}'. To begin at a time: coord replay --from -90m.")
@option("--from", "begin", metavar="TIME", help="Begin there: 18:00, -90m, yesterday 18:00, an event's id.")
@option("--to", "end", metavar="TIME", help="End there, not now.")
@option("--speed", number=Number(whole=False, above=0), help="Play, so many times as fast as it was.")
@option("--changes", is_flag=True, help="Print what changed, step by step, also on a terminal.")
@option("--until-claim", metavar="RESOURCE", help="Stop when a claim on it is granted.")
@option(
    "--until-session",
    parts=(None, _STATUSES),
    metavar="ID STATUS",
    help="Stop when a session becomes live, dead, continued or ended.",
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
    """Step through the past, forwards and back, and see the board change; ? shows the keys.

    A step is one event, or a moment at which something ended by itself. Where there is no terminal, and with --changes
    or --json, each step is printed with what changed; as JSON, a line for each step. Exit code 1 if what was waited for
    never comes.

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
        raise usage_error("--speed plays the board on a terminal; it does not go with --changes or --json.")
    past = run.full_history()
    if not past.events:
        run.note("the log has no events yet: `coord start` begins it.")
        return
    first = past.since(begin, "--from") if begin is not None else before_instant(past.events[0].at)
    last = past.cut(end, "--to")
    if first.key > last.key:
        raise usage_error("--from lies after --to: nothing happened in between.")
    condition = _condition(run, past, until_claim, until_session)
    story = Replay(past, first, last)
    if drawn:
        from coord.cli.commands.history._replay_screen import (
            show_replay,  # half as much as a command, for a terminal only
        )

        show_replay(run, story, condition, speed, at_once=begin is None)
        return
    run.note_problems(past.snapshot)
    _print(run, story, condition)


def _condition(
    run: Run, past: FullHistory, resource: str | None, session: tuple[str, str] | None
) -> StopCondition | None:
    """What was asked for; either of two, if both were. Raises CoordError (2)."""
    found = []
    if resource is not None:
        found.append(claim_granted(possible_resources(run.system, run.workspace, resource)))
    if session is not None:
        found.append(session_becomes(sessions_named(past, session[0]), line(session[0], 60), session[1]))
    return any_of(found)


def _print(run: Run, story: Replay, condition: StopCondition | None) -> None:
    """Each step as it comes. Raises CoordError (1) if what was waited for never came."""
    seen = condition.look(story.walk.state) if condition else None
    for told in story.steps():
        came = ""
        if condition:
            before, seen = seen, condition.look(story.walk.state)
            came = condition.words if condition.is_met(told.step, before, seen) else ""
        if run.json:
            rows = [json_text(_row(told, came), indent=None)]
        else:
            rows = [story.said(told.step), *(f"    {row}" for row in story.changed(told))]
            rows += [f"Stopped: {came}."] if came else []
        sys.stdout.write("\n".join(rows) + "\n")
        if came:
            return
    if not story.count and not run.json:
        sys.stdout.write("Nothing happened in between.\n")
    sys.stdout.flush()
    if condition:
        raise refused(f"in {plural(story.count, 'event')} it never came to this: {condition.words}.")


def _row(told: StepChange, came: str) -> dict[str, object]:
    step = told.step
    return {
        "step": step.number,
        "at": step.cut.at,
        "event": step.event,
        "changes": diff_document(diff_facts(told.before, told.after)),
        "decisions": [structs.asdict(decision) for decision in step.decisions],
        "stopped": came,
    }
