"""Attack 6: the disk is really full at any point of any command, and later has room again (promises 1 and 2).

A small file system is mounted on the shared folder. Three sessions write to it at the same time, while ballast leaves
only a few pages or a few files free: space runs out in a line, in a new journal, in the checkpoint, in the board, at
the lock, or at a folder. A command that fails says so in one line and is not in the log; what was acknowledged is
there; reading works. After the ballast is deleted all sessions continue, and the log has each acknowledged event
exactly once.

The second test limits the size of files instead, so that writing stops at any byte and not only between pages. It needs
no mount.
"""

import re
import resource
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from tests.faults.disk_scripts import SESSIONS, agree, begin, run_next_commands, settle
from tests.support.attacks import Tally
from tests.support.in_process import SimulatedMachine
from tests.support.processes import Result, can_unshare
from tests.support.repositories import Repo

pytestmark = pytest.mark.slow

UNSHARE_OPTIONS = (("--mount",), ("--mount", "--map-root-user"))
UNSHARE = next((way for way in UNSHARE_OPTIONS if can_unshare(*way)), ())
READS = ("status", "claims", "board", "log", "inbox --peek", "verify", "whoami", "report")
USUAL = re.compile(
    r"log/[^/]+\.jsonl|log/\.lock|\.cache/(checkpoint(-\d+)?|guard)|STATUS_BOARD\.md|QUICK_START\.md|config\.toml|\.gitignore|"
    r"scripts/[^/]+\.sh|ballast/\d+"
)
ROUNDS = 12
MAX_FAILED = 5  # failed commands in one run
PARTS = 2  # of the runs, so that two processors can share them


def left_over(repo: Repo) -> list[str]:
    """The files in the folder that should not be there."""
    found = sorted(str(path.relative_to(repo.folder)) for path in repo.folder.rglob("*") if not path.is_dir())
    return [name for name in found if not USUAL.fullmatch(name)]


# --- a file system that is full ---------------------------------------------------------------------------------------


class SmallDisk:
    """A small file system on the shared folder, which only the shells of this object see."""

    def __init__(self, repo: Repo) -> None:
        self._shell = repo.shell(None, "unshare", *UNSHARE, "bash", "--norc", "--noprofile")
        into = ["nsenter", f"--target={self._shell.pid}", "--mount"]
        into += ["--user", "--preserve-credentials"] if "--map-root-user" in UNSHARE else []
        self.shells = [repo.shell(None, *into, "bash", "--norc", "--noprofile") for _ in range(SESSIONS)]
        for shell in self.shells:
            shell.ok(f"cd {shlex.quote(str(repo.root))}")
        self.repo = Repo(Path(f"/proc/{self._shell.pid}/root{repo.root}"), repo.home)  # as these shells see it
        self._shell.ok("cp -a COORDINATION ../kept")

    @contextmanager
    def mounted(self, options: str) -> Iterator[None]:
        """Mount the file system, with the files of `coord init` on it."""
        self._shell.ok("rm -rf .git && git init -q")  # as if nothing was ever written here
        self._shell.ok(f"mount -t tmpfs -o {options} tmpfs COORDINATION && cp -a ../kept/. COORDINATION")
        try:
            yield
        finally:
            self._shell.ok("umount COORDINATION")

    def fill(self, pages: int) -> None:
        """Fill the disk up to this number of free pages."""
        self._shell.run("mkdir COORDINATION/ballast; cat /dev/zero >COORDINATION/ballast/0")
        self._shell.ok(f"truncate -s -{pages * 4096} COORDINATION/ballast/0")

    def fill_names(self, names: int) -> None:
        """Create files until this number of further files is possible."""
        self._shell.run(
            "mkdir COORDINATION/ballast; for i in {1000..9999}; do : >COORDINATION/ballast/$i || break; done"
        )
        self._shell.ok("rm -f " + " ".join(f"COORDINATION/ballast/{1000 + number}" for number in range(names)))

    def empty(self) -> None:
        """Delete the ballast."""
        self._shell.ok("rm -r COORDINATION/ballast")

    def run(self, words: dict[int, str]) -> dict[int, Result]:
        """Run commands of some sessions at the same time."""
        for number, some in words.items():
            self.shells[number].begin(f"coord {some}")
        return {number: self.shells[number].finish() for number in words}


