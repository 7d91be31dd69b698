"""Attack 19: remove a sync, a lock, a check or a rule from a copy of the code; the tests of the broken promise must
fail.

The fast tests here check the operations and the table.
"""

import ast
import builtins
from collections.abc import Iterator

import pytest

from tests.mutants.operations import NotOneFunction, edited, functions_in, mutated
from tests.mutants.table import MUTANTS, Mutant
from tests.mutants.tree import ROOT, Tree
from tests.support.attacks import ATTACKS, Tally

SAMPLE = """
class File:
    def write(self, data: bytes, most: int) -> int:
        "Write."
        with lock(self):
            if len(data) > most and not self.sealed:
                raise Full
            self.put(data)
            sync(self.fd)
        return max(len(data), 0)
"""


@pytest.mark.parametrize(
    ("operation", "old", "new"),
    [
        ("without sync", "sync(self.fd)", "pass"),
        ("without Full", "raise Full", "pass"),
        ("without lock", "with lock(self)", 'with __import__("contextlib").nullcontext()'),
        ("never sealed", "not self.sealed", "((not self.sealed) and False)"),
        ("always data most", "len(data) > most", "((len(data) > most) or True)"),
        ("compare > >= data", "len(data) > most", "len(data) >= most"),
        ("replace max min", "max(", "min("),
        ("replace fd 1", "self.fd", "1"),
        ("late put", "self.put(data)\n            sync(self.fd)", "sync(self.fd)\n            self.put(data)"),
    ],
)
def test_an_operation_changes_what_it_names(operation: str, old: str, new: str) -> None:
    assert SAMPLE.count(old) == 1
    function = dict(functions_in(ast.parse(SAMPLE)))["File.write"]
    assert edited(SAMPLE, [function], operation) == SAMPLE.replace(old, new)


def test_a_function_can_be_made_to_return_a_value() -> None:
    function = dict(functions_in(ast.parse(SAMPLE)))["File.write"]
    assert edited(SAMPLE, [function], "returns 0") == SAMPLE.partition("with lock")[0] + "return 0\n"


def test_there_are_enough_mutants_and_none_twice() -> None:
    assert len(MUTANTS) >= ATTACKS[19].count
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def names_in(source: str) -> set[str]:
    """The names that a module uses or imports."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    return imported | {node.id for node in nodes if isinstance(node, ast.Name)}


def test_each_mutant_names_a_place_and_tests_that_exist() -> None:
    wrong = []
    for mutant in MUTANTS:
        try:
            path, source = mutated(ROOT, mutant.function, mutant.operation)
        except NotOneFunction as error:
            wrong.append(f"{mutant.name}: {error}")
        else:
            unknown = names_in(source) - names_in((ROOT / path).read_text(encoding="utf-8")) - set(dir(builtins))
            wrong += [f"{mutant.name}: {name} is not defined, so any test would fail" for name in sorted(unknown)]
        for test in mutant.tests or ("no test",):
            path, _, name = test.split("[")[0].partition("::")
            file = ROOT / "tests" / path
            if not file.is_file() or f"def {name}(" not in file.read_text(encoding="utf-8"):
                wrong.append(f"{mutant.name}: {test} does not exist")
    assert wrong == []


def test_a_missing_or_ambiguous_place_is_an_error() -> None:
    for function, operation in (
        ("Writer.sync", "without nothing"),
        ("Writer.none", "returns 0"),
        ("main", "returns 0"),
    ):
        with pytest.raises(NotOneFunction):
            mutated(ROOT, function, operation)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A copy of the program, one for each test process."""
    made = Tree(tmp_path_factory.mktemp("mutants") / "tree")
    yield made
    made.close()


@pytest.mark.machine
def test_the_tests_of_all_mutants_pass_on_an_unchanged_copy(tree: Tree) -> None:
    outcome = tree.run(tuple(dict.fromkeys(f"tests/{test}" for mutant in MUTANTS for test in mutant.tests)))
    assert outcome.code == 0, outcome.out
    probe = tree.root / "test_probe.py"
    probe.write_text(
        "import subprocess, eventlog, projections, coord\nfrom tests.support.processes import COORD, environment\n"
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
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_is_noticed(tree: Tree, tally: Tally, mutant: Mutant) -> None:
    outcome = tree.attempt(mutant)
    assert outcome.noticed, f"no test noticed that this is broken: {mutant.promise}\n{outcome.out}"
    tally.did("mutants")


@pytest.mark.machine
def test_a_harmless_or_unusable_mutant_is_not_noticed(tree: Tree) -> None:
    test = "eventlog/local/test_lock.py::test_the_lock_is_free_after_an_error_in_its_body"
    assert not tree.attempt(Mutant("lock.lock_owner", "returns None", "not looked at by this test", (test,))).noticed
    assert not tree.attempt(Mutant("lock.locked", "returns )", "no Python at all", (test,))).noticed
