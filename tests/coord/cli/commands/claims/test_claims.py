"""The commands on claims: claim, renew, release, handoff, break and claims."""

import re

import pytest

from coord.cli.commands.claims._held import claims_on
from tests.support.histories import Story
from tests.support.imported_events import asks, brings_in
from tests.support.in_process import SimulatedMachine
from tests.support.repositories import Repo


@pytest.mark.parametrize("name", ["ada", "two words", "x$y", ""])
def test_a_refusal_offers_a_command_with_the_holders_name(repo: Repo, name: str) -> None:
    machine = SimulatedMachine(repo)
    session = machine.start(100, *(["--name", name] if name else []))
    machine.start(200)
    machine.run(100, "claim", "droplet", "x")
    refused = machine.run(200, "claim", "droplet", "x").out
    assert f'Ask: coord send {"ada" if name == "ada" else session} "Question"' in refused


def test_a_refusal_names_the_holder_the_end_and_what_to_do(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    said = one.ok("coord claim droplet church-guidance 4 --note 'landing page'")
    assert re.match(r"✅ Claimed: droplet/church-guidance until (\S+ )?\d\d:\d\d \S+ \(4 h left\)", said)
    refused = two.run("coord claim droplet/church-guidance")
    assert refused.code == 1
    assert refused.err == ""
    for word in (first, "until", "landing page", f"coord send {first}", "--wait"):
        assert word in refused.out
    assert refused.out.splitlines()[-2:] == [  # each command on a line of its own, which fits a window of 80 columns
        f'   Ask: coord send {first} "Question" "..."',
        "   Wait: coord claim droplet/church-guidance --wait 10m",
    ]
    as_json = two.run("coord claim droplet church-guidance --json")
    assert (as_json.code, as_json.json["outcome"], as_json.json["session"]) == (1, "refused", second)
    assert as_json.json["obstacles"][0]["session"] == first


def test_a_token_is_valid_until_the_next_grant(repo: Repo) -> None:
    (one, _), (two, second) = repo.sessions(2)
    token = one.json("coord claim deploy production")["token"]
    assert one.json(f"coord renew deploy production --token {token}")["token"] == token
    one.ok("coord release deploy production")
    assert one.run(f"coord renew deploy production --token {token}").code == 1
    two.ok("coord claim deploy production")
    gone = one.run(f"coord renew deploy production --token {token}")
    assert gone.code == 1
    assert second in gone.err
    two.ok("coord release deploy production")
    anew = one.json("coord claim deploy production")["token"]
    assert anew > token
    stale = one.run(f"coord renew deploy production --token {token} && echo deployed")
    assert (stale.code, stale.out) == (1, "")
    assert "is not valid" in stale.err


def test_shared_claims_coexist_and_block_an_exclusive_one(repo: Repo) -> None:
    (one, first), (two, second), (three, _) = repo.sessions(3)
    one.ok("coord claim file docs/ --shared")
    two.ok("coord claim file docs/intro.md --shared")
    alone = three.run("coord claim file docs/intro.md")
    assert alone.code == 1
    assert first in alone.out
    assert second in alone.out
    one.ok("coord release file docs/")
    two.ok("coord release file docs/intro.md")
    three.ok("coord claim file docs/intro.md")
    assert one.run("coord claim file docs/ --shared").code == 1


def test_only_the_holder_can_release_a_claim(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x")
    theirs = two.run("coord release droplet x")
    assert theirs.code == 1
    assert first in theirs.err
    one.ok("coord release droplet x")
    again = one.run("coord release droplet x")
    assert again.code == 1
    assert "nobody has it" in again.err
    two.ok("coord claim droplet x")


def test_a_handoff_leaves_no_gap_and_notifies_the_new_holder(repo: Repo) -> None:
    (one, first), (two, second), (three, _) = repo.sessions(3)
    before = one.json("coord claim droplet x 4")
    three.begin("coord claim droplet x --wait 10m")
    two.ok("until coord status --json | grep -q '\"asked_at\"'; do sleep 0.05; done")
    handed = one.json(f"coord handoff droplet x {second[:-1]} --note 'tests are red on purpose'")
    assert (handed["from"], handed["to"]) == (first, second)
    (claim,) = two.json("coord claims droplet/x")["claims"]
    assert (claim["session"], claim["ends_at"]) == (second, before["until"])
    assert claim["token"] > before["token"]
    told = two.ok("coord inbox")
    assert "handed droplet/x over to you" in told
    assert "tests are red on purpose" in told
    assert one.run("coord renew droplet x").code == 1
    two.ok("coord release droplet x")
    assert three.finish().code == 0


@pytest.mark.parametrize(
    ("to", "code", "word"),
    [
        ("{first}", 1, "already yours"),
        ("{ended}", 1, "no longer live"),
        ("nobody", 3, "no session"),
        ("", 2, "missing"),
    ],
)
def test_a_refused_handoff_keeps_the_claim(repo: Repo, to: str, code: int, word: str) -> None:
    (one, first), (two, ended) = repo.sessions(2)
    two.ok("coord end")
    one.ok("coord claim droplet x")
    result = one.run(f"coord handoff droplet x {to.format(first=first, ended=ended)}")
    assert result.code == code
    assert word in result.err
    assert one.json("coord claims")["claims"][0]["session"] == first


def test_a_break_needs_a_reason_and_notifies_the_holder(repo: Repo) -> None:
    (one, first), (two, second) = repo.sessions(2)
    one.ok("coord claim file src/app.py")
    assert two.run("coord break file src/app.py").code == 2
    assert two.run("coord break file src/app.py --reason ' '").code == 2
    assert one.run("coord break file src/app.py --reason mine").code == 1
    assert two.run("coord break file src/other.py --reason x").code == 1
    broken = two.json("coord break file src/app.py --reason 'its user closed it'")
    assert (broken["by"], broken["holders"]) == (second, [first])
    two.ok("coord claim file src/app.py")
    told = one.ok("coord inbox")
    assert second in told
    assert "its user closed it" in told
    assert one.run("coord renew file src/app.py").code == 1


def test_end_releases_all_claims_and_records_the_notes(repo: Repo) -> None:
    (one, first), (two, _) = repo.sessions(2)
    one.ok("coord claim droplet x; coord claim droplet y --shared")
    ended = one.json("coord end --summary 'page done' --notes 'form needs tests'")
    assert ended["released"] == ["droplet/x", "droplet/y"]
    two.ok("coord claim droplet x; coord claim droplet y")
    status = two.ok("coord status")
    assert "page done" in status
    assert "form needs tests" in status
    assert f"ended: {first}" in status


def test_claims_lists_all_or_those_on_one_path(repo: Repo) -> None:
    (repo.root / "src").mkdir()
    (repo.root / "src" / "app.py").touch()
    (one, first), (two, second) = repo.sessions(2)
    assert one.ok("coord claims") == "No claims.\n"
    one.ok("coord claim file src/")
    two.ok("coord claim deploy production")
    everything = one.ok("coord claims")
    assert f"file/src/ - {first} (you)" in everything
    assert f"deploy/production - {second}" in everything
    for path in ("src/app.py", "file/src/app.py", "./src/app.py", "$PWD/src/app.py", "src", "src/"):
        assert [c["session"] for c in one.json(f"coord claims {path}")["claims"]] == [first], path
    assert "Nobody holds README.md" in one.ok("coord claims README.md")
    assert [c["session"] for c in one.json("coord claims deploy/production")["claims"]] == [second]
    assert [c["session"] for c in one.json("cd src; coord claims ./app.py")["claims"]] == [first]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ((), 4 * 3600),
        (("4",), 4 * 3600),
        (("0.5",), 1800),
        (("--ttl", "90m"), 5400),
        (("--ttl", "1h30m"), 5400),
        (("--ttl", "60s"), 60),
        (("168",), 7 * 86400),
        (("--ttl", "7d"), 7 * 86400),
    ],
)
def test_hours_and_ttl_set_the_length_of_a_claim(repo: Repo, words: tuple[str, ...], seconds: int) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    assert machine.run(100, "claim", "droplet", "x", *words).code == 0
    assert repo.of_type("claim.requested")[0]["event"]["ttl_s"] == seconds


def test_a_claim_expires_exactly_at_its_end(repo: Repo) -> None:
    machine = SimulatedMachine(repo)
    machine.start(100)
    machine.start(200)
    assert machine.run(100, "claim", "droplet", "x", "--ttl", "1m").code == 0
    until = machine.run(200, "claims", "--json").json["claims"][0]["ends_at"]
    machine.wait(59)
    assert machine.run(200, "claim", "droplet", "x").code == 1
    machine.now = until
    assert machine.run(200, "claims").out == "No claims.\n"
    assert machine.run(200, "claim", "droplet", "x").code == 0


def test_imported_claims_block_nobody() -> None:
    story = Story("amber")
    theirs = brings_in(story, 1, asks("port/1"))
    assert theirs.id in story.state().claims
    assert claims_on(story.state(), "port/1") == []
    ours = story.asks(2, "amber", "port/1")
    assert [claim.id for claim in claims_on(story.state(), "port/1")] == [ours.id]
