"""What is completed: for each place of a command line the values that fit, the most likely first."""

import os

import pytest

from coord.cli.completion.candidates import KINDS, Known, candidates_for
from coord.cli.completion.complete import complete
from coord.cli.completion.place import Place, find_place, kinds_of
from coord.cli.parser import argument
from coord.cli.parser import command as declare
from coord.cli.registry import COMMANDS_BY_NAME, load_command
from coord.workspace.config import TYPES
from projections.rules.state import Session, State
from tests.support.in_process import NOON, SimulatedMachine
from tests.support.repositories import Repo

FREE_TEXT = {
    "CMD",
    *("NAME", "CAPABILITIES", "ACTION", "TARGET", "PHASE", "PROGRESS", "NEXT", "ETA", "BLOCKED", "ON", "SUMMARY"),
    *("NOTES", "NOTE", "REASON", "HOURS", "TTL", "WAIT", "SUBJECT", "BODY", "TEXT", "HOOK", "ARGUMENT"),
    "HOST",
    *("FILE", "FILES", "FOLDER"),  # completed by the shell
}
"""The kinds of values that coord itself does not complete."""


@pytest.fixture
def machine(repo: Repo) -> SimulatedMachine:
    """The first shell is the session `front`, the second `back`; the third has no session."""
    made = SimulatedMachine(repo)
    for folder in ("src", "src/sub", "docs"):
        os.makedirs(repo.root / folder, exist_ok=True)
    for name in ("src/app.py", "src/sub/deep.py", "README.md"):
        (repo.root / name).write_text("")
    for shell, name in ((100, "front"), (200, "back")):
        assert made.run(shell, "start", "--name", name).code == 0
    return made


def ok(machine: SimulatedMachine, shell: int, *words: str) -> str:
    result = machine.run(shell, *words)
    assert result.code == 0, result
    return result.out


def values(machine: SimulatedMachine, shell: int, *words: str) -> list[str]:
    """The values that are completed for the last of the words."""
    return [row.value for row in complete(machine.system(shell, {}), words[:-1], words[-1])]


def test_every_value_has_a_kind_or_is_free_text() -> None:
    """A new argument must be called by a kind in its `metavar`, or be added to the free texts here."""
    unknown = {
        (name, kind)
        for name in COMMANDS_BY_NAME
        for parameter in load_command(name).parameters
        if not {"is_flag", "choices", "number", "suggestions"} & parameter.settings.keys()
        for kinds in kinds_of(parameter)
        for kind in kinds
        if kind not in KINDS and kind not in FREE_TEXT and "parts" not in parameter.settings
    }
    assert unknown == set()


def test_commands_and_options_are_completed(machine: SimulatedMachine) -> None:
    assert values(machine, 300, "cla") == ["claim", "claims"]
    assert {"init", "start", "claim"} <= {*values(machine, 300, "")}
    assert "hook" not in values(machine, 300, "")
    assert values(machine, 300, "hoo") == ["hook"]
    assert values(machine, 300, "help", "cla") == ["claim", "claims"]
    assert values(machine, 300, "--v") == ["--version"]
    assert values(machine, 300, "claim", "--s") == ["--shared", "--session"]
    assert values(machine, 300, "claim", "--shared", "--sh") == []
    assert values(machine, 300, "log", "--type", "claim", "--ty") == ["--type"]
    assert values(machine, 300, "nonsense", "x") == []


def test_the_choices_of_an_option_are_completed(machine: SimulatedMachine) -> None:
    assert values(machine, 300, "send", "--urgency", "") == ["low", "normal", "high"]
    assert values(machine, 300, "send", "--urgency=h") == ["--urgency=high"]
    assert values(machine, 300, "replay", "--until-session", "front", "d") == ["dead"]
    assert values(machine, 300, "replay", "--until-session", "fron") == ["front"]
    assert values(machine, 300, "log", "--type", "claim.b") == ["claim.broken", "claim.bypassed"]
    assert values(machine, 300, "install", "g") == ["gemini", "git"]
    assert values(machine, 300, "completion", "") == ["bash", "zsh", "fish"]


def test_one_s_own_claims_are_completed_first(machine: SimulatedMachine) -> None:
    """`release`, `renew` and `handoff` offer what this session holds, `break` what others hold."""
    ok(machine, 100, "claim", "droplet", "foo")
    ok(machine, 100, "claim", "file", "src/app.py")
    ok(machine, 200, "claim", "droplet", "bar")
    for command in ("release", "renew", "handoff"):
        assert values(machine, 100, command, "")[:2] == ["droplet/foo", "file/src/app.py"]
        assert "droplet/bar" not in values(machine, 100, command, "")
    assert values(machine, 100, "release", "droplet", "") == ["foo"]
    assert values(machine, 100, "release", "file", "") == ["src/app.py"]
    assert values(machine, 100, "break", "dr")[0] == "droplet/bar"
    assert values(machine, 300, "release", "droplet/") == ["droplet/foo", "droplet/bar"]
    assert values(machine, 100, "release", "droplet/foo", "file/") == ["file/src/app.py"]
    assert values(machine, 300, "renew", "--session", "front", "droplet/") == ["droplet/foo"]
    assert values(machine, 200, "log", "--resource", "droplet/") == ["droplet/foo", "droplet/bar"]


def test_files_and_types_are_completed_for_a_claim(machine: SimulatedMachine) -> None:
    ok(machine, 200, "claim", "droplet", "bar")
    assert values(machine, 100, "claim", "") == ["droplet/bar", "droplet", "file", *sorted({*TYPES} - {"droplet"})]
    assert values(machine, 100, "claim", "file", "src/") == ["src/app.py", "src/sub/"]
    assert values(machine, 100, "claim", "file", "R") == ["README.md"]
    assert values(machine, 100, "claim", "file/src/s") == ["file/src/sub/"]
    assert values(machine, 100, "claims", "src/a") == ["src/app.py"]
    assert values(machine, 100, "claim", "file", "../") == []
    assert values(machine, 100, "claim", "file", "/") == []


