"""The stories of many sessions, resources and events at once, for an exported page.

They are the answers of `coord why`, computed from one analysis of the history, with indexes instead of a search for
each.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import msgspec

from coord.cli.commands.history._answers import AllEvents, WhyAnswer
from coord.cli.commands.history.why import (
    WhyContext,
    answer_page,
    event_answer,
    resource_answer,
    session_answer,
)
from coord.engine.history.full import FullHistory
from coord.engine.run import Run
from coord.render.console.progress import ProgressBar
from coord.render.format import json_text
from coord.servers.child_process import ChildAnswer
from coord.servers.export.span import Subjects
from coord.servers.web.stories import story_document
from eventlog.events import Event, EventId, MessageSent
from projections.rules.resources import overlap
from projections.views.claim_history import ClaimHistoryEntry
from projections.views.point_in_time import PointInTime
from projections.views.receipts import Receipts, receipts_of

_STEPS = 100  # of one story
T = TypeVar("T")


class IndexedEvents(AllEvents):
    """The same answers as `AllEvents`, for many questions."""

    def about(self, resources: Sequence[str]) -> list[ClaimHistoryEntry]:
        """Return the entries about resources that overlap one of these."""
        names = [name for name in self._by_resource if any(overlap(name, wanted) for wanted in resources)]
        return self._ordered(number for name in names for number in self._by_resource[name])

    def by(self, session: str) -> list[ClaimHistoryEntry]:
        """Return the entries about a session's claims, and those that it caused for other sessions."""
        return self._ordered(self._by_session.get(session, ()))

    def about_claim(self, request: Event) -> list[ClaimHistoryEntry]:
        """Return the entries about one claim or request, and about the claims that handovers created from it."""
        related, names = set[int](), [request.id]
        for name in names:
            numbers = self._by_claim.get(name, ())
            related.update(numbers)
            names += {self.entries[number].became for number in numbers} - {"", *names}
        return self._ordered(related)

    def caused_by(self, event: Event) -> list[ClaimHistoryEntry]:
        """Return the entries that one event caused."""
        return self._ordered(self._by_cause.get(event.id, ()))

    def receipts(self, message: Event) -> Receipts:
        """Return the receipts of a message."""
        return self._receipts[message.id]

    def written_by(self, session: str, limit: int) -> Sequence[Event]:
        """Return the newest events that a session wrote, in order; if it was imported, those of its history."""
        acted = self._by_actor.get(session, [])
        return ([event for event in acted if not event.imported] or acted)[-limit:]

    def _ordered(self, numbers: Iterable[int]) -> list[ClaimHistoryEntry]:
        return [self.entries[number] for number in sorted(set(numbers))]

    @cached_property
    def _by_resource(self) -> dict[str, list[int]]:
        return _index((entry.resource, number) for number, entry in enumerate(self.entries))

    @cached_property
    def _by_session(self) -> dict[str, list[int]]:
        return _index((name, number) for number, it in enumerate(self.entries) for name in (it.session, it.by))

    @cached_property
    def _by_claim(self) -> dict[str, list[int]]:
        return _index((entry.claim, number) for number, entry in enumerate(self.entries))

    @cached_property
    def _by_cause(self) -> dict[str, list[int]]:
        return _index((entry.cause, number) for number, entry in enumerate(self.entries))

    @cached_property
    def _by_actor(self) -> dict[str, list[Event]]:
        return _index((event.actor, event) for event in self.past.until(self.cut))

    @cached_property
    def _receipts(self) -> dict[EventId, Receipts]:
        events = self.past.until(self.cut)
        return receipts_of(events, [event for event in events if isinstance(event.payload, MessageSent)])


def _index(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    index: dict[str, list[T]] = {}
    for key, value in pairs:
        index.setdefault(key, []).append(value)
    return index


def stories(run: Run, past: FullHistory, cut: PointInTime, subjects: Subjects) -> Iterator[tuple[str, object]]:
    """Yield the story of each subject as it was at a point in time, as the page shows it."""
    quiet = Run(run.system, run.root, run.session, json=True)
    answers = IndexedEvents(quiet, past, cut, is_past=True)
    view = WhyContext(quiet, answers, [])
    about = [*subjects.sessions, *subjects.resources, *subjects.events]
    bar = ProgressBar("writing the stories", len(about))
    try:
        for name in about:
            if answer := _answer(answers, name):
                _, data = answer_page(view, answer, everything=False, limit=_STEPS, before=None)
                document = msgspec.json.decode(json_text(data, indent=None))
                yield name, story_document(name, ChildAnswer(0, [document]))
            bar.step()
    finally:
        bar.close()


def _answer(answers: IndexedEvents, name: str) -> WhyAnswer | None:
    if event := answers.event(name):
        return event_answer(answers, event)
    return session_answer(answers, name) if name in answers.state.sessions else resource_answer(answers, [name])
