"""Exchange journals between this folder and its remote, and publish drafts on a condition.

One process at a time exchanges: the link, or a command while no link runs. What is kept in the cache can be deleted:
the next exchange then reads the remote from its beginning, and compares all of it with the journals here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from coord.engine.machine_lock import under_lock
from coord.engine.sync.exchange.incoming import Incoming, as_log_error
from coord.engine.sync.exchange.local_journals import LocalJournals
from coord.engine.sync.exchange.outgoing import MAX_PUBLISHED_BYTES, Missing
from coord.engine.sync.exchange.progress import Exchanged, Tracker
from coord.engine.sync.exchange.remote_sizes import lost_bytes
from coord.engine.sync.exchange.status import RemoteStatus, read_status
from coord.engine.sync.link.client import is_listening
from coord.engine.sync.pending import Draft, adopt, read_pending, remove_pending
from coord.render.console.progress import ProgressBar
from coord.workspace.config import Config
from coord.workspace.notify.record import LockFile
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.local.journal import MAX_JOURNAL_BYTES
from eventlog.remotes.piece import Piece
from eventlog.remotes.remote import BEGINNING, BEHIND, Behind, OutcomeUnknown, Remote, RemoteAway, RemoteRefused

LOCK = "link.lock"  # in the cache: held by the process that exchanges
_WRITTEN_AT_ONCE = 8 << 20  # bytes of pieces
_PAUSE_S = 0.01
_ATTEMPTS = 20  # to publish, while others publish too


class ExchangeBusy(RemoteAway):
    """Another process exchanges with the remote."""


class Exchange:
    """The exchange of one folder with one remote. Not thread safe. `close` frees it for another process.

    `under` replaces the machine's lock, for tests. Raises ExchangeBusy, after `wait_s` or as soon as a link listens.
    """

    def __init__(
        self,
        system: System,
        workspace: Workspace,
        config: Config,
        remote: Remote,
        *,
        from_beginning: bool = False,
        wait_s: float = 0,
        under: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._system, self._workspace, self.remote = system, workspace, remote
        self._under = under or (lambda: under_lock(system, workspace, config))
        self.waits_for_lock = False  # while it has pieces to write, and another process holds the machine's lock
        self._lock = LockFile(workspace.cache, LOCK)
        deadline = time.monotonic() + wait_s
        while not self._lock.take():
            if time.monotonic() >= deadline or is_listening(workspace.cache):
                raise ExchangeBusy("another process exchanges with the remote at this moment")
            time.sleep(_PAUSE_S)
        self._journals = LocalJournals(workspace, system.here.machine)
        status = read_status(workspace)
        self.status = status if status.remote == remote.name else RemoteStatus(remote.name)
        self.status.agrees = remote.agrees
        self._tracker = Tracker(system, workspace, remote, self.status)
        self._must_restart = from_beginning  # whether the next read compares everything
        self._gaps: set[str] = set()  # journals because of which everything was read again already

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.waits_for_lock = True
        try:
            with self._under():
                self.waits_for_lock = False
                yield
        finally:
            self.waits_for_lock = False

    @property
    def cursor(self) -> str:
        """Up to where the remote is in the log."""
        return self.status.cursor

    def close(self) -> None:
        """Close the remote, and let another process exchange."""
        self.remote.close()
        self._lock.release()

    def catch_up(self, done: Exchanged | None = None, *, shows_progress: bool = False) -> str:
        """Bring in what is new at the remote, settle a draft whose outcome is unknown, and return the cursor.

        Raises RemoteAway, RemoteRefused or LogError. The caller must not hold the machine's lock.
        """
        done = Exchanged() if done is None else done
        for _ in range(3):
            self._read(done, shows_progress=shows_progress)
            draft = read_pending(self._workspace)
            if not self._must_restart and (draft is None or not self._try_again(draft)):
                break
        self._tracker.save()
        return self.cursor

    def _read(self, done: Exchanged, *, shows_progress: bool) -> None:
        draft = read_pending(self._workspace)
        incoming = Incoming(
            self._workspace, self._journals, lambda name, text: self._tracker.report(done, name, text), draft
        )
        before = self.status.sizes
        pieces: list[Piece] = []
        held, bar = 0, ProgressBar("receiving", 0)

        def use(piece: Piece) -> None:
            nonlocal held
            pieces.append(piece)
            held += len(piece.data)
            if held >= _WRITTEN_AT_ONCE or len(pieces) >= 1000:
                flush()

        def flush() -> None:
            nonlocal held
            if pieces:
                with self._locked(), as_log_error():
                    for piece in pieces:
                        incoming.write(piece)
                    incoming.finish()
                if shows_progress:
                    bar.step(len(pieces))
            pieces.clear()
            held = 0

        try:
            start = self._start(draft)
            result = self._tracker.reached(lambda: self.remote.read(start, use))
            flush()
            is_whole = result.restarted or not start
            sizes = incoming.sizes.result(before, is_whole=is_whole)
            if is_whole:
                incoming.lost = lost_bytes(before, sizes)
            self._finish(incoming, result.cursor)
        finally:
            bar.close()
        done.events_in += incoming.events
        done.journals_in += incoming.new_journals
        if incoming.events:
            self._tracker.note_news(self._journals)
        if incoming.lost:
            self._report_lost(done, before, incoming.lost)
        self.status.sizes = incoming.sizes.result(before, is_whole=is_whole)
        self.status.cursor = result.cursor
        self._must_restart = not is_whole and not incoming.gaps <= self._gaps
        self._gaps |= incoming.gaps

    def _start(self, draft: Draft | None) -> str:
        """Return after which cursor to read: a draft is after its own, although an exchange may have moved on since."""
        if self._must_restart:
            return BEGINNING
        return self.cursor if draft is None else draft.cursor

    def _finish(self, incoming: Incoming, cursor: str) -> None:
        """Settle the draft, and look at the journals of this folder, after everything was read."""
        if incoming.draft is None and not incoming.has_own:
            return
        with self._locked(), as_log_error():
            if incoming.draft is not None and read_pending(self._workspace) == incoming.draft:
                self._settle(incoming, incoming.draft, cursor)
            incoming.report_own()

    def _settle(self, incoming: Incoming, draft: Draft, cursor: str) -> None:
        """Append a draft that was published, and drop one that was not and cannot be any more."""
        local = self._journals.read(draft.session)
        if incoming.found_draft:
            adopt(self._workspace, draft)
        elif local.size < draft.end and cursor == draft.cursor:
            return
        elif incoming.lost or draft.session in incoming.damaged:  # other machines may have read it before
            incoming.close_journal(draft.session)
        remove_pending(self._workspace)

    def _try_again(self, draft: Draft) -> bool:
        """Publish a draft again on the same condition, and return whether the remote must be read again."""
        try:
            with self._locked():
                if read_pending(self._workspace) != draft:
                    return False
                if self.agree(draft) == BEHIND:
                    return True
                adopt(self._workspace, draft)
                remove_pending(self._workspace)
        except OutcomeUnknown:
            pass
        return False

    def _report_lost(self, done: Exchanged, before: dict[str, int], lost: dict[str, int]) -> None:
        ends = {name: abs(before[name]) for name in lost}
        events = sum(self._journals.count_events(name, ends[name] - size, ends[name]) for name, size in lost.items())
        done.lost += events
        text = f"the remote lost {events} events of {len(lost)} journals; they are published again from this machine"
        self._tracker.report(done, "", text)

    def publish_new(self, done: Exchanged | None = None, *, shows_progress: bool = False) -> Exchanged:
        """Publish what the remote lacks, and return what was moved. Raises as `catch_up`, and OutcomeUnknown."""
        done = Exchanged() if done is None else done
        missing = self._missing()
        names = missing.names(ours_only=not self.remote.agrees)
        bar = ProgressBar("publishing", len(names))
        failed = 0
        try:
            while names:
                some, pieces, held = list[str](), list[Piece](), 0
                while names and held < MAX_PUBLISHED_BYTES and len(some) < 1000:
                    some.append(names.pop(0))
                    pieces += missing.pieces(some[-1])
                    held = sum(len(piece.data) for piece in pieces)
                before = dict(self.status.sizes)
                if self._publish(pieces) == BEHIND:
                    failed += 1
                    if failed >= _ATTEMPTS:
                        raise RemoteAway(f"{self.remote.name} changed {failed} times while this was published")
                    self.catch_up(done)
                    missing = self._missing()
                    names = missing.names(ours_only=not self.remote.agrees)
                    continue
                self._count_out(done, some, before)
                if shows_progress:
                    bar.step(len(some))
        finally:
            bar.close()
        self.status.queued_events, self.status.queued_since = 0, ""
        self._tracker.save()
        return done

    def _count_out(self, done: Exchanged, names: list[str], before: dict[str, int]) -> None:
        for name in names:
            begin, end = abs(before.get(name, 0)), abs(self.status.sizes.get(name, 0))
            done.events_out += self._journals.count_events(name, begin, end)
            done.journals_out += end > begin

    def agree(self, draft: Draft) -> str | Behind:
        """Publish what the remote lacks of this folder's journals, and a draft, if nothing was published after the
        draft's cursor. Raises RemoteAway, RemoteRefused, OutcomeUnknown. The caller holds the machine's lock.
        """
        if lost := self._shorter_than_known() - self._gaps:
            self._gaps |= lost
            self._must_restart = True
            return BEHIND
        if draft.cursor != self.cursor:
            return BEHIND
        if abs(self.status.sizes.get(draft.session, 0)) > draft.offset:
            raise RemoteRefused(f"{self.remote.name} has more of {draft.session} than this folder")
        missing = self._missing()
        names = [name for name in missing.names(ours_only=True) if name != draft.session]
        pieces = [piece for name in names for piece in missing.pieces(name)]
        pieces += missing.pieces(draft.session, draft)
        cursor = self._publish(pieces)
        if cursor != BEHIND:
            self.status.sizes[draft.session] = draft.end
            self._tracker.save()
        return cursor

    def _shorter_than_known(self) -> set[str]:
        """Return the journals that are shorter here than at the remote, so that the state lacks lines."""
        active, archived = self._journals.names()
        sizes = self.status.sizes.items()
        return {name for name, size in sizes if name not in archived and active.get(name, 0) < abs(size)}

    def compact(self) -> bool:
        """Shorten the history of a git remote, and return whether it was shortened."""
        shorten = getattr(self.remote, "compact", None)
        cursor = self._tracker.reached(lambda: shorten(self.cursor)) if shorten and self.cursor else BEHIND
        if isinstance(cursor, Behind):
            return False
        self.status.cursor = cursor
        self._tracker.save()
        return True

    def _missing(self) -> Missing:
        return Missing(self._journals, self.status.sizes, whole_segments=self.remote.whole_segments)

    def _publish(self, pieces: list[Piece]) -> str | Behind:
        cursor = self._tracker.reached(lambda: self.remote.publish(pieces, self.cursor))
        if isinstance(cursor, Behind):
            return cursor
        for piece in pieces:
            end = piece.offset + len(piece.data)
            self.status.sizes[piece.session] = -end if piece.archived else end
        self.status.cursor = cursor
        return cursor

    def count_queued(self) -> None:
        """Count the events that are not published, and save that."""
        names, sizes = self._missing().names(ours_only=not self.remote.agrees), self.status.sizes
        events = sum(self._journals.count_events(name, abs(sizes.get(name, 0)), MAX_JOURNAL_BYTES) for name in names)
        self.status.queued_events = events
        self.status.queued_since = (self.status.queued_since or self._system.wall()) if events else ""
        self._tracker.save()
