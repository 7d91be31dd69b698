"""How the tests run: the same examples on every run, unless more or others are asked for; and the fixtures they share.

`COORD_TEST_EXAMPLES=20` multiplies the number of examples by 20; `--hypothesis-seed=N` tries others than the usual. How
often each attack of the reliability page is made is in `tests.support.attacks`.
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
        phases=[Phase.explicit, Phase.generate] if TREE else list(Phase),  # a mutant need not be made smaller
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
    """Quiet runs show no header; a failed one says what it ran with all the same."""
    if exitstatus and config.get_verbosity() < 0:
        terminalreporter.write_line(_profile(config))


@pytest.fixture
def bare_repo(tmp_path: Path) -> Iterator[Repo]:
    """A fresh repository without COORDINATION/."""
    yield from bare(tmp_path)


@pytest.fixture
def repo(bare_repo: Repo) -> Repo:
    """A fresh repository, initialised."""
    return install(bare_repo)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """How often to do what the attack of this test does, and where to tell it."""
    mark = request.node.get_closest_marker("attack")
    assert mark is not None, "a test with a tally says to which attack it belongs"
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\n{text}\n")

    made = Tally(mark.args[0], say)
    yield made
    request.node.user_properties.extend(made.told)
