"""Step through a part of the past and describe each step, for both forms of `coord replay`."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from coord.engine.history.full import FullHistory
from coord.render.diff import TITLES, diff_context, diff_lines
from coord.render.events import claimed_resources, event_line
from coord.render.format import line, time_text
from eventlog.events import Event
from projections.rules.resources import overlap
from projections.rules.state import State
from projections.views.point_in_time import PointInTime
from projections.views.replay import ReplayCursor, ReplayStep
from projections.views.state_diff import Facts, affected_messages, facts_of

CHECK_KEYS_EVERY = 500  # steps, during a long jump
_SHOWN = 20  # changes of one kind in one step


class StepChange(Struct, frozen=True):
    """A step, and the facts that it can have changed, as they were before and after it."""

    step: ReplayStep
    before: Facts
    after: Facts


class StopCondition(Struct, frozen=True):
    """A condition at which a replay stops.

    `observe` returns the part of a state that matters. `is_met` decides for a step from what was observed before and
    after it.
    """

    description: str
    observe: Callable[[State], object]
    is_met: Callable[[ReplayStep, object, object], bool]


class Replay:
    """A cursor in a part of the past, and descriptions of its steps."""

    def __init__(self, past: FullHistory, first: PointInTime, last: PointInTime) -> None:
        self.past = past
        self.cursor = ReplayCursor(past.events, first, last, past.state(first))
        self.context = diff_context(past.events)
        self.resources = claimed_resources(past.events)

    @property
    def count(self) -> int:
        """The number of events in this part."""
        return self.cursor.last_done - self.cursor.first_done

    @property
    def done(self) -> int:
        """The number of events up to the cursor."""
        return self.cursor.done - self.cursor.first_done

    def steps(self) -> Iterator[StepChange]:
        """Move the cursor forward step by step to the end, and yield each step."""
        while following := self.cursor.next:
            messages = affected_messages(following) if isinstance(following, Event) else ()
            before = facts_of(self.cursor.state, messages)
            step = self.cursor.forward()
            assert step is not None
            yield StepChange(step, before, facts_of(self.cursor.state, messages))

    def go_to(self, number: int) -> StepChange | None:
        """Move to a step by its number, at most to the last one, and return it; None at the beginning."""
        self.cursor.go_to(number - 1)
        if number <= 0:
            return None
        change = next(self.steps(), None)
        return change or self.go_to(self.cursor.number)

    def go_until(self, condition: StopCondition, may_continue: Callable[[], bool]) -> bool:
        """Move forward to the next step that meets a condition, and return whether one does.

        `may_continue` is called every `CHECK_KEYS_EVERY` steps, and can stop the search.
        """
        observed = condition.observe(self.cursor.state)
        while step := self.cursor.forward():
            before, observed = observed, condition.observe(self.cursor.state)
            if condition.is_met(step, before, observed):
                return True
            if step.number % CHECK_KEYS_EVERY == 0 and not may_continue():
                break
        return False

    def step_text(self, step: ReplayStep) -> str:
        """Return one line about what happened in a step."""
        if step.event:
            return event_line(step.event, self.past.now, self.context.names, self.resources)
        return f"{time_text(step.cut.at, self.past.now, seconds=True)}  time passes:"

    def change_lines(self, change: StepChange) -> list[str]:
        """Return a line for each change of a step."""
        event = change.step.event
        context = replace(self.context, shown=event.id if event else "")
        lines = diff_lines(change.before, change.after, change.step.decisions, context, change.step.cut.at)
        return [row for kind in TITLES for row in _bounded(lines[kind])]


def _bounded(rows: list[str]) -> list[str]:
    more = len(rows) - _SHOWN
    return rows if more <= 0 else [*rows[:_SHOWN], f"… and {more} more: --json shows all"]


def claim_granted(resources: Sequence[str]) -> StopCondition:
    """Return the condition that a claim is granted that overlaps one of these resources."""

    def is_met(step: ReplayStep, _before: object, _after: object) -> bool:
        granted = [decision.resource for decision in step.decisions if decision.what == "granted"]
        return any(overlap(each, resource) for each in granted for resource in resources)

    return StopCondition(f"a claim on {' or '.join(map(line, resources))} is granted", lambda state: None, is_met)


def session_becomes(sessions: set[str], label: str, status: str) -> StopCondition:
    """Return the condition that one of these sessions, described by `label`, gets a new status."""

    def observe(state: State) -> object:
        return {name for name in sessions if name in state.sessions and state.sessions[name].status == status}

    def is_met(_step: ReplayStep, before: object, after: object) -> bool:
        assert isinstance(before, set)
        assert isinstance(after, set)
        return bool(after - before)

    return StopCondition(f"{label} is {status}", observe, is_met)


def any_of(conditions: list[StopCondition]) -> StopCondition | None:
    """Return the condition that one of several is met; None if there are none."""

    def is_met(step: ReplayStep, before: object, after: object) -> bool:
        assert isinstance(before, list)
        assert isinstance(after, list)
        return any(c.is_met(step, *observed) for c, *observed in zip(conditions, before, after, strict=True))

    def observe(state: State) -> object:
        return [condition.observe(state) for condition in conditions]

    description = " or ".join(condition.description for condition in conditions)
    return StopCondition(description, observe, is_met) if conditions else None
