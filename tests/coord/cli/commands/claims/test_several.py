"""Several resources in one command, lists of claims by type, prefix and pattern, and renewals that shorten."""

import re

import pytest

from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    made = SimulatedMachine(repo)
    made.start(100, "--name", "ada")
    made.start(200, "--name", "ben")
    return made


def held(machine: SimulatedMachine, *words: str, shell: int = 100) -> list[str]:
    """Return the resources that `coord claims` lists."""
    result = machine.run(shell, "claims", *words, "--json")
    assert result.code == 0, result
    return [claim["resource"] for claim in result.json["claims"]]


# --- several resources ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "resources", "seconds"),
    [
        ("droplet x port 8000", ["droplet/x", "port/8000"], 14400),
        ("droplet/x port/8000 2", ["droplet/x", "port/8000"], 7200),
        ("droplet x port/8000 90m", ["droplet/x", "port/8000"], 5400),
        ("port 80 81", ["port/80"], 81 * 3600),
        ("droplet a/b droplet c", ["droplet/a/b", "droplet/c"], 14400),
        ("droplet x droplet/x 1", ["droplet/x"], 3600),
    ],
)
def test_types_and_names_may_follow_each_other(
    machine: SimulatedMachine, words: str, resources: list[str], seconds: int
) -> None:
    result = machine.run(100, "claim", *words.split())
    assert result.code == 0, result
    asked = [event["event"] for event in machine.repo.of_type("claim.requested")]
    assert [(event["resource"], event["ttl_s"]) for event in asked] == [(name, seconds) for name in resources]
    assert result.out.count("✅ Claimed: ") == len(resources)


