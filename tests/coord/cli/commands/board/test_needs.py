"""What `coord status` offers for each kind of need works as it is printed: the command that ends a need ends it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from eventlog.events import ClaimRequested, Event, SessionStarted, add_time
from tests.support.journals import line_of, lines_of
from tests.support.processes import Shell, until
from tests.support.repositories import Repo, run_hook

FAR = "far-heron-k3f9"  # a session on another machine


@dataclass
class Scene:
    """Three sessions: the reader's, and two that it is about."""

    repo: Repo
    shells: dict[str, Shell] = field(default_factory=dict)  # by session

    def __post_init__(self) -> None:
        for name in ("", "--name front", "--name back"):
            shell = self.repo.shell()
            self.shells[shell.json(f"coord start {name} --json")["session"]] = shell
        self.reader, self.front, self.back = self.shells.values()
        self.names = dict(zip(("reader", "front", "back"), self.shells, strict=True))

    def needs(self, kind: str) -> list[dict[str, Any]]:
        """The needs of a kind, as JSON."""
        return [need for need in self.reader.json("coord status")["needs"] if need["kind"] == kind]

    def printed_steps(self) -> list[str]:
        """What `coord status` prints below its first need."""
        _, row, *below = self.reader.ok("coord status").splitlines()
        assert row.startswith("- "), row
        steps: list[str] = []
        for line in below:
            if not line.startswith("    → "):
                break
            steps.append(line.removeprefix("    → "))
        return steps

    def take(self, step: str) -> str:
        """Type the commands of a printed step, in the session that it names; the output."""
        purpose, command = re.fullmatch(r"(.*?): (coord .*)", step).groups()  # type: ignore[union-attr]
        place = purpose.partition(", in ")[2].removesuffix("'s terminal")
        return self.shells[self.names.get(place, place)].ok(command) if place else self.reader.ok(command)


def blocked(scene: Scene) -> None:
    scene.front.ok("coord heartbeat waiting deploy --blocked-on 'the Stripe key' --eta 45m")


def urgent(scene: Scene) -> None:
    scene.front.ok("coord send back Stop 'the migration is wrong' --urgency high --needs-ack")


def asked(scene: Scene) -> None:
    scene.front.ok("coord send back Question 'Which port?' --needs-ack")
    scene.repo.set(silent_minutes=1e-9)


def lost(scene: Scene) -> None:
    """Another machine was granted the claim first; its journal arrives later."""
    first = scene.repo.events()[0]["at"]
    hello = SessionStarted(machine="another", folder="elsewhere")
    request = ClaimRequested(resource="droplet/x", mode="exclusive", ttl_s=14400, told="granted")
    scene.front.ok("coord claim droplet x")
    events = [
        Event(v=1, at=add_time(first, -60), session=FAR, n=1, payload=hello),
        Event(v=1, at=add_time(first, -59), session=FAR, n=2, payload=request),
    ]
    (scene.repo.log / f"{FAR}.jsonl").write_bytes(b"".join(lines_of(events)))


def circle(scene: Scene) -> None:
    scene.front.ok('coord claim droplet x; coord claim droplet "y\'s $HOME"')
    scene.back.ok("coord claim droplet z")
    scene.front.begin("coord claim droplet z --wait 10m")
    until(lambda: scene.reader.json("coord status")["waiting"], "the first request")
    scene.back.begin('coord claim droplet "y\'s $HOME" --wait 10m')
    until(lambda: scene.needs("circle"), "the circle")


def dead(scene: Scene) -> None:
    scene.front.ok("coord claim droplet x; coord claim file src/")
    scene.front.kill()


def silent(scene: Scene) -> None:
    scene.front.ok("coord claim droplet x; coord claim file 'my app.py'")
    scene.repo.set(silent_minutes=1e-9)


def silent_with_many(scene: Scene) -> None:
    scene.front.ok("for name in a b c d; do coord claim droplet $name; done")
    scene.repo.set(silent_minutes=1e-9)


