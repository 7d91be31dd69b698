"""The types of resources: which are known, and how a mistyped resource is answered with the command to type instead."""

import shlex

import pytest

from coord.workspace.config import TYPES
from tests.support.histories import Story
from tests.support.imported_events import asks, brings_in
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo

MISTYPED = {
    "claim src/new.py": "coord claim file/src/new.py",
    "claim src/new.py 2": "coord claim file/src/new.py 2",
    "claim src/app.py": "coord claim file/src/app.py",
    "claim ./app.py": "coord claim file/app.py",
    "claim ./new.py": "coord claim file/new.py",
    "claim app.py": "coord claim file/app.py",
    "claim app.py 4": "coord claim file/app.py 4",
    "claim new.py": "coord claim file/new.py",
    "claim a.py b.py c.py": "coord claim file/a.py file/b.py file/c.py",
    "claim file a.py src/b.py": "coord claim file a.py file/src/b.py",
    "claim src 4": "coord claim file/src/ 4",
    "claim src new.py 2": "coord claim file/src/new.py 2",
    "claim src/app.py src/new.py": "coord claim file/src/app.py file/src/new.py",
    "claim Makefile": "coord claim file/Makefile",
    "claim src": "coord claim file/src/",
    "claim src/": "coord claim file/src/",
    "release src/": "coord release file/src/",
    "renew file app.py src/ 2": "coord renew file app.py file/src/ 2",
    "claim files src/app.py": "coord claim file src/app.py",
    "claim fiel src/app.py": "coord claim file src/app.py",
    "claim fiel/src/app.py 2": "coord claim file/src/app.py 2",
    "claim folder src": "coord claim file src/",
    "claim dir/src": "coord claim file/src/",
    "claim Droplet x": "coord claim droplet x",
    "claim droplets x 4": "coord claim droplet x 4",
    "claim droplet x dorplet 'y z'": "coord claim droplet x droplet 'y z'",
    "release fiel a.py": "coord release file a.py",
    "renew Droplet/x 2": "coord renew droplet/x 2",
    "handoff files a.py ben": "coord handoff file a.py ben",
    "break prot 8000 --reason x": "coord break port 8000",
    "why fiel a.py": "coord why file a.py",
    "claims fiel/a.py": "coord claims file/a.py",
    "claims droplt": "coord claims droplet",
    "log --resource fiel/a.py": "coord log --resource file/a.py",
    "replay --until-claim fiel/a.py": "coord replay --until-claim file/a.py",
}


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    """A repository with a few files, and the sessions ada and ben."""
    (repo.root / "src").mkdir()
    for name in ("src/app.py", "app.py", "Makefile"):
        (repo.root / name).touch()
    made = SimulatedMachine(repo)
    made.start(100, "--name", "ada")
    made.start(200, "--name", "ben")
    return made


@pytest.mark.parametrize("typed", MISTYPED)
def test_a_mistyped_resource_is_refused_with_the_command(machine: SimulatedMachine, typed: str) -> None:
    result = machine.run(100, *shlex.split(typed))
    assert (result.code, result.out) == (2, "")
    meant = result.err.split("did you mean: ")[1].split(" (")[0].strip()
    assert meant == MISTYPED[typed]
    assert machine.repo.of_type("claim.requested") == []


@pytest.mark.parametrize("typed", [key for key in MISTYPED if key.startswith("claim ")])
def test_the_command_in_the_answer_works_as_it_is(machine: SimulatedMachine, typed: str) -> None:
    assert machine.run(100, *shlex.split(MISTYPED[typed])[1:]).code == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("claim src/app.py 2", "coord claim src app.py 2"),
        ("claim port 1 src/app.py 2", "coord claim port 1 src app.py 2"),
        ("handoff src/app.py ben", "coord handoff src app.py ben"),
    ],
)
def test_the_second_suggestion_keeps_the_other_words(machine: SimulatedMachine, typed: str, meant: str) -> None:
    assert f"(If src is the type: {meant})" in machine.run(100, *shlex.split(typed)).err


