"""An index of the active claims and the waiting requests of a state, so that an event does not look at all of them.

It finds them by resource, by session and by the time when they end. What it finds by resource is only a superset of
what can conflict: `projections.rules.conflicts` decides. The index is derived from the state and never saved. It is
built when it is first needed, and then only the functions of `ClaimIndex` add, change and remove claims and waiting
requests.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeAlias, TypeVar

from eventlog.events import NEVER, EventId, Instant
from projections.rules.resources import is_file, is_pattern, leaf_of, root_of, roots_above, suffix_of
from projections.rules.state import Claim, State, WaitingRequest

R = TypeVar("R", bound=Claim | WaitingRequest)
_Bucket: TypeAlias = dict[EventId, tuple[str, R]]
_Buckets: TypeAlias = dict[str, _Bucket[R]]
"""Requests with something in common, by their ids, each with the suffix of its resource."""

_AFTER_SLASH = "0"  # the character after `/`: all paths below a root sort between the root with `/` and with this
_SPARE_ENDS = 64  # outdated ends that are kept before they are removed


class RequestIndex(Generic[R]):
    """The active claims, or the waiting requests. `requests` is the dictionary of the state, in order."""

    def __init__(self, requests: dict[EventId, R]) -> None:
        self.requests, self.changed = requests, False  # whether any request was added, changed or removed
        self._numbers = dict(zip(requests, count()))  # the order of the requests
        self._next_number = len(requests)
        self._rooted: _Buckets[R] = {}  # those with a root, by root
        self._rootless: _Buckets[R] = {}  # those without one, by leaf
        self._by_session: dict[str, dict[EventId, R]] = {}
        self._roots: list[str] | None = None  # the keys of `_rooted`, sorted, once they were needed
        self._by_leaf: _Buckets[R] | None = None  # all, by leaf, once that was needed
        for request in requests.values():
            self._link(request)
        self._ends: list[tuple[Instant, EventId]] = []  # a heap; entries that are no longer true are skipped
        self._rebuild_ends()

    # --- queries ------------------------------------------------------------------------------------------------------

    def near(self, resource: str) -> list[R]:
        """Return, in any order, all requests that can overlap a resource, and possibly others."""
        if not self.requests:
            return []
        suffix = suffix_of(resource)
        return [
            request
            for bucket in self._buckets_near(resource)
            for other, request in bucket.values()
            if suffix.endswith(other) or other.endswith(suffix)
        ]

    def of_session(self, session: str) -> list[R]:
        """Return the requests of a session, in order."""
        return self.in_order(self._by_session.get(session, {}).values())

    def in_order(self, requests: Iterable[R]) -> list[R]:
        """Return these requests in the order of the state."""
        return sorted(requests, key=lambda request: self._numbers[request.id])

    def number_of(self, name: EventId) -> int:
        """Return the place of a request in the order, or one after all of them if it is not here."""
        return self._numbers.get(name, self._next_number)

    def next_end(self) -> Instant:
        """Return when the next request ends by itself."""
        while self._ends and not self._is_true(self._ends[0]):
            heappop(self._ends)
        return self._ends[0][0] if self._ends else NEVER

    def take_ended(self, at: Instant) -> list[R]:
        """Return the requests that have ended by themselves at `at`, in order. The caller must remove them."""
        ended: dict[EventId, R] = {}
        while self._ends and self._ends[0][0] <= at:
            end = heappop(self._ends)
            if self._is_true(end):
                ended[end[1]] = self.requests[end[1]]
        return self.in_order(ended.values())

    def _is_true(self, end: tuple[Instant, EventId]) -> bool:
        request = self.requests.get(end[1])
        return request is not None and request.ends_at == end[0]

    def _buckets_near(self, resource: str) -> Iterable[_Bucket[R]]:
        root, leaf = root_of(resource), leaf_of(resource)
        if not root:
            return self._with_leaf(self._leaves(), leaf)
        if not is_file(resource):
            return [self._rooted.get(root, {})]
        below = self._roots_below(root) if is_pattern(resource) else ()
        buckets = [self._rooted[other] for other in (*roots_above(root), *below) if other in self._rooted]
        return [*buckets, *self._with_leaf(self._rootless, leaf)] if self._rootless else buckets

    @staticmethod
    def _with_leaf(buckets: _Buckets[R], leaf: str) -> Iterable[_Bucket[R]]:
        """Return the buckets of requests that can match a path with this leaf."""
        return [buckets[other] for other in (leaf, "") if other in buckets] if leaf else buckets.values()

    def _leaves(self) -> _Buckets[R]:
        if self._by_leaf is None:
            self._by_leaf = {}
            for request in self.requests.values():
                _put(self._by_leaf, leaf_of(request.resource), request)
        return self._by_leaf

    def _roots_below(self, root: str) -> list[str]:
        if self._roots is None:
            self._roots = sorted(self._rooted)
        first = bisect_left(self._roots, f"{root}/")
        return self._roots[first : bisect_left(self._roots, root + _AFTER_SLASH, first)]

    # --- changes ------------------------------------------------------------------------------------------------------

    def add(self, request: R) -> None:
        """Add a request after all others. If there is one with its id, replace that."""
        self.changed = True
        if old := self.requests.get(request.id):
            self._unlink(old)
        else:
            self._numbers[request.id] = self._next_number
            self._next_number += 1
        self.requests[request.id] = request
        self._link(request)
        heappush(self._ends, (request.ends_at, request.id))

    def remove(self, request: R) -> None:
        """Remove a request."""
        self.changed = True
        self._unlink(request)
        del self.requests[request.id], self._numbers[request.id]

    def change_session(self, request: R, session: str) -> None:
        """Give a request to another session. It keeps its place in the order."""
        self.changed = True
        del self._by_session[request.session][request.id]
        request.session = session
        self._by_session.setdefault(session, {})[request.id] = request

    def update_end(self, request: R) -> None:
        """Record when a request now ends."""
        self.changed = True
        heappush(self._ends, (request.ends_at, request.id))
        if len(self._ends) > 2 * len(self.requests) + _SPARE_ENDS:
            self._rebuild_ends()

    def _link(self, request: R) -> None:
        root = root_of(request.resource)
        if not root:
            _put(self._rootless, leaf_of(request.resource), request)
        elif _put(self._rooted, root, request) and self._roots is not None:
            insort(self._roots, root)
        if self._by_leaf is not None:
            _put(self._by_leaf, leaf_of(request.resource), request)
        self._by_session.setdefault(request.session, {})[request.id] = request

    def _unlink(self, request: R) -> None:
        root = root_of(request.resource)
        if not root:
            _drop(self._rootless, leaf_of(request.resource), request)
        elif _drop(self._rooted, root, request) and self._roots is not None:
            del self._roots[bisect_left(self._roots, root)]
        if self._by_leaf is not None:
            _drop(self._by_leaf, leaf_of(request.resource), request)
        of_session = self._by_session[request.session]
        del of_session[request.id]
        if not of_session:
            del self._by_session[request.session]

    def _rebuild_ends(self) -> None:
        self._ends = [(request.ends_at, name) for name, request in self.requests.items()]
        heapify(self._ends)


def _put(buckets: _Buckets[R], key: str, request: R) -> bool:
    """Put a request into a bucket, and return whether the bucket is new."""
    entry = suffix_of(request.resource), request
    if bucket := buckets.get(key):
        bucket[request.id] = entry
        return False
    buckets[key] = {request.id: entry}
    return True


def _drop(buckets: _Buckets[R], key: str, request: R) -> bool:
    """Remove a request from its bucket, and return whether the bucket was removed too."""
    bucket = buckets[key]
    del bucket[request.id]
    if bucket:
        return False
    del buckets[key]
    return True


class ClaimIndex:
    """The index of one state.

    Each waiting request has an obstacle: it was added because of one, and `take_unblocked` returns the requests that
    may have lost their last one. So only these must be decided again.
    """

    def __init__(self, state: State) -> None:
        self.claims, self.waits = RequestIndex(state.claims), RequestIndex(state.waits)
        self._freed: list[str] = []  # the resources of claims and waiting requests that have changed or ended

    def is_of(self, state: State) -> bool:
        """Return whether the claims and waiting requests of a state are still the indexed ones."""
        return self.claims.requests is state.claims and self.waits.requests is state.waits

    @property
    def changed(self) -> bool:
        """Whether any claim or waiting request was added, changed or removed since `forget_changes`."""
        return self.claims.changed or self.waits.changed

    def forget_changes(self) -> None:
        """Set `changed` to False."""
        self.claims.changed = self.waits.changed = False

    def next_end(self) -> Instant:
        """Return when the next claim or waiting request ends by itself."""
        return min(self.claims.next_end(), self.waits.next_end())

    def remove_claim(self, claim: Claim) -> None:
        """Remove an active claim, which may unblock waiting requests."""
        self.claims.remove(claim)
        self._freed.append(claim.resource)

    def remove_wait(self, wait: WaitingRequest) -> None:
        """Remove a waiting request, which may unblock later ones."""
        self.waits.remove(wait)
        self._freed.append(wait.resource)

    def pass_claim(self, claim: Claim, session: str) -> None:
        """Give a claim to a session itself, which may unblock its waiting requests."""
        self.claims.change_session(claim, session)
        claim.agent = ""
        self._freed.append(claim.resource)

    def take_unblocked(self) -> list[WaitingRequest]:
        """Return, in order, the waiting requests that may have lost an obstacle since the last call."""
        freed, self._freed = self._freed, []
        if not freed or not self.waits.requests:
            return []
        found = {wait.id: wait for resource in freed for wait in self.waits.near(resource)}
        return self.waits.in_order(found.values())
