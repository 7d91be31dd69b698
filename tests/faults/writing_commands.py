"""Every command that writes, and a prepared folder for each, for `tests.faults.test_every_system_call`."""

import contextlib
import io
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coord.admin.verify import VerifyResult, verify
from coord.cli.main import run
from coord.platform.processes import system_process_table
from coord.workspace.paths import find_workspace
from coord.workspace.system import System, this_host, wall_clock
from eventlog.events import Event, Instant, MessageSent, add_time
from eventlog.history import LogReader
from tests.faults.strace import MARK
from tests.support.processes import Result, environment
from tests.support.repositories import Repo
from tests.support.shell_folders import BEGIN, Predecessor

HERE = this_host()
LONG_AGO_S = 20 * 86_400


class Folder:
    """A repository whose shared folder can be saved and restored. Commands run inside the test."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.kept = repo, repo.home / "kept"
        self.mark, self.marked = repo.root / MARK, b""
        self.ids: dict[str, str] = {}  # the ids of the sessions, by name

    def save(self) -> None:
        """Save the shared folder."""
        self.marked = self.mark.read_bytes() if self.mark.exists() else b""
        if self.repo.folder.exists():
            shutil.copytree(self.repo.folder, self.kept)

    def restore(self) -> None:
        """Restore the saved folder."""
        shutil.rmtree(self.repo.folder, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.repo.folder)
        if self.marked:  # the last journal in it must be one that is restored
            self.mark.write_bytes(self.marked)
        else:
            self.mark.unlink(missing_ok=True)

    def env(self, name: str) -> dict[str, str]:
        """The environment of a session, or without a session for the empty name."""
        return environment(self.repo.home) | ({"COORD_SESSION": self.ids[name]} if name else {})

    def system(self, name: str, wall: Callable[[], Instant] = wall_clock) -> System:
        """The system of a command of that session."""
        return System(self.env(name), str(self.repo.root), wall, 1, lambda: HERE, system_process_table)

    def run(self, name: str, *words: str, ago_s: float = 0) -> Result:
        """Run a command as that session, with a clock that is `ago_s` seconds back."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(words, self.system(name, lambda: add_time(wall_clock(), -ago_s)))
        return Result(out.getvalue(), err.getvalue(), code)

    def ok(self, name: str, *words: str, ago_s: float = 0) -> str:
        """Run a command that must succeed."""
        result = self.run(name, *words, ago_s=ago_s)
        assert result.code == 0, (words, result)
        return result.out

    def start(self, name: str, ago_s: float = 0) -> None:
        """Start a session without an anchor."""
        self.ok("", "start", "--no-anchor", "--name", name, ago_s=ago_s)
        self.ids[name] = next(event.session for event in self.events() if event.session not in self.ids.values())

    def events(self) -> list[Event]:
        """All events of the log."""
        if not self.repo.log.exists():
            return []
        return LogReader(str(self.repo.log), HERE.machine).catch_up(wall_clock()).events

    def verified(self) -> VerifyResult:
        """The result of `coord verify`."""
        system = self.system("")
        return verify(system, find_workspace(system, None))

    def journal(self, name: str) -> Path:
        """The journal of a session."""
        return self.repo.log / f"{self.ids[name]}.jsonl"

    def first_message(self) -> str:
        """The id of the first message."""
        return next(event.id for event in self.events() if isinstance(event.payload, MessageSent))


Prepare = Callable[[Folder], None]


def _unchanged(_: Folder) -> None:
    return None


@dataclass(frozen=True)
class Case:
    """A command, its session (`ada` or none), and the preparation of its folder, in which ada and bob each have a
    claim, and ada has a message. In the words, `FIRST` stands for the first message and `OLD` for the folder of the
    shell version.
    """

    words: str
    who: str = "ada"
    before: Prepare = _unchanged
    bare: bool = False  # the shared folder does not exist yet
    waits: bool = False  # until bob releases his claim
    tears: bool = False  # the journal has a tear, which is saved beside it
    inherits: bool = False  # syncs what a killed process wrote, or seals the journal
    archives: bool = False  # moves journals, which may fail
    asks: bool = False  # prints before it writes that it has printed
    code: int = 0


def _with_ended(folder: Folder) -> None:
    for name in ("eve", "fay"):
        folder.start(name, LONG_AGO_S)
        folder.ok(name, "claim", "droplet", name, ago_s=LONG_AGO_S)
        folder.ok(name, "end", ago_s=LONG_AGO_S - 60)


def _with_a_death(folder: Folder) -> None:
    shell = folder.repo.shell()
    shell.start("--name dora")
    shell.ok("coord claim droplet doras")
    shell.kill()


