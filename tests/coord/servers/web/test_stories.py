"""The stories and the search of the page: the commands' own answers, with links, bounded in time and number."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from coord.engine.history.search import find_text
from coord.engine.snapshot import Snapshot
from coord.render.why import step_fields
from coord.servers.child_process import Commands
from coord.servers.environment import clean_environment
from coord.servers.web.stories import _shortened, find, group_found, story
from coord.workspace.paths import find_workspace
from eventlog.events import MessageSent
from projections.views.claim_history import ClaimHistoryEntry
from tests.support.in_process import SimulatedMachine
from tests.support.journals import SESSION, event
from tests.support.processes import environment
from tests.support.repositories import Repo

HOSTILE = "<img src=x onerror=alert(1)> \u202egnp.exe \x1b[31m"
SHOWN = "<img src=x onerror=alert(1)> \\u202egnp.exe \\x1b[31m"


@pytest.fixture
def inside(repo: Repo) -> SimulatedMachine:
    """Ada holds src/. Ben is refused, and asks her; she reads it, and hands it over to him. Cai breaks his claim."""
    return SimulatedMachine(repo).each_minute(
        (100, ("start", "--name", "ada")),
        (200, ("start", "--name", "ben")),
        (300, ("start", "--name", "cai")),
        (100, ("claim", "file", "src/", "--note", "landing page")),  # ada/2
        (200, ("claim", "file", "src/app.py")),  # ben/2
        (200, ("send", "ada,cai", "src", "How long?", "--needs-ack")),  # ben/3
        (100, ("inbox",)),
        (100, ("handoff", "file", "src/", "ben", "--note", "red on purpose")),  # ada/4
        (300, ("break", "file", "src/", "--reason", "he is away")),  # cai/2
        (100, ("heartbeat", "building", "pages", HOSTILE, "25%")),  # ada/5
    )


def commands_in(repo: Repo, **more: Any) -> Commands:
    return Commands(str(repo.folder), str(repo.root), environment(repo.home), **more)


def told(machine: SimulatedMachine, about: str, at: str = "") -> dict[str, Any]:
    return asyncio.run(story(commands_in(machine.repo), about, at))


def searched(machine: SimulatedMachine, text: str) -> dict[str, Any]:
    system = machine.system(100, {})
    return find(system, find_workspace(system, None), text)


def session_named(repo: Repo, name: str) -> str:
    return next(str(it["session"]) for it in repo.of_type("session.started") if it["event"].get("name") == name)


def test_a_resource_has_the_words_of_the_command(inside: SimulatedMachine) -> None:
    found = told(inside, "file/src/")
    printed = inside.run(100, "why", "file/src/").out
    assert (found["kind"], found["about"], found["error"]) == ("resource", "file/src/", "")
    assert printed.startswith(found["lines"][0])
    assert all(step["text"] in printed for step in found["steps"])
    assert printed.endswith("\n".join(found["rules"]) + "\n")
    assert [step["rule"] for step in found["steps"]] == [2, 2, 5, 5, 3]
    assert found["steps"][-1]["words"] == "he is away"


def test_every_id_and_name_in_a_text_is_a_link(inside: SimulatedMachine) -> None:
    repo = inside.repo
    ada, ben = session_named(repo, "ada"), session_named(repo, "ben")
    links = told(inside, "file/src/app.py")["links"]
    assert {
        "ada": ada,
        "ben": ben,
        f"{ada}/2": f"{ada}/2",
        f"{ben}/2": f"{ben}/2",
        "file/src/": "file/src/",
    }.items() <= (links.items())


def test_a_refusal_shows_who_holds_the_resource(inside: SimulatedMachine) -> None:
    found = told(inside, "ben/2")
    assert (found["kind"], found["title"]) == ("claim", "file/src/app.py")
    (step,) = found["steps"]
    assert "is refused: it conflicts with ada (file/src/, " in step["text"]
    assert (step["rule"], step["told"]) == (2, "")
    assert ("told", "refused") in found["fields"]


def test_what_the_requester_was_told_is_shown_if_it_differs() -> None:
    entry = ClaimHistoryEntry(
        at="2026-11-22T12:00:00.000000Z", rule=2, what="refused", claim="a/2", session="a", resource="x/y"
    )
    names: dict[str, str] = {}
    assert step_fields(entry, names)["told"] == ""
    assert step_fields(ClaimHistoryEntry(**{**fields_of(entry), "told": "granted"}), names)["told"] == "granted"
    assert step_fields(ClaimHistoryEntry(**{**fields_of(entry), "told": "refused"}), names)["told"] == ""


def fields_of(entry: ClaimHistoryEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def test_a_message_shows_who_read_it_and_its_whole_body(inside: SimulatedMachine) -> None:
    ada = session_named(inside.repo, "ada")
    found = told(inside, "ben/3")
    assert (found["kind"], found["title"]) == ("message", "src")
    assert {"from": "ben", "to": "ada, cai", "body": "How long?", "needs_ack": True}.items() <= found["message"].items()
    assert {row["session"]: row["status"] for row in found["receipts"]["rows"]}[ada] == "read"
    assert any(text.startswith("cai: has not read it") for text in found["lines"])
    inside.run(200, "send", "ada", "long", "x" * 100_000)
    long = told(inside, "ben/4")
    assert long["message"]["body"] == "x" * 100_000
    assert sum(map(len, long["lines"])) < 1000


def test_a_session_shows_what_it_did_newest_first(inside: SimulatedMachine) -> None:
    found = told(inside, "ada")
    assert (found["kind"], found["title"], found["did_before"]) == ("session", "ada", False)
    assert [row["type"] for row in found["did"]] == [
        *("session.heartbeat", "claim.handed_over", "message.read", "claim.requested", "session.started")
    ]
    assert "hands file/src/ (" in found["did"][1]["text"]
    for number in range(70):
        inside.run(100, "heartbeat", "building", f"page {number}")
    found = told(inside, "ada")
    assert (len(found["did"]), found["did_before"]) == (60, True)
    assert "page 69" in found["did"][0]["text"]


def test_any_other_event_shows_all_its_fields(inside: SimulatedMachine) -> None:
    found = told(inside, "ada/5")
    assert (found["kind"], found["title"]) == ("event", "session.heartbeat")
    assert ("action", "building") in found["fields"]
    assert "It did not change any claim." in found["lines"]
    assert "cai breaks ben's claim" in told(inside, "cai/2")["steps"][0]["text"]


def test_a_story_at_an_earlier_time_ends_there(inside: SimulatedMachine) -> None:
    ada = session_named(inside.repo, "ada")
    found = told(inside, "file/src/", f"{ada}/2")
    assert len(found["steps"]) == 1
    assert "ada has held file/src/ since" in found["lines"][0]
    at = found["steps"][0]["at"]
    assert told(inside, "file/src/", at)["steps"] == found["steps"]
    assert [row["type"] for row in told(inside, "ada", at)["did"]] == ["claim.requested", "session.started"]
    assert "had not happened yet" in told(inside, "cai/2", at)["error"]


def test_an_error_is_the_commands_own(inside: SimulatedMachine) -> None:
    for about in ("deploy/prod", "", "--help", "x\0y", "-90m"):
        found = told(inside, about)
        assert found["error"], about
        assert (found["steps"], found["about"]) == ([], about)
    assert told(inside, "deploy/prod")["error"].startswith("nothing is known about deploy/prod.")
    assert "is not a time" in told(inside, "ada", "noon o'clock")["error"]


def test_hostile_text_is_shown_with_escapes(inside: SimulatedMachine) -> None:
    inside.run(200, "send", "ada", HOSTILE, HOSTILE)
    found = told(inside, "ben/4")
    assert found["title"] == found["message"]["subject"] == found["message"]["body"] == SHOWN
    for document in (
        found,
        told(inside, "ada"),
        told(inside, "ada/5"),
        searched(inside, "gnp"),
    ):
        assert "\u202e" not in str(document)
        assert "\x1b" not in str(document)
        assert "gnp.exe" in str(document)


def test_a_command_that_takes_too_long_is_ended(inside: SimulatedMachine) -> None:
    commands = commands_in(inside.repo, timeout_s=0.001)
    found = asyncio.run(story(commands, "ada"))
    assert found["error"] == "coord why took more than 0.001 s, and was ended."


def test_fewer_steps_are_read_where_they_are_long(inside: SimulatedMachine) -> None:
    for _ in range(6):
        inside.run(200, "claim", "port", "1", "--note", "note " * 190)
        inside.run(200, "release", "port", "1")
    commands = commands_in(inside.repo, max_output=7_000)
    found = asyncio.run(story(commands, "port/1"))
    assert (len(found["steps"]), found["older"], found["error"]) == (5, True, "")
    commands.max_output = 1_000
    assert asyncio.run(story(commands, "ada"))["error"] == "coord why printed more than 1.0 KB, and was ended."


def test_a_story_writes_nothing_and_has_no_session(inside: SimulatedMachine) -> None:
    repo = inside.repo
    before = repo.bytes()
    own = {"COORD_SESSION": "ada", "CLAUDE_CODE_SESSION_ID": "c1", "CODEX_THREAD_ID": "c2", "CLAUDECODE": "1"}
    commands = Commands(str(repo.folder), str(repo.root), environment(repo.home) | own)
    assert not own.keys() & clean_environment(own).keys()
    assert asyncio.run(story(commands, "ada"))["error"] == ""
    assert repo.bytes() == before


def test_a_folder_that_is_gone_is_an_error(inside: SimulatedMachine) -> None:
    commands = commands_in(inside.repo)
    shutil.rmtree(inside.repo.folder)
    assert "COORDINATION" in asyncio.run(story(commands, "ada"))["error"]
    commands.root = str(Path(commands.root, "gone"))
    assert "could not be run" in asyncio.run(story(commands, "ada"))["error"]


def test_the_postings_give_the_same_story(inside: SimulatedMachine) -> None:
    ada, ben, cai = (session_named(inside.repo, name) for name in ("ada", "ben", "cai"))
    names = ("ada", "ben", "file/src/", "file/src/app.py", f"{ada}/2", f"{ada}/4", f"{ben}/2", f"{ben}/3", f"{cai}/2")
    inside.run(100, "status")
    posted = [inside.run(100, "why", name, "--json").json for name in names]
    shutil.rmtree(inside.repo.folder / ".cache")
    assert [inside.run(100, "why", name, "--json").json for name in names] == posted


def test_a_search_finds_sessions_resources_and_messages(inside: SimulatedMachine) -> None:
    inside.run(200, "send", "ada", "Question", "Is src/app.py ready?")
    ada = session_named(inside.repo, "ada")
    groups = {group["kind"]: group["results"] for group in searched(inside, "SRC/")["groups"]}
    assert [row["about"] for row in groups["resources"]] == ["file/src/", "file/src/app.py"]
    assert "Is src/app.py ready?" in groups["messages"][0]["text"]
    assert [row["about"] for row in searched(inside, "ada")["groups"][0]["results"]] == [ada]
    nothing = "nothing like this"
    assert searched(inside, nothing) == {"text": nothing, "groups": [], "older": False, "error": ""}


def test_what_exists_now_is_found_despite_newer_events(inside: SimulatedMachine) -> None:
    inside.run(200, "claim", "deploy", "ada-site")
    for number in range(60):
        inside.run(300, "heartbeat", "building", f"the site of ada, {number}")
    found = searched(inside, "ADA")
    groups = {group["kind"]: group["results"] for group in found["groups"]}
    assert [row["text"] for row in groups["sessions"]] == [f"ada ({session_named(inside.repo, 'ada')})"]
    assert [row["about"] for row in groups["resources"]] == ["deploy/ada-site"]
    assert (len(groups["events"]), found["older"]) == (50, True)


def test_a_search_keeps_only_the_begin_of_long_texts(inside: SimulatedMachine) -> None:
    inside.run(200, "send", "ada", "long", "needle" + " x" * 400_000)
    system = inside.system(100, {})
    snapshot = Snapshot(system, find_workspace(system, None))
    snapshot.catch_up(consistent=True)
    ((whole,), (kept,)) = find_text(snapshot, "needle", 9), find_text(snapshot, "needle", 9, _shortened)
    assert isinstance(whole.payload, MessageSent)
    assert isinstance(kept.payload, MessageSent)
    assert len(kept.payload.body) == 4000 < len(whole.payload.body)
    assert "needle" in searched(inside, "NEEDLE")["groups"][0]["results"][0]["text"]


def test_a_search_without_a_log_is_an_error(inside: SimulatedMachine) -> None:
    system = inside.system(100, {})
    workspace = find_workspace(system, None)
    shutil.rmtree(inside.repo.folder)
    found = find(system, workspace, "ada")
    assert found["groups"] == []
    assert "COORDINATION" in found["error"]


def test_a_search_finds_few_of_very_many_events() -> None:
    events = [
        event(n=n, payload=MessageSent(to="everyone", subject=f"number {n}", body="b" * 1000)) for n in range(1, 51)
    ]
    (group,) = group_found("number", events)
    assert [row["text"].partition("number ")[2][:2] for row in group["results"]][:2] == ["50", "49"]
    assert max(len(row["text"]) for row in group["results"]) < 300


def test_found_events_have_the_labels_of_the_page() -> None:
    events = [event(n=1, payload=MessageSent(to=("b-1",), subject="number 1"))]
    (group,) = group_found("number", events, {SESSION: f"ada ({SESSION})", "b-1": "ben"})
    assert group["results"][0]["text"] == "ada writes to ben: number 1"