def test_a_repeated_argument_is_completed_at_each_place() -> None:
    """The metavar has dots after the argument that can be repeated."""

    @declare("several")
    @argument("words", metavar="RESOURCE... [HOURS]", nargs=-1)
    def several(run: object, words: tuple[str, ...]) -> None:
        """A command with such an argument."""

    assert find_place(several, ["a/b"], "").kinds == ("HOURS", "RESOURCE")
    assert find_place(several, ["a/b", "c/d"], "").kinds == ("RESOURCE",)
    assert find_place(several, ["a", "b"], "").kinds == ("HOURS", "RESOURCE")
    assert find_place(several, ["a"], "").type == "a"
    assert find_place(several, ["--", "--x/y"], "").kinds == ("HOURS", "RESOURCE")


def test_sessions_are_completed_by_name_and_by_id(machine: SimulatedMachine) -> None:
    sessions = {row["name"]: row["id"] for row in machine.run(100, "status", "--json").json["sessions"]}
    ok(machine, 100, "claim", "droplet", "foo")
    assert values(machine, 100, "send", "") == ["back", "broadcast"]
    assert values(machine, 100, "send", sessions["back"][:-1]) == [sessions["back"]]
    assert {*values(machine, 300, "send", "")} == {"front", "back", "broadcast"}
    assert values(machine, 100, "handoff", "droplet/foo", "") == ["back"]
    assert values(machine, 100, "handoff", "droplet", "foo", "ba") == ["back"]
    assert values(machine, 100, "whoami", "--session", "fron") == ["front"]
    assert values(machine, 100, "whoami", "--session=fron") == ["--session=front"]
    assert values(machine, 100, "why", "fron") == ["front"]
    ok(machine, 200, "end")
    assert values(machine, 100, "send", "b") == ["broadcast"]
    assert "back" in values(machine, 100, "why", "b")


def sessions_named(*names: str) -> Known:
    """What is known where sessions have these names, as a journal from elsewhere can give them."""
    rows = {f"s-{n}": Session(id=f"s-{n}", started_at=NOON, last_at=NOON, name=name) for n, name in enumerate(names)}
    return Known(load_command("whoami"), state=State(sessions=rows), now=NOON)


def test_two_sessions_of_one_name_are_completed_by_id() -> None:
    known = sessions_named("back", "back", "front")
    assert [row.value for row in candidates_for(Place("", ("ID",)), known)] == ["s-0", "s-1", "front"]


def test_messages_are_completed_with_their_subjects(machine: SimulatedMachine) -> None:
    read = machine.run(200, "send", "front", "Old news", "--json").json["message"]
    ok(machine, 100, "inbox")
    new = machine.run(200, "send", "front", "Take $(rm) \x1b[31m\nnow", "--needs-ack", "--json").json["message"]
    own = machine.run(100, "send", "back", "Mine", "--json").json["message"]
    for command in ("reply", "ack", "inbox"):
        assert values(machine, 100, command, "") == [new, read]
    description = complete(machine.system(100, {}), ["reply"], new)[0].description
    assert "Take $(rm)" in description
    assert description.isprintable()
    assert values(machine, 100, "ack", new, "") == [new, read]
    assert {new, read, own} <= {*values(machine, 100, "why", "")}
    assert new in values(machine, 100, "status", "--at", "")


def test_untypable_names_of_others_are_not_offered() -> None:
    """A name must not become an option, break the line, or be taken for something else by a shell."""
    names = ("--root=/x", "-x", "~root", "=ls", "#x", "a\nb", "\x1b[31m", "\u202eabc", "a\u200bb", " a", "\ud800")
    offered = candidates_for(Place("", ("ID",)), sessions_named(*names))
    assert {row.value for row in offered} == {f"s-{n}" for n in range(len(names))}
    assert all(row.description.isprintable() for row in offered)
    evil = 'it\'s $(x) "y" `z`'
    assert [row.value for row in candidates_for(Place("it", ("ID",)), sessions_named(evil))] == [evil]


def test_completion_writes_nothing(machine: SimulatedMachine, repo: Repo) -> None:
    """It starts no session for a client's new conversation either."""
    ok(machine, 100, "claim", "droplet", "foo")

    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in repo.root.rglob("*") if path.is_file()}

    before = files()
    system = machine.system(300, {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "new-conversation"})
    for words in (["release", ""], ["send", ""], ["ack", ""], ["why", ""], ["claim", "file", ""]):
        complete(system, words[:-1], words[-1])
    assert files() == before


@pytest.mark.parametrize("damage", ["no log", "config", "checkpoint", "journal"])
def test_completion_never_fails(machine: SimulatedMachine, repo: Repo, damage: str) -> None:
    ok(machine, 100, "claim", "droplet", "foo")
    if damage == "no log":
        repo.folder.rename(repo.root / "elsewhere")
    elif damage == "config":
        (repo.folder / "config.toml").write_text("nonsense = [")
    elif damage == "checkpoint":
        next(repo.folder.rglob("checkpoint")).write_bytes(b"\0")
    else:
        for journal in repo.log.glob("*.jsonl"):
            journal.write_bytes(b"nonsense\n")
    assert values(machine, 100, "rele") == ["release"]
    assert values(machine, 100, "release", "--j") == ["--json"]
    held = values(machine, 100, "release", "droplet/")
    assert held == ([] if damage in ("no log", "journal") else ["droplet/foo"])
