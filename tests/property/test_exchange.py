"""After everyone exchanged twice without faults, all logs have the same bytes: all that was acknowledged anywhere, and
nothing else. This holds after any interleaving of appends, drafts, archiving, exchanges, cut connections, lost
answers, lost caches, and of rollbacks and alterations of the remote while no draft's outcome is unknown.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.engine.sync.exchange import outgoing
from coord.engine.sync.pending import adopt, read_pending, remove_pending
from eventlog.remotes.remote import BEHIND, OutcomeUnknown, RemoteAway
from tests.support.exchanging import Folder, folders

pytestmark = pytest.mark.slow

MACHINES = ("a", "b", "c")
ACTIONS = ("append", "draft", "archive", "exchange", "read all", "no cache", "away", "lost", "never arrives")
ATTACKS = ("older", "altered")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Segments are small, and nothing is synced, since no example ends with a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outgoing, "MAX_PIECE_BYTES", 700)
        for name in ("fsync", "fdatasync", "sync"):
            patch.setattr(f"os.{name}", lambda *_: None)
        yield tmp_path_factory.mktemp("machines")


class Played:
    """Machines that do one step after the other, and the bytes of each journal that were acknowledged."""

    def __init__(self, base: Path, *, whole_segments: bool, agrees: bool) -> None:
        shutil.rmtree(base)
        self.made = {one.name: one for one in folders(base, *MACHINES, whole_segments=whole_segments, agrees=agrees)}
        self.hub, self.agrees = self.made["a"].remote.hub, agrees
        self.acknowledged: dict[str, bytes] = {}
        self.archived: set[str] = set()
        self.is_attacked = False

    def step(self, name: str, action: str, number: int) -> None:
        """Let a machine do something; `number` selects what exactly."""
        one, session = self.made[name], f"{name}-{number % 2}"
        pending = read_pending(one.workspace)
        is_closed = session in self.archived or (one.log / f"{session}.jsonl.sealed").exists()
        is_closed |= pending is not None and pending.session == session
        if action in ("append", "draft", "archive"):
            if not is_closed:
                {"append": self._append, "draft": self._draft, "archive": self._archive}[action](one, session, number)
        elif action in ("exchange", "read all"):
            with suppress(RemoteAway, OutcomeUnknown):
                one.exchange(from_beginning=action == "read all")
            self._look(one)
        elif action == "no cache":
            shutil.rmtree(one.path / ".cache", ignore_errors=True)
        elif action == "away":
            one.remote.is_away = not one.remote.is_away
        elif action in ("lost", "never arrives"):
            one.remote.faults.append(_lost if action == "lost" else _never_arrives)
        elif not any(read_pending(each.workspace) for each in self.made.values()):
            self._attack(session, action, number)

    def _attack(self, session: str, action: str, number: int) -> None:
        """Change what the remote has. A draft that only other machines have read would be lost."""
        self.is_attacked = True
        if action == "older":
            del self.hub.publications[number:]
        elif size := self.hub.size(session):
            self.hub.alter(session, number * 37 % size)

    def _append(self, one: Folder, session: str, number: int) -> None:
        one.append(session, *["word " * 20] * (number + 1))
        self._look(one)

    def _archive(self, one: Folder, session: str, _: int) -> None:
        if (one.log / f"{session}.jsonl").exists():
            one.archive(session)
            self.archived.add(session)

    def _draft(self, one: Folder, session: str, number: int) -> None:
        """Do what a command does that needs the agreement of all."""
        if not self.agrees or read_pending(one.workspace):
            return
        exchange = one.open()
        draft = one.draft(exchange, session, *["claim " * 20] * (number + 1))
        try:
            if exchange.agree(draft) != BEHIND:
                adopt(one.workspace, draft)
            remove_pending(one.workspace)
        except RemoteAway:
            remove_pending(one.workspace)
        except OutcomeUnknown:
            pass
        finally:
            exchange.close()
        self._look(one)

    def _look(self, one: Folder) -> None:
        """The machine's own journals only grow."""
        for path, data in one.journals().items():
            session = Path(path).stem
            if session.startswith(one.name):
                assert data.startswith(self.acknowledged.get(session, b"")), session
                self.acknowledged[session] = data

    def _path(self, session: str) -> str:
        return f"{'ended/' * (session in self.archived)}{session}.jsonl"

    def end(self) -> None:
        """Let everyone exchange without faults, and compare."""
        for one in self.made.values():
            one.remote.is_away = False
            one.remote.faults.clear()
        for _ in range(2):
            for one in self.made.values():
                one.exchange(from_beginning=True)
                self._look(one)
        expected = {self._path(name): data for name, data in self.acknowledged.items()}
        for one in self.made.values():
            assert one.journals() == expected, one.name
            assert read_pending(one.workspace) is None
            assert self.is_attacked or not list(one.log.glob("*.sealed"))


def _lost() -> bool:
    return True


def _never_arrives() -> bool:
    raise OutcomeUnknown("the connection was cut")


STEP = st.tuples(st.sampled_from(MACHINES), st.sampled_from(ACTIONS + ATTACKS), st.integers(0, 9))
Play = Callable[[list[tuple[str, str, int]]], None]


@given(st.lists(STEP, max_size=40), st.booleans(), st.booleans())
def test_all_logs_end_with_the_same_bytes(
    base: Path, steps: list[tuple[str, str, int]], whole_segments: bool, agrees: bool
) -> None:
    played = Played(base, whole_segments=whole_segments, agrees=agrees)
    for step in steps:
        played.step(*step)
    played.end()
