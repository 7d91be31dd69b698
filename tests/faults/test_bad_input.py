"""Bad input gives one clear line and the right exit code, changes nothing, and never shows a traceback."""

import json
import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from coord.errors import NO_OUTPUT
from tests.support.processes import Shell
from tests.support.repositories import Repo, bare, install

pytestmark = pytest.mark.slow


class Setting(NamedTuple):
    """A repository with a file, this session, another one, and one that ended. Refused commands do not change it."""

    repo: Repo
    shell: Shell
    mine: str
    other: str
    ended: str
    message: str


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = bare(tmp_path_factory.mktemp("bad"))
    repo = install(next(made))
    (repo.root / "src").mkdir()
    (repo.root / "src" / "app.py").touch()
    (shell, mine), (other, other_id) = repo.sessions(2)
    over = repo.shell()
    ended = over.start("--name finished")
    over.ok("coord end")
    message = other.json(f"coord send {mine} Hello")["message"]
    shell.ok("coord claim droplet held")
    yield Setting(repo, shell, mine, other_id, ended, message)
    made.close()


LONG = "$(printf 'x%.0s' $(seq 10000))"
BIG = "head -c {} /dev/zero | tr '\\0' a | "

WRONG = {  # command: (exit code, a part of the message)
    # a resource
    "claim": (2, "RESOURCE"),
    "claim x": (2, "TYPE NAME or TYPE/NAME"),
    "claim src/app.py": (2, "did you mean: coord claim file/src/app.py"),
    "claim ./src/app.py": (2, "did you mean: coord claim file/src/app.py"),
    "claim src": (2, "did you mean: coord claim file/src/"),
    "claim ''": (2, "is not a type and a name"),
    "claim '' x": (2, "is not a type and a name"),
    "claim /x": (2, "outside the repository"),
    "claim droplet/": (2, "the name of the droplet is missing"),
    "claim droplet ''": (2, "the name of the droplet is missing"),
    "claim 'two words' x": (2, "no space in TYPE"),
    "claim droplet $'a\\x1b[31mb'": (2, "control characters"),
    "claim droplet $'a\\nb'": (2, "control characters"),
    "claim droplet $'a\\u2028b'": (2, "control characters"),
    "claim file $'a\\x7fb'": (2, "control characters"),
    "claim droplet $'a\\xffb'": (2, "not valid UTF-8"),
    "claim file": (2, "coord claim file NAME"),
    "claim file ''": (2, "the name of the file is missing"),
    "claim file ../x": (2, "outside the repository"),
    "claim file/../x": (2, "outside the repository"),
    "claim file src/../../x": (2, "outside the repository"),
    "claim file /etc/passwd": (2, "outside the repository"),
    "claim /etc/passwd": (2, "outside the repository"),
    f"claim droplet {LONG}": (2, "10008 characters; at most 512 are allowed"),
    f"claim file {LONG}": (2, "10005 characters; at most 512 are allowed"),
    f"claim {LONG} x": (2, "10002 characters; at most 512 are allowed"),
    f"claim {LONG}": (2, "is not a type and a name"),
    f"claims {LONG}": (2, "512 are allowed"),
    "claims ../x": (2, "outside the repository"),
    "claims ''": (2, "needs a name"),
    "heartbeat a b --file ../x": (2, "outside the repository"),
    # a duration
    "claim droplet x 0": (2, "out of range"),
    "claim droplet x -1": (2, "more than 0"),
    "claim droplet x -- -1": (2, "out of range"),
    "claim droplet x -0.5": (2, "more than 0"),
    "claim droplet x abc": (2, "not a number of hours"),
    "claim droplet x ''": (2, "not a number of hours"),
    "claim droplet x 1000000000000": (2, "1 minute to 7 days"),
    "claim droplet x tomorrow": (2, "not a number of hours"),
    "claim droplet x 1h30": (2, "1h30m"),
    "claim droplet x --ttl 90": (2, "For minutes: 90m"),
    "claim droplet x --ttl 30m1h": (2, "not a length of time"),
    "claim droplet x port 80 --wait 5m": (2, "works for one resource only"),
    "release --all droplet held": (2, "not both"),
    "claim droplet x nan": (2, "out of range"),
    "claim droplet x inf": (2, "out of range"),
    "claim droplet x 1e999": (2, "out of range"),
    "claim droplet x 4 5": (2, "Write HOURS once, as the last word"),
    "claim droplet x 4 --ttl 90m": (2, "not both"),
    "claim droplet x --ttl abc": (2, "not a length of time"),
    "claim droplet x --ttl 59s": (2, "out of range"),
    "claim droplet x --ttl 8d": (2, "out of range"),
    "claim droplet x --ttl 99999999999999999999999999999999999d": (2, "out of range"),
    "claim droplet x --wait 0s": (2, "out of range"),
    "claim droplet x --wait soon": (2, "not a length of time"),
    "inbox --wait -5m": (2, "not a length of time"),
    "renew droplet held 0": (2, "out of range"),
    "renew droplet held --token abc": (2, "--token"),
    # a session
    "send nobody Hello": (3, "live sessions: "),
    "send finishd Hello": (3, "live sessions: "),
    "send {ended} Hello": (3, "has ended"),
    "send finished Hello": (3, "has ended"),
    "send {other},nobody Hello": (3, "nobody"),
    "send , Hello": (2, "the recipient is missing"),
    "send '' Hello": (2, "the recipient is missing"),
    "handoff droplet held nobody": (3, "live sessions: "),
    "handoff droplet held {ended}": (1, "no longer live"),
    "whoami --session nobody": (3, "live sessions: "),
    "whoami --session $'no\\x1bbody'": (3, "\\x1b"),
    # a message
    "send {other}": (2, "SUBJECT"),
    "send {other} ''": (2, "subject"),
    f"send {{other}} {LONG}": (2, "1000 are allowed"),
    "ack": (2, "MESSAGE"),
    "ack x": (2, "not a message id"),
    "ack nobody/1": (2, "no session"),
    "ack {other}/999": (2, "no message"),
    "ack {other}/1": (2, "not a message"),
    "ack {other}/99999999999999999999999999": (2, "not a message id"),
    "resolve": (2, "MESSAGE"),
    "resolve x": (2, "not a message id"),
    "resolve {other}/1": (2, "not a message"),
    "reply x y": (2, "not a message id"),
    "reply {message} ''": (2, "empty"),
    "reply {message}": (2, "BODY"),
    "inbox {other}/999": (2, "no message"),
    # a claim that does not exist
    "release droplet free": (1, "nobody has it"),
    "renew droplet free": (1, "nobody has it"),
    "break droplet free --reason x": (1, "nobody has a claim"),
    "break droplet held": (2, "--reason"),
    "handoff droplet free {other}": (1, "nobody has it"),
    # the command line itself
    "frobnicate": (2, "no command 'frobnicate'"),
    "clam x": (2, "did you mean: coord claim x"),
    "--bogus": (2, "--bogus"),
    "claim --bogus droplet x": (2, "--bogus"),
    "heartbeat a b c d e f": (2, "does not expect"),
    "status x": (2, "coord status --at x"),
    "send {other} Hello --urgency huge": (2, "huge"),
    "start --name $'a\\nb'": (2, "not a valid name"),
    f"start --name {LONG}": (2, "not a valid name"),
    "init --private --track": (2, "choose one"),
    "init --root /nonexistent": (2, "not a folder"),
    # the folder
    "status --root /nonexistent": (4, "no COORDINATION/"),
}


