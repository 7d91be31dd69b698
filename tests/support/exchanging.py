"""Machines that exchange journals through a remote in memory, without commands: only their folders."""

from contextlib import nullcontext
from pathlib import Path

from coord.engine.sync.exchange.exchange import Exchange
from coord.engine.sync.exchange.progress import Exchanged
from coord.engine.sync.pending import Draft, write_pending
from coord.workspace.config import Config
from coord.workspace.paths import Workspace
from coord.workspace.system import System
from eventlog.codec import encode_lines
from eventlog.events import VERSION, AnyPayload, Event, Instant, SessionHeartbeat, SessionStarted, add_time
from eventlog.local.writer import JournalWriter, archive_journal
from eventlog.scanning import Position, scan
from projections.rules.liveness import ObserverHost
from tests.support.journals import START
from tests.support.memory_remote import Hub, MemoryRemote


class Folder:
    """The shared folder of one machine."""

    def __init__(self, base: Path, name: str, remote: MemoryRemote) -> None:
        self.name, self.remote = name, remote
        self.path = base / name / "COORDINATION"
        self.log = self.path / "log"
        self.log.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(str(self.path), str(self.path.parent), None)
        here = ObserverHost(f"machine-{name}", "boot", "pid:[1]")
        self.system = System({}, str(self.path), lambda: START, 1, lambda: here)
        self._events = 0

    def open(self, *, from_beginning: bool = False) -> Exchange:
        """Open an exchange; the test must close it."""
        return Exchange(
            self.system, self.workspace, Config(), self.remote, from_beginning=from_beginning, under=nullcontext
        )

    def exchange(self, *, from_beginning: bool = False) -> Exchanged:
        """Exchange in both directions."""
        exchange, done = self.open(from_beginning=from_beginning), Exchanged()
        try:
            exchange.catch_up(done)
            return exchange.publish_new(done)
        finally:
            exchange.close()

    def position(self, session: str) -> Position:
        path = self.log / f"{session}.jsonl"
        return scan(session, path.read_bytes() if path.exists() else b"", Position())[1]

    def _payload(self, n: int, text: str) -> AnyPayload:
        if n == 1:
            here = self.system.here.machine
            return SessionStarted(name=self.name, machine=here, folder=self.workspace.recorded)
        return SessionHeartbeat(action=text)

    def _now(self) -> Instant:
        self._events += 1
        return add_time(START, self._events)

    def _events_after(self, session: str, position: Position, texts: tuple[str, ...]) -> list[Event]:
        return [
            Event(v=VERSION, at=self._now(), session=session, n=n, payload=self._payload(n, text))
            for n, text in enumerate(texts, position.n + 1)
        ]

    def append(self, session: str, *texts: str) -> None:
        """Append a heartbeat with each of these texts; the first event of a journal is the start of its session."""
        writer = JournalWriter(str(self.log), session, self.position(session))
        try:
            writer.extend(self._events_after(session, writer.position, texts))
            writer.sync()
        finally:
            writer.close()

    def draft(self, exchange: Exchange, session: str, *texts: str) -> Draft:
        """Put a draft of heartbeats on the disk, which continues the journal of a session."""
        position = self.position(session)
        events = self._events_after(session, position, texts)
        data = b"".join(encode_lines(events, position.hashes[0]))
        draft = Draft(session, position.size, data, exchange.cursor, events[-1].at)
        write_pending(self.workspace, draft)
        return draft

    def archive(self, session: str) -> None:
        archive_journal(str(self.log), session)

    def journals(self) -> dict[str, bytes]:
        """The content of each journal; the archived ones are below `ended/`."""
        return {str(path.relative_to(self.log)): path.read_bytes() for path in self.log.rglob("*.jsonl")}


def folders(base: Path, *names: str, whole_segments: bool = True, hub: Hub | None = None) -> list[Folder]:
    """Machines that share a hub."""
    shared = hub or Hub()
    return [Folder(base, name, MemoryRemote(shared, whole_segments=whole_segments)) for name in names]
