"""A part of the past, step by step and in words: what both forms of `coord replay` tell."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from coord.cli.commands.history.log import event_line
from coord.engine.history import FullHistory
from coord.render.diff import TITLES, DiffContext, diff_lines, subjects_in
from coord.render.events import names_in
from coord.render.format import line, time_text
from eventlog.events import Event
from projections.rules.resources import overlap
from projections.rules.state import State
from projections.views.point_in_time import PointInTime
from projections.views.replay import ReplayCursor, ReplayStep
from projections.views.state_diff import Facts, affected_messages, facts_of

CHECK_KEYS_EVERY = 500  # steps, while going far
_SHOWN = 20  # changes of one kind in one step


class StepChange(Struct, frozen=True):
    """A step, and the facts before and after it that it can have changed."""

    step: ReplayStep
    before: Facts
    after: Facts


class StopCondition(Struct, frozen=True):
    """What a replay waits for, in words; what of a state tells it; and whether it came in a step, by what was so before
    it and after it.
    """

    words: str
    look: Callable[[State], object]
    is_met: Callable[[ReplayStep, object, object], bool]


class Replay:
    """A walk through a part of the past, and its steps in words."""

    def __init__(self, past: FullHistory, first: PointInTime, last: PointInTime) -> None:
        self.past = past
        self.walk = ReplayCursor(past.events, first, last, past.state(first))
        self.known = DiffContext(names_in(past.events), subjects_in(past.events))

    @property
    def count(self) -> int:
        """How many events there are in all."""
        return self.walk.last_done - self.walk.first_done

    @property
    def done(self) -> int:
        """How many of them have happened."""
        return self.walk.done - self.walk.first_done

    def steps(self) -> Iterator[StepChange]:
        """The steps from here to the end, each made when it is asked for."""
        while following := self.walk.next:
            messages = affected_messages(following) if isinstance(following, Event) else ()
            before = facts_of(self.walk.state, messages)
            step = self.walk.forward()
            assert step is not None
            yield StepChange(step, before, facts_of(self.walk.state, messages))

    def go_to(self, number: int) -> StepChange | None:
        """To a step by its number, or as near as there is; what it was, if it was one."""
        self.walk.go_to(number - 1)
        if number <= 0:
            return None
        found = next(self.steps(), None)
        return found or self.go_to(self.walk.number)  # there are not so many

    def until(self, condition: StopCondition, undisturbed: Callable[[], bool]) -> bool:
        """To the next step in which a condition comes, asking at times whether to go on; whether it came."""
        seen = condition.look(self.walk.state)
        while step := self.walk.forward():
            before, seen = seen, condition.look(self.walk.state)
            if condition.is_met(step, before, seen):
                return True
            if step.number % CHECK_KEYS_EVERY == 0 and not undisturbed():
                break
        return False

    def said(self, step: ReplayStep) -> str:
        """What happened in a step, in a line."""
        if step.event:
            return event_line(step.event, self.past.now, self.known.names)
        return f"{time_text(step.cut.at, self.past.now, seconds=True)}  by time alone:"

    def changed(self, told: StepChange) -> list[str]:
        """What it changed, in a line each."""
        lines = diff_lines(told.before, told.after, told.step.decisions, self.known, self.past.now)
        return [row for kind in TITLES for row in _bounded(lines[kind])]


def _bounded(rows: list[str]) -> list[str]:
    more = len(rows) - _SHOWN
    return rows if more <= 0 else [*rows[:_SHOWN], f"… and {more} more: --json shows all"]


def claim_granted(resources: Sequence[str]) -> StopCondition:
    """That a claim on one of these resources, or on one that overlaps it, is granted."""

    def came(step: ReplayStep, _before: object, _after: object) -> bool:
        got = [made.resource for made in step.decisions if made.what == "granted"]
        return any(overlap(one, resource) for one in got for resource in resources)

    return StopCondition(f"a claim on {' or '.join(map(line, resources))} is granted", lambda state: None, came)


def session_becomes(sessions: set[str], words: str, status: str) -> StopCondition:
    """That one of these sessions gets a status that it did not have."""

    def look(state: State) -> object:
        return {name for name in sessions if name in state.sessions and state.sessions[name].status == status}

    def came(_step: ReplayStep, before: object, after: object) -> bool:
        assert isinstance(before, set)
        assert isinstance(after, set)
        return bool(after - before)

    return StopCondition(f"{words} is {status}", look, came)


def any_of(conditions: list[StopCondition]) -> StopCondition | None:
    """The first of several that comes, if there is any."""

    def came(step: ReplayStep, before: object, after: object) -> bool:
        assert isinstance(before, list)
        assert isinstance(after, list)
        return any(c.is_met(step, *seen) for c, *seen in zip(conditions, before, after, strict=True))

    words = " or ".join(condition.words for condition in conditions)
    return StopCondition(words, lambda state: [c.look(state) for c in conditions], came) if conditions else None