@pytest.mark.parametrize("command", WRONG)
def test_bad_input_prints_one_line_and_changes_nothing(setting: Setting, command: str) -> None:
    code, words = WRONG[command]
    before = setting.repo.bytes()
    filled = command
    for name in ("other", "ended", "message"):
        filled = filled.replace("{" + name + "}", getattr(setting, name))
    result = setting.shell.run(f"coord {filled.replace('{{other}}', setting.other)}")
    assert result.code == code, result
    assert result.out == ""
    assert words in result.err
    assert result.err.startswith("coord: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    assert len(result.err) < 600
    assert "?." not in result.err
    assert setting.repo.bytes() == before


@pytest.mark.parametrize("command", ["claim x", "send nobody Hello", "ack x", "frobnicate", "release droplet free"])
def test_with_json_an_error_is_an_object_on_standard_error(setting: Setting, command: str) -> None:
    plain = setting.shell.run(f"coord {command}")
    result = setting.shell.run(f"coord {command} --json")
    assert (result.code, result.out) == (plain.code, "")
    error = json.loads(result.err)["error"]
    assert error["code"] == plain.code
    assert plain.err == f"coord: {error['message']}\n"


def test_a_body_may_have_one_mebibyte_and_no_more(setting: Setting) -> None:
    over = setting.shell.run(BIG.format((1 << 20) + 1) + f"coord send {setting.other} big -")
    assert over.code == 2
    assert "1048577 characters; at most 1048576 are allowed" in over.err
    sent = setting.shell.run(BIG.format(1 << 20) + f"coord send {setting.other} big - --json")
    assert sent.code == 0
    shown = setting.shell.json(f"coord inbox {sent.json['message']}")
    assert shown["body"] == "a" * (1 << 20)


def test_a_body_that_is_not_utf8_is_refused(setting: Setting) -> None:
    before = setting.repo.bytes()
    result = setting.shell.run(f"printf '\\xff\\xfe\\x00' | coord send {setting.other} binary -")
    assert (result.code, result.out) == (2, "")
    assert "not valid UTF-8" in result.err
    assert setting.repo.bytes() == before


@pytest.mark.parametrize("command", ["status", "claims", "inbox --all", "board", "--help", "inbox --peek"])
def test_a_pipe_that_is_closed_early_is_not_an_error(setting: Setting, command: str) -> None:
    result = setting.shell.run(f"coord {command} | head -1; echo ${{PIPESTATUS[0]}}")
    assert result.err == ""
    assert result.out.endswith(("\n0\n", "\n141\n"))
    closed = setting.shell.run(f"coord {command} | true; echo ${{PIPESTATUS[0]}}")
    assert closed.err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize(
    "command",
    [
        "status",
        "claims",
        "inbox",
        "inbox --json",
        "board",
        "--help",
        "status --help",
        "log",
        "replay",
        "claim droplet full",
    ],
)
def test_a_full_output_is_reported_and_nothing_is_lost(repo: Repo, command: str) -> None:
    (one, _), (two, other) = repo.sessions(2)
    one.ok(f"coord send {other} hello 'look here'")
    result = two.run(f"coord {command} > /dev/full")
    assert (result.code, result.err.count("\n")) == (NO_OUTPUT, 1), result
    assert "No space left on device" in result.err
    assert "is kept" in result.err
    assert "look here" in two.ok("coord inbox")


@pytest.mark.parametrize("command", ["status", "claim droplet x", "start", "inbox", "board", "board --write", "end"])
def test_without_a_shared_folder_the_error_says_what_to_do(bare_repo: Repo, command: str) -> None:
    repo = bare_repo
    result = repo.shell().run(f"coord {command}")
    assert (result.code, result.out) == (4, "")
    assert "has no COORDINATION/ yet" in result.err
    assert "coord init" in result.err
    assert result.err.count("\n") == 1
    assert not repo.folder.exists()


@pytest.mark.parametrize(
    "command", ["claim droplet x", "heartbeat a b", "inbox", "send broadcast Hello", "end", "release droplet held"]
)
def test_without_a_session_the_error_says_what_to_do(setting: Setting, command: str) -> None:
    before = setting.repo.bytes()
    result = setting.repo.shell().run(f"coord {command}")
    assert (result.code, result.out) == (3, "")
    assert "coord start" in result.err
    assert setting.mine in result.err
    assert result.err.count("\n") == 1
    assert setting.repo.bytes() == before


@pytest.mark.parametrize("command", ["status", "claims", "board"])
def test_reading_needs_no_session(setting: Setting, command: str) -> None:
    assert setting.mine in setting.repo.shell().ok(f"coord {command}")


CONFIGS = ["claim_hours = 'x'", "colour = 'blue'", "[[[", "claim_hours = 900", "lock_wait_seconds = -1", "\x00"]


@pytest.mark.parametrize("text", CONFIGS)
def test_unreadable_settings_are_reported_with_their_file(repo: Repo, text: str) -> None:
    shell = repo.shell()
    shell.start()
    before = repo.bytes()
    (repo.folder / "config.toml").write_text(text + "\n")
    for command in ("claim droplet x", "status", "heartbeat a b", "board"):
        result = shell.run(f"coord {command}")
        assert (result.code, result.out) == (4, "")
        assert str(repo.folder / "config.toml") in result.err
        assert result.err.count("\n") == 1
    assert repo.bytes() == before


@pytest.mark.parametrize("command", ["status", "claim droplet x", "start", "init"])
def test_in_a_deleted_folder_nothing_is_done(repo: Repo, command: str) -> None:
    gone = repo.root.parent / "gone"
    gone.mkdir()
    shell = repo.shell(gone)
    gone.rmdir()
    result = shell.run(f"coord {command}")
    assert (result.code, result.out) == (4, "")
    assert "current folder was removed" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("kind", ["file", "broken link"])
def test_init_keeps_anything_else_with_the_folders_name(bare_repo: Repo, kind: str) -> None:
    if kind == "file":
        bare_repo.folder.write_text("mine\n")
    else:
        bare_repo.folder.symlink_to("nowhere")
    result = bare_repo.shell().run("coord init")
    assert (result.code, result.out) == (4, "")
    assert "Nothing was changed" in result.err or "Existing files are kept" in result.err
    assert result.err.count("\n") == 1
    assert bare_repo.folder.is_symlink() or bare_repo.folder.read_text() == "mine\n"