def test_of_several_resources_all_are_claimed_or_none(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet", "y")
    refused = machine.run(200, "claim", "droplet", "x", "droplet", "y", "port", "1")
    assert refused.code == 1
    assert refused.out.startswith("❌ Already claimed: droplet/y\n")
    assert "Nothing was claimed. Free: droplet/x, port/1" in refused.out
    assert held(machine) == ["droplet/y"]
    machine.run(100, "release", "droplet", "y")
    document = machine.run(200, "claim", "droplet", "x", "droplet", "y", "--json").json
    assert (document["outcome"], document["resources"]) == ("granted", ["droplet/x", "droplet/y"])
    assert [claim["outcome"] for claim in document["claims"]] == ["granted", "granted"]


def test_a_refusal_of_several_records_only_the_refused_request(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet", "y")
    document = machine.run(200, "claim", "droplet", "x", "droplet", "y", "--json").json
    assert [claim["outcome"] for claim in document["claims"]] == ["free", "refused"]
    told = [(event["event"]["resource"], event["event"]["told"]) for event in machine.repo.of_type("claim.requested")]
    assert told == [("droplet/y", "granted"), ("droplet/y", "refused")]


def test_resources_that_overlap_can_be_claimed_together(machine: SimulatedMachine) -> None:
    result = machine.run(100, "claim", "file/src/", "file/src/app.py", "1")
    assert result.code == 0
    assert "file/src/app.py, by your claim on file/src/" in result.out
    assert held(machine) == ["file/src/"]


def test_of_several_resources_all_are_released_or_none(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet/x", "droplet/y")
    refused = machine.run(100, "release", "droplet", "x", "droplet", "z")
    assert refused.code == 1
    assert "droplet/z is not yours" in refused.err
    assert held(machine) == ["droplet/x", "droplet/y"]
    assert machine.run(100, "release", "droplet", "x", "droplet/y").out == "🔓 Released: droplet/x, droplet/y\n"
    assert held(machine) == []


def test_release_all_releases_what_the_session_holds(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet/x", "file/a.py")
    machine.run(200, "claim", "droplet/y")
    document = machine.run(100, "release", "--all", "--json").json
    assert document["resources"] == ["droplet/x", "file/a.py"]
    assert held(machine) == ["droplet/y"]
    assert "hold no claims" in machine.run(100, "release", "--all").out


def test_several_claims_are_renewed_together(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet/x", "droplet/y", "1")
    assert machine.run(100, "renew", "droplet/x", "droplet/z", "6").code == 1
    assert machine.repo.of_type("claim.renewed") == []
    assert machine.run(100, "renew", "droplet/x", "droplet/y", "6").out.count("✅ Renewed: ") == 2
    assert "one resource only" in machine.run(100, "renew", "droplet/x", "droplet/y", "--token", "1").err


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "resources"),
    [
        (("droplet",), ["droplet/church", "droplet/dash"]),
        (("droplet", "dash"), ["droplet/dash"]),
        (("droplet/c",), ["droplet/church"]),
        (("drop",), ["droplet/church", "droplet/dash"]),
        (("droplet/*",), ["droplet/church", "droplet/dash"]),
        (("file",), ["file/src/", "file/test/a.py"]),
        (("file/",), ["file/src/", "file/test/a.py"]),
        (("file", "src/"), ["file/src/"]),
        (("file/src/*.py",), ["file/src/"]),
        (("file/t",), ["file/test/a.py"]),
        (("**/a.py",), ["file/src/", "file/test/a.py"]),
        (("droplet/dash", "test/a.py"), ["droplet/dash", "file/test/a.py"]),
        (("port",), []),
        (("--mine",), ["droplet/church", "file/src/"]),
        (("--mine", "droplet"), ["droplet/church"]),
    ],
)
def test_claims_lists_a_type_a_prefix_or_a_pattern(
    machine: SimulatedMachine, words: tuple[str, ...], resources: list[str]
) -> None:
    (machine.repo.root / "src").mkdir()
    machine.run(100, "claim", "droplet", "church", "file", "src/")
    machine.run(200, "claim", "droplet", "dash", "file", "test/a.py")
    assert held(machine, *words) == resources


def test_a_type_that_is_also_a_folder_lists_both(machine: SimulatedMachine) -> None:
    (machine.repo.root / "deploy").mkdir()
    machine.run(100, "claim", "deploy", "prod", "file", "deploy/a.sh", "file", "b.sh")
    assert held(machine, "deploy") == ["deploy/prod", "file/deploy/a.sh"]


def test_an_empty_list_says_what_nobody_holds(machine: SimulatedMachine) -> None:
    assert machine.run(100, "claims").out == "No claims.\n"
    assert machine.run(100, "claims", "port").out == "Nobody holds any port.\n"
    assert machine.run(100, "claims", "--mine").out == "You hold no claims.\n"
    assert machine.run(300, "claims", "--mine").code == 3


# --- the length of a claim --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["claim", "renew"])
def test_a_shorter_time_shortens_ones_own_claim(machine: SimulatedMachine, command: str) -> None:
    first = machine.run(100, "claim", "droplet", "x", "4", "--json").json
    machine.wait(600)
    shorter = machine.run(100, command, "droplet", "x", "1")
    assert re.search(r"shortened: droplet/x until \d\d:\d\d UTC \(1 h left\); it was until", shorter.out, re.I)
    again = machine.run(100, command, "droplet", "x", "--ttl", "30m", "--json").json
    assert (again["claim"], again["until"] < again["until_before"] < first["until"]) == (first["claim"], True)
    machine.wait(1801)
    assert machine.run(200, "claim", "droplet", "x").code == 0


@pytest.mark.parametrize("command", ["claim", "renew"])
def test_a_claim_is_not_shortened_without_a_given_time(machine: SimulatedMachine, command: str) -> None:
    first = machine.run(100, "claim", "droplet", "x", "8", "--json").json
    kept = machine.run(100, command, "droplet", "x")
    assert re.search(r"kept: droplet/x until .* \(8 h left\)\n", kept.out, re.IGNORECASE)
    assert "coord renew droplet/x HOURS" in kept.out
    assert machine.run(100, command, "droplet", "x", "--json").json["until"] == first["until"]
    assert "'shorten'" not in str(machine.repo.events()), "the field is written only where it has an effect"


def test_a_request_for_a_part_does_not_shorten_the_claim(machine: SimulatedMachine) -> None:
    first = machine.run(100, "claim", "file", "src/", "4", "--json").json
    result = machine.run(100, "claim", "file", "src/app.py", "1", "--json").json
    assert (result["claim"], result["until"]) == (first["claim"], first["until"])


def test_claiming_again_with_a_longer_time_extends(machine: SimulatedMachine) -> None:
    first = machine.run(100, "claim", "droplet", "x", "1", "--json").json
    again = machine.run(100, "claim", "droplet", "x", "4", "--json").json
    assert (again["outcome"], again["claim"], again["until_before"]) == ("renewed", first["claim"], first["until"])
    assert "Already yours, renewed: droplet/x until" in machine.run(100, "claim", "droplet", "x", "5").out


def test_a_renewal_within_a_minute_is_shown_with_seconds(machine: SimulatedMachine) -> None:
    machine.run(100, "claim", "droplet", "x")
    machine.wait(20)
    machine.run(100, "renew", "droplet", "x")
    assert re.search(r"until 16:00:00 UTC → 16:00:20 UTC", machine.run(100, "diff", "-15s").out)


def test_the_answer_to_a_shared_claim_says_so(machine: SimulatedMachine) -> None:
    assert machine.run(100, "claim", "file", "a.py", "--shared").out.startswith("✅ Claimed: file/a.py (shared) until ")
    assert machine.run(200, "claim", "file", "a.py", "--shared", "--json").json["mode"] == "shared"
