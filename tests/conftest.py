"""Settings and fixtures of all tests.

Property tests try the same examples on every run. `COORD_TEST_EXAMPLES=20` multiplies their number by 20, and
`--hypothesis-seed=N` tries other examples. The counts of the attacks are in `tests.support.attacks`.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.attacks import Tallies, Tally, examples_of
from tests.support.processes import TREE
from tests.support.repositories import Repo, bare, install

_EXAMPLES = 60


def _multiplier() -> float:
    return float(os.environ.get("COORD_TEST_EXAMPLES", "1"))


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile(
        "coord",
        derandomize=config.getoption("--hypothesis-seed", None) is None,
        deadline=None,
        print_blob=True,
        database=None,
        max_examples=max(1, round(_EXAMPLES * _multiplier())),
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate] if TREE else list(Phase),  # failures of mutants are not shrunk
    )
    settings.load_profile("coord")
    config.pluginmanager.register(Tallies())


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.user_properties.extend(examples_of(item))


def _profile(config: pytest.Config) -> str:
    seed = config.getoption("--hypothesis-seed", None)
    source = "derandomized" if seed is None else f"seed {seed}"
    return f"hypothesis: profile coord, {settings.default.max_examples if settings.default else 0} examples, {source}"


def pytest_report_header(config: pytest.Config) -> str:
    return _profile(config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Print the profile after a failed quiet run, which has no header."""
    if exitstatus and config.get_verbosity() < 0:
        terminalreporter.write_line(_profile(config))


@pytest.fixture
def bare_repo(tmp_path: Path) -> Iterator[Repo]:
    """A fresh repository without COORDINATION/."""
    yield from bare(tmp_path)


@pytest.fixture
def repo(bare_repo: Repo) -> Repo:
    """A fresh initialised repository."""
    return install(bare_repo)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """The count of this test's attack, and a record of what was done."""
    mark = request.node.get_closest_marker("attack")
    assert mark is not None, "a test with a tally needs the mark `attack`"
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\n{text}\n")

    made = Tally(mark.args[0], say)
    yield made
    request.node.user_properties.extend(made.told)