def fill_and_empty(disk: SmallDisk, seed: int, chance: Random) -> int:
    """One run with a full disk; the number of commands that failed."""
    names = seed % 4 == 3
    with disk.mounted("size=400k,nr_inodes=60" if names else "size=400k"):
        scripts = begin(disk.run, chance, seed)
        for gone in chance.sample(
            ("log/.lock", ".cache/checkpoint", ".cache/guard", "STATUS_BOARD.md"), chance.randrange(4)
        ):
            (disk.repo.folder / gone).unlink(missing_ok=True)
        with suppress(OSError):
            (disk.repo.folder / ".cache").rmdir()
        disk.fill_names(chance.randrange(6)) if names else disk.fill(chance.choice((0, 0, 1, 1, 2, 3, 5, 9)))
        for _ in range(ROUNDS):
            run_next_commands(disk.run, scripts, seed)
            if sum(len(script.failed) for script in scripts) >= MAX_FAILED:
                break
        for look in chance.sample(READS, 4):
            shown = chance.choice(disk.shells).run(f"coord {look}")
            assert (shown.code, shown.err) == (0, ""), (seed, look, shown)
        assert left_over(disk.repo) == [], seed
        disk.empty()
        failed = settle(disk.run, scripts, seed)
        agree(scripts, disk.repo.events(), disk.shells[0].json("coord claims"), seed)
        verified = disk.shells[0].run("coord verify --json")
        assert (verified.code, verified.err) == (0, ""), (seed, verified)
        board = (disk.repo.folder / "STATUS_BOARD.md").read_text()
        assert all(name in board for script in scripts for name in script.held[-1:]), (seed, board)
        assert left_over(disk.repo) == [], seed
    return failed


@pytest.mark.machine
@pytest.mark.skipif(not UNSHARE, reason="mounts are not permitted here")
@pytest.mark.attack(6)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_full_disk_loses_no_acknowledged_event(repo: Repo, tally: Tally, part: int) -> None:
    disk, failed = SmallDisk(repo), 0
    for seed in tally.seeds[part::PARTS]:
        failed += fill_and_empty(disk, seed, tally.chance(seed))
        tally.did("times")
    tally.did("commands that failed", failed)
    assert failed > len(tally.seeds) // PARTS, "the disk was never full"


# --- a file that may not grow -----------------------------------------------------------------------------------------


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Limit the size of the files that this process writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.attack(6)
def test_a_limit_on_file_sizes_loses_no_acknowledged_event(repo: Repo, tally: Tally) -> None:
    failed, fresh = 0, repo.home / "fresh"
    shutil.copytree(repo.root, fresh)
    for seed in tally.seeds:
        chance, machine = tally.chance(f"bytes {seed}"), SimulatedMachine(repo)
        shutil.rmtree(repo.root)
        shutil.copytree(fresh, repo.root)

        def run(words: dict[int, str], machine: SimulatedMachine = machine) -> dict[int, Result]:
            machine.wait(1)
            return {number: machine.run(100 * (number + 1), *shlex.split(some)) for number, some in words.items()}

        scripts = begin(run, chance, seed)
        size = chance.choice([path.stat().st_size for path in repo.log.glob("*.jsonl")]) + chance.randrange(3000)
        with no_file_beyond(size):
            for _ in range(ROUNDS):
                run_next_commands(run, scripts, seed)
        assert left_over(repo) == [], seed
        failed += settle(run, scripts, seed)
        agree(scripts, repo.events(), machine.run(100, "claims", "--json").json, seed)
        assert machine.run(100, "verify").code == 0, seed
        tally.did("limits on a file's size")
    tally.did("commands that failed", failed)
    assert failed > tally.count