KINDS: dict[str, tuple[str, Callable[[Scene], None]]] = {
    "blocked": ("blocked", blocked),
    "urgent": ("unacknowledged", urgent),
    "asked": ("unacknowledged", asked),
    "lost": ("lost", lost),
    "circle": ("circle", circle),
    "dead": ("dead", dead),
    "silent": ("silent", silent),
    "silent with many": ("silent", silent_with_many),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_command_in_a_row_ends_the_need(repo: Repo, name: str) -> None:
    kind, happens = KINDS[name]
    number = 0
    while True:
        scene = Scene(repo)
        happens(scene)
        (need,) = scene.needs(kind)
        steps = scene.printed_steps()
        assert len(steps) == len(need["steps"]), "each step is printed"
        assert any(step["ends"] for step in need["steps"])
        assert need["since"], "it says since when"
        assert not set(scene.names.values()) & set(steps), "a session is called by its name"
        scene.take(steps[number])
        assert bool(scene.needs(kind)) != need["steps"][number]["ends"], steps[number]
        number += 1
        if number == len(steps):
            break
        repo.close()
        repo.reset()
        repo.set()


@pytest.mark.slow
def test_a_question_ends_when_the_agent_is_answered(repo: Repo) -> None:
    scene = Scene(repo)
    data = b'{"session_id": "c1", "cwd": "%b", "hook_event_name": "%b"%b}'
    ask = b', "tool_name": "Bash", "tool_input": {"command": "ls"}'
    run_hook(repo, "claude", data % (str(repo.root).encode(), b"SessionStart", b', "source": "startup"'))
    run_hook(repo, "claude", data % (str(repo.root).encode(), b"PermissionRequest", ask))
    (need,) = scene.needs("blocked")
    assert need["asks_person"]
    (step,) = scene.printed_steps()
    assert step == f"answer in its window: claude-code in {repo.root}"
    run_hook(repo, "claude", data % (str(repo.root).encode(), b"UserPromptSubmit", b', "prompt": "yes"'))
    assert scene.needs("blocked") == []


def test_a_problem_of_the_log_points_to_the_doctor(repo: Repo) -> None:
    scene = Scene(repo)
    path = repo.log / f"{scene.names['front']}.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + b"garbage\n")
    assert len(scene.needs("journal")) == 1
    (step,) = scene.printed_steps()
    assert step == "see what is wrong, and how to fix it: coord doctor"
    found = scene.reader.run("coord doctor").out
    assert f"{path.name} is damaged" in found
    assert "restore it" in found
    path.write_bytes(before)
    (repo.folder / ".cache" / "checkpoint").unlink()
    assert scene.needs("journal") == []


def test_events_of_a_newer_version_point_to_the_doctor(repo: Repo) -> None:
    scene = Scene(repo)
    at = add_time(scene.repo.events()[0]["at"], -60)
    body = f'{{"v":1,"at":"{at}","session":"{FAR}","n":1,"event":{{"type":"session.dreaming"}}'
    (repo.log / f"{FAR}.jsonl").write_bytes(line_of(body) + b"\n")
    (need,) = scene.needs("unknown")
    assert "session.dreaming" in need["text"]
    assert scene.printed_steps() == ["see what is wrong, and how to fix it: coord doctor"]
    assert "newer version" in scene.reader.run("coord doctor").out


def test_a_past_board_offers_no_commands(repo: Repo) -> None:
    scene = Scene(repo)
    urgent(scene)
    (need,) = scene.needs("unacknowledged")
    scene.back.ok(f"coord ack {need['about']}")
    (then,) = scene.reader.json(f"coord status --at {need['about']}")["needs"]
    assert then == need | {"steps": []}
    past = scene.reader.ok(f"coord status --at {need['about']}")
    assert "back must confirm the urgent message “Stop: the migration is wrong” from front · since" in past
    assert f"({need['about']})" in past.splitlines()[1]
    assert "→" not in past


def test_everyone_shows_the_same_needs(repo: Repo) -> None:
    """The status, `watch`, the board's file and the report have the same rows and commands."""
    scene = Scene(repo)
    blocked(scene)
    (need,) = scene.needs("blocked")
    row = "front is blocked on the Stripe key · since "
    command = f'coord heartbeat --blocked-on "" --session {need["session"]}'
    for text in ("coord status", "coord watch --once", "coord board", "coord report", "coord report --markdown"):
        shown = scene.reader.ok(text)
        assert row in shown, text
        assert command in shown, text
    assert command in (repo.folder / "STATUS_BOARD.md").read_text()
    assert scene.reader.json("coord report")["needs"] == [need]
    assert (need["kind"], need["text"], need["names"]) == (
        "blocked", f"{need['session']} is blocked on the Stripe key", {need["session"]: "front"},
    )  # fmt: skip
