"""The thread that follows the log while a page is open, and gives each page what is new for it.

One thread uses the view; other threads use it through a `Follower`. While no page is open, the thread does not read the
log. While one is open, it reads the log when the folder changes and when something ends because time passes, and once a
minute while a page is visible, because the page shows how long ago things were. A folder that other machines can write
to is also read every 5 s.

A single change is sent at once. Changes in quick succession are sent together, at most every half second. A page that
has not taken its last message gets no other one; its next one contains everything that changed in between.
"""

import os
import select
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from math import inf
from typing import TypeVar

from msgspec import Struct

from coord.platform.inotify import FolderChanges
from coord.platform.watch import POLL_EVERY_S, reports_changes, watch_folder
from coord.servers.web.live.view import LiveView
from eventlog.events import Instant, add_time, from_micros, seconds_between, to_micros

T = TypeVar("T")
Send = Callable[[str, bytes], object]
FIRST_GAP_S, LARGEST_GAP_S = 0.1, 0.5  # between two messages about changes that follow each other
_FRESH_S = 1.0  # a moment that was made less than this ago is shown to a page that is opened
_MINUTE = 60_000_000  # microseconds
_LONGEST_WAIT_S = 86400.0  # `select` takes no longer times, such as until the end of what never ends


class Reader:
    """A page that is open. `send` gets the id and the data of each message; empty data ends the stream.

    The follower's thread calls it, and calls it again only after `Follower.taken`. `after` is the id of the state that
    the page has. With `only_needs`, the page gets only what needs its person.
    """

    def __init__(self, send: Send, after: str = "", *, only_needs: bool = False) -> None:
        self.send, self.after, self.only_needs = send, after, only_needs
        self.waits = True  # for the next message
        self.version = -1  # of the last message
        self.needs = b""  # the last message, if it is `only_needs`


class Follower:
    """Follows the log for the readers. `wall` is the clock."""

    def __init__(self, view: LiveView, folder: str, wall: Callable[[], Instant]) -> None:
        self._view, self._folder, self._wall = view, folder, wall
        self._readers: list[Reader] = []
        self._tasks: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopped, self._refreshed = False, wall()
        self._thread = threading.Thread(target=self._run, name="coord-live", daemon=True)
        self._thread.start()

    def join(self, reader: Reader) -> None:
        """Send a reader its messages from now on."""
        self._do(lambda: self._join(reader))

    def leave(self, reader: Reader) -> None:
        """Send a reader nothing more."""
        self._do(lambda: self._leave(reader))

    def taken(self, reader: Reader) -> None:
        """Note that a reader has taken its last message."""
        self._do(lambda: setattr(reader, "waits", True))

    def ask(self, question: Callable[[LiveView], T]) -> "Future[T]":
        """Return the answer to a question about the present state, after catching up with the log."""
        future: Future[T] = Future()

        def answer() -> None:
            if not future.set_running_or_notify_cancel():
                return  # nobody waits for it any more
            try:
                self._refresh()
                future.set_result(question(self._view))
            except Exception as error:
                future.set_exception(error)

        self._do(answer)
        return future

    def close(self) -> None:
        """End the streams and the thread."""
        self._do(lambda: setattr(self, "_stopped", True))
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _do(self, task: Callable[[], None]) -> None:
        self._tasks.append(task)
        with suppress(OSError):  # it is awake already, or has ended
            os.write(self._wake_write, b"!")

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped:
            try:
                if self._readers:
                    self._follow()
                else:
                    self._wait(None)
            except Exception:  # a bug must not end the thread that all pages depend on
                traceback.print_exc()
                self._wait(1.0)  # do the tasks: the end of the server is one
        for reader in self._readers:
            reader.send("", b"")

    def _join(self, reader: Reader) -> None:
        is_first = not self._readers
        self._readers.append(reader)
        self._note_visible()
        if is_first or seconds_between(self._refreshed, self._wall()) > _FRESH_S:
            self._refresh()

    def _leave(self, reader: Reader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
        self._note_visible()

    def _note_visible(self) -> None:
        """Note whether a page is visible: its person is then not notified of what it shows."""
        self._view.is_visible = any(not reader.only_needs for reader in self._readers)
        self._view.notifications.set_visible(self._view.is_visible)

    def _refresh(self) -> None:
        self._refreshed = self._wall()
        self._view.refresh()

    def _wait(self, timeout_s: float | None, changes: int | None = None) -> bool:
        """Wait for a task or a change of the folder. Do the tasks, and return whether the folder changed."""
        files = [self._wake_read] if changes is None else [self._wake_read, changes]
        ready = select.select(files, [], [], timeout_s)[0]
        if self._wake_read in ready:
            with suppress(BlockingIOError):
                while os.read(self._wake_read, 4096):
                    pass
        while self._tasks:
            self._tasks.popleft()()
        return changes in ready

    def _follow(self) -> None:
        """Send messages until no page is open."""
        with _watch(self._folder) as watch:
            self._refresh()  # it can have changed before it was watched
            last, gap_s, changed = time.monotonic(), FIRST_GAP_S, False
            while self._readers and not self._stopped:
                self._send()
                left_s = min(self._until_due_s(), last + (gap_s if changed else watch.poll_s) - time.monotonic())
                is_ready = self._wait(max(0.0, min(left_s, _LONGEST_WAIT_S)), None if changed else watch.fd)
                if is_ready and watch.drain():
                    gap_s = min(2 * gap_s, LARGEST_GAP_S) if time.monotonic() < last + 1 else FIRST_GAP_S
                    changed = True
                now = time.monotonic()
                if now >= last + (gap_s if changed else watch.poll_s) or self._until_due_s() <= 0:
                    watch.drain()
                    self._refresh()
                    last, changed = now, False

    def _until_due_s(self) -> float:
        """Return after how many seconds the moment changes without an event."""
        due = max(self._view.next_change, add_time(self._refreshed, _FRESH_S))
        if any(not reader.only_needs for reader in self._readers):
            minute = from_micros((to_micros(self._refreshed) // _MINUTE + 1) * _MINUTE)
            due = min(due, minute)
        return seconds_between(self._wall(), due)

    def _send(self) -> None:
        for reader in self._readers:
            if not reader.waits or reader.version == self._view.version:
                continue
            reader.version = self._view.version
            if not reader.only_needs:
                message = self._view.message(reader.after)
                reader.after, reader.waits = message.id, False
                reader.send(message.id, message.data)
            elif (needs := self._view.needs()) != reader.needs:
                reader.needs, reader.waits = needs, False
                reader.send("", needs)


class _Watch(Struct):
    """A descriptor that is readable after a change, and after how many seconds to look at the log anyway.

    `drain` reads what was reported, and returns whether it can be about the log.
    """

    fd: int
    drain: Callable[[], bool]
    poll_s: float


@contextmanager
def _watch(folder: str) -> Iterator[_Watch]:
    poll_s = inf if reports_changes(folder) else POLL_EVERY_S
    try:
        changes = FolderChanges(folder)
    except OSError:
        with watch_folder(folder) as fd:
            os.set_blocking(fd, False)
            yield _Watch(fd, lambda: _read_all(fd), POLL_EVERY_S)
        return
    try:
        yield _Watch(changes.fd, changes.drain, poll_s)
    finally:
        changes.close()


def _read_all(fd: int) -> bool:
    with suppress(BlockingIOError):
        os.read(fd, 1 << 16)
    return True