def _with_a_torn_line(folder: Folder) -> None:
    with folder.journal("ada").open("ab") as file:
        file.write(b'{"v":1,"at":"2026-11-22T11:20:06.123456Z","session":"ama')


def _after_a_killed_process(folder: Folder) -> None:
    folder.repo.log.joinpath(".lock").write_text("4194303\n")


def _without_a_newline(folder: Folder) -> None:
    folder.ok("ada", "heartbeat", "cut", "off")
    data = folder.journal("ada").read_bytes()
    folder.journal("ada").write_bytes(data[:-1])
    shutil.rmtree(folder.repo.folder / ".cache")


def _with_a_sealed_journal(folder: Folder) -> None:
    folder.journal("ada").with_name(f"{folder.ids['ada']}.jsonl.sealed").touch()


def _without_a_cache(folder: Folder) -> None:
    shutil.rmtree(folder.repo.folder / ".cache")
    folder.repo.folder.joinpath("STATUS_BOARD.md").unlink()


def _with_changed_files(folder: Folder) -> None:
    folder.repo.folder.joinpath("QUICK_START.md").write_text("what a person wrote\n")
    folder.repo.folder.joinpath("scripts", "session-start.sh").unlink()


def _with_a_shell_folder(folder: Folder) -> None:
    old = Predecessor(folder.repo.home / "old")
    session = old.session(BEGIN)
    old.heartbeat(BEGIN, session)
    old.claim(BEGIN, session, "droplet", "old")
    old.message(BEGIN, session, "broadcast", "Hello from before")


CASES = {
    "init": Case("init", who="", bare=True),
    "init, with --force": Case("init --force", who="", before=_with_changed_files),
    "start": Case("start --no-anchor --name cleo", who=""),
    "start, in a new folder": Case("start --no-anchor", who="", before=_without_a_cache),
    "start, archiving": Case("start --no-anchor --name cleo", who="", before=_with_ended, archives=True),
    "start, a name is added": Case("start --name anna"),
    "start, continuing an ended session": Case("start --no-anchor --continue eve --new", who="", before=_with_ended),
    "heartbeat": Case("heartbeat building api BUILD 25% tests"),
    "heartbeat, without a cache": Case("heartbeat building api", before=_without_a_cache),
    "heartbeat, noticing a death": Case("heartbeat building api", before=_with_a_death),
    "heartbeat, after a torn line": Case("heartbeat building api", before=_with_a_torn_line, tears=True),
    "heartbeat, after a line without a newline": Case("heartbeat building api", before=_without_a_newline),
    "heartbeat, after a killed process": Case("heartbeat building api", before=_after_a_killed_process, inherits=True),
    "heartbeat, of a sealed journal": Case("heartbeat building api", before=_with_a_sealed_journal),
    "claim": Case("claim droplet/new"),
    "claim, renewing": Case("claim droplet/hers"),
    "claim, refused": Case("claim droplet/his", code=1),
    "claim, waiting": Case("claim droplet/his --wait 1m", waits=True),
    "renew": Case("renew droplet/hers 5"),
    "release": Case("release droplet/hers"),
    "handoff": Case("handoff droplet/hers bob"),
    "break": Case("break droplet/his --reason asked"),
    "send": Case("send bob Question What?"),
    "reply": Case("reply FIRST Yes"),
    "inbox": Case("inbox", asks=True),
    "ack": Case("ack FIRST", asks=True),
    "resolve": Case("resolve FIRST"),
    "end": Case("end --summary done"),
    "board": Case("board --write", who=""),
    "archive": Case("archive", who="", before=_with_ended),
    "import": Case("import OLD", who="", before=_with_a_shell_folder),
}


def prepared(repo: Repo, case: Case, chance: random.Random) -> tuple[Folder, list[str]]:
    """Prepare and save a folder for a command; the folder, and the words of the command."""
    folder = Folder(repo)
    if not case.bare:
        folder.ok("", "init")
        for name in ("ada", "bob"):
            folder.start(name)
        folder.ok("ada", "claim", "droplet", "hers")
        folder.ok("bob", "claim", "droplet", "his")
        folder.ok("bob", "send", "ada", "Look", "please " * chance.randrange(1, 40), "--needs-ack")
        for turn in range(chance.randrange(4)):
            folder.ok(chance.choice(("ada", "bob")), "heartbeat", "turn", str(turn), "x" * chance.randrange(300))
        case.before(folder)
    folder.save()
    special = {"OLD": str(repo.home / "old"), **({} if case.bare else {"FIRST": folder.first_message()})}
    return folder, [special.get(word, word) for word in case.words.split()]
