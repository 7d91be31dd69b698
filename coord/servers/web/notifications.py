"""Decide which notifications a browser shows while all tabs of the page are hidden.

The rules are those for the person's own command (`coord.workspace.notify.decision`): once for each need, and at most
four times an hour for needs that are not urgent. There is one decision for each server, so all browsers show the same.
A visible page counts as a visible `coord watch`: the person is not notified of what the page shows.
"""

from typing import Any

from coord.render.format import Names
from coord.workspace.notify.decision import Notification, NotifyRecord, marked, need_key, pick
from coord.workspace.notify.message import PREFIX, variables
from coord.workspace.notify.record import WATCHED, LockFile
from projections.views.board import Board


class Notifications:
    """The notifications of a server, and the mark that a page is visible. It is used by one thread."""

    def __init__(self, cache: str, root: str) -> None:
        self._lock, self._root = LockFile(cache, WATCHED, shared=True), root
        self._record, self._last = NotifyRecord(), None

    _last: dict[str, Any] | None

    def due(self, board: Board, shown: bool) -> dict[str, Any]:
        """Return how many needs there are, and the last notification, if there is one: `{"count", "notify"}`.

        `shown` is whether a page is visible: then the person sees the needs, and `notify` is empty. Otherwise it stays
        the same until another notification is due or its need has ended, so that each browser gets it.
        """
        complete = len(board.needs) == board.counts.needs
        self._record = marked(self._record, board.needs, complete=complete, shown=shown)
        self._record, notification = pick(self._record, board.needs, board.now)
        if notification is not None:
            self._last = browser_notification(notification, self._root, board.names)
        elif shown or (complete and self._last and self._last["id"] not in self._record.told):
            self._last = None
        return {"count": board.counts.needs, "notify": [self._last] if self._last else []}

    def set_visible(self, visible: bool) -> None:
        """Set or remove the mark that the person sees a page."""
        if visible:
            self._lock.take()
        else:
            self._lock.release()


def browser_notification(notification: Notification, root: str, names: Names) -> dict[str, Any]:
    """Return a notification for the browser."""
    what = variables(notification, root, names)[f"{PREFIX}WHAT"]
    more = f" (and {notification.more} more)" if notification.more else ""
    return {"id": need_key(notification.need), "text": f"{what}{more}", "urgent": notification.urgent}