def test_a_path_in_a_subfolder_is_suggested_from_the_root(repo: Repo) -> None:
    (repo.root / "src").mkdir()
    shell = repo.shell(repo.root / "src")
    shell.start()
    assert "coord claim file/src/new.py" in shell.run("coord claim new.py").err
    assert "coord claim file/new.py" in shell.run("coord claim ../new.py").err


@pytest.mark.parametrize("kind", ["file", *TYPES])
def test_the_default_types_are_known(machine: SimulatedMachine, kind: str) -> None:
    assert machine.run(100, "claim", kind, "x").code == 0


def test_a_new_type_is_refused_until_it_is_asked_for(machine: SimulatedMachine) -> None:
    refused = machine.run(100, "claim", "infra", "dns", "4")
    assert refused.code == 2
    assert "For a new type: coord claim infra dns 4 --new-type. Known types: file, branch," in refused.err
    assert "file/infra/dns" in machine.run(100, "claim", "infra/dns").err, "it may be a path"
    assert machine.run(200, "release", "infra", "dns").code == 2
    assert machine.run(100, "claim", "infra", "dns", "4", "--new-type").code == 0
    assert machine.run(200, "claim", "infra/web").code == 0, "now it is used in this log"
    assert machine.run(100, "release", "infra", "dns").code == 0
    assert machine.run(200, "claim", "infra", "dns").code == 0


@pytest.mark.parametrize("typed", ["files a.py", "Droplet x", "folder src", "src/new.py", "./app.py", "4 x"])
def test_what_cannot_be_a_type_is_refused_with_new_type_too(machine: SimulatedMachine, typed: str) -> None:
    assert machine.run(100, "claim", *typed.split(), "--new-type").code == 2
    assert machine.repo.of_type("claim.requested") == []


def test_the_setting_types_replaces_the_default_types(machine: SimulatedMachine) -> None:
    (machine.repo.folder / "config.toml").write_text('types = ["room", "desk"]\n')
    assert machine.run(100, "claim", "room", "7").code == 0
    assert "did you mean: coord claim desk 3" in machine.run(100, "claim", "Desk", "3").err
    assert machine.run(100, "claim", "droplet", "x").code == 2
    assert machine.run(100, "claim", "file", "a.py").code == 0


@pytest.mark.parametrize("types", ["[7]", '["a/b"]', '[""]', '["a b"]', '"droplet"'])
def test_an_invalid_setting_of_types_is_an_error(machine: SimulatedMachine, types: str) -> None:
    (machine.repo.folder / "config.toml").write_text(f"types = {types}\n")
    result = machine.run(100, "claim", "droplet", "x")
    assert result.code == 4
    assert "types" in result.err


def test_a_path_that_an_older_version_accepted_can_be_released(machine: SimulatedMachine) -> None:
    claim = ("claim", "src", "new.py", "--new-type")  # as `claim src/new.py` was taken before types were checked
    assert machine.run(100, *claim).code == 0
    assert machine.run(100, "release", "src/new.py").code == 0
    assert machine.run(100, "claim", "src/new.py").code == 2


def test_imported_claims_make_their_types_known() -> None:
    story = Story("amber")
    brings_in(story, 1, asks("conference/1"))
    assert story.state().types == {"conference"}


def test_an_event_that_does_not_exist_is_said_to_be_missing(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet", "x")
    machine.run(100, "end")
    machine.start(100, "--name", "ada")
    for words in (("claim", "ada/9999"), ("release", "ada/9999"), ("why", "ada/9999"), ("status", "--at", "ada/9999")):
        result = machine.run(200, *words)
        assert result.code == 2, words
        assert "there is no event ada/9999" in result.err


def test_a_claim_can_be_named_by_the_name_of_its_session(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet", "x")
    assert machine.run(100, "release", "ada/2").out == "🔓 Released: droplet/x\n"
