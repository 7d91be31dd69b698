"""The code is made wrong at one place at a time (attack 19): each sync, lock, check, comparison and rule. The tests
that keep it must notice; a suite that passes without a sync tests nothing.
"""

from collections.abc import Iterator
from functools import cache

import pytest

from tests.attacks import ATTACKS, FIRST_SEED, LONG, Tally
from tests.mutants.mutant import ROOT, Mutant, Tree, killed
from tests.mutants.table import MUTANTS

NAMES = [mutant.name for mutant in MUTANTS]
TRIED = MUTANTS if LONG else MUTANTS[FIRST_SEED % 3 :: 3]  # a usual run tries one in three, another seed another
NUMBERED = pytest.mark.parametrize(("number", "mutant"), list(enumerate(TRIED)), ids=[one.name for one in TRIED])


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(TRIED) >= ATTACKS[19].count
    assert len(set(NAMES)) == len(NAMES)


def test_each_is_of_a_place_that_is_there_and_has_tests_that_are() -> None:
    read = cache(lambda path: (ROOT / path).read_text(encoding="utf-8"))
    wrong = []
    for mutant in MUTANTS:
        if mutant.old == mutant.new or read(mutant.file).count(mutant.old) != 1:
            wrong.append(
                f"{mutant.name}: {mutant.file} says {read(mutant.file).count(mutant.old)} times what it changes"
            )
        for test in mutant.tests:
            path, *names = test.split("[")[0].split("::")
            if not (ROOT / path).exists() or not all(f"def {name}(" in read(path) for name in names):
                wrong.append(f"{mutant.name}: no {test}")
        if not mutant.tests:
            wrong.append(f"{mutant.name}: no tests")
    assert wrong == []


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """The copy in which they are tried, one for each process of the tests."""
    made = Tree(tmp_path_factory.mktemp("mutants") / "tree")
    yield made
    made.close()


@pytest.mark.machine
def test_without_any_the_same_tests_pass_and_it_is_the_copy_that_they_test(tree: Tree) -> None:
    outcome = tree.run(tuple(dict.fromkeys(test for mutant in TRIED for test in mutant.tests)))
    assert outcome.code == 0, outcome.out
    probe = tree.root / "test_probe.py"
    probe.write_text(
        "import subprocess, eventlog, projections, coord\nfrom tests.processes import COORD, environment\n"
        "def test_it(tmp_path):\n"
        "    for one in (eventlog, projections, coord):\n"
        f"        assert one.__path__[0].startswith({str(tree.root)!r})\n"
        "    done = subprocess.run([COORD, '--version'], env=environment(tmp_path), check=True, capture_output=True)\n"
        f"    assert COORD.startswith({str(tree.root)!r}) and done.stdout\n"
    )
    outcome = tree.run((probe.name,))
    assert outcome.code == 0, outcome.out


@pytest.mark.machine
@pytest.mark.attack(19)
@NUMBERED
def test_each_is_noticed(tree: Tree, tally: Tally, number: int, mutant: Mutant) -> None:
    outcome = tree.attempt(mutant, number)
    assert killed(mutant, outcome), f"nothing noticed: {mutant.what} ({mutant.file})\n{outcome.out}"
    tally.did("mutants")


@pytest.mark.machine
def test_a_mutant_of_a_comment_would_not_be_taken_for_a_killed_one(tree: Tree) -> None:
    harmless = Mutant(
        "eventlog/errors.py",
        '"""Why the log cannot be used',
        '"""Why a log cannot be used',
        "a word in a docstring",
        ("tests/eventlog/test_lock.py::test_it_is_free_after_an_error_under_it",),
    )
    assert not killed(harmless, tree.attempt(harmless, -1))
    broken = Mutant(harmless.file, harmless.old, "(" + harmless.old, "no Python", harmless.tests)
    assert not killed(broken, tree.attempt(broken, -2)), "a program that does not start is noticed by everything"
