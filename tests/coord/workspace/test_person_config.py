"""A person's own settings: where they are, which file is used, and what a change leaves as it was."""

import os
import tomllib
from pathlib import Path

import pytest

from coord.errors import CoordError
from coord.workspace.paths import has_person_config, person_config_path
from coord.workspace.person_config import read_person_config, write_notify

COMMAND = ("/bin/tell", "{text}", 'a "quoted" \\ word', "é\x7f")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a person without settings."""
    return {"HOME": str(tmp_path)}


def read_notify(home: dict[str, str]) -> tuple[str, ...]:
    return read_person_config(home).notify


def put(home: dict[str, str], text: str) -> Path:
    path = Path(person_config_path(home))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_settings_are_in_the_home_folder() -> None:
    assert person_config_path({"HOME": "/home/you"}) == "/home/you/.config/coord/config.toml"
    assert person_config_path({"HOME": "/home/you", "XDG_CONFIG_HOME": "/etc/you"}) == "/etc/you/coord/config.toml"
    for env in ({}, {"HOME": ""}, {"HOME": "here"}):
        assert person_config_path(env) == ""
        assert not has_person_config(env)
    relative = {"HOME": "/home/you", "XDG_CONFIG_HOME": "config"}
    assert person_config_path(relative) == "/home/you/.config/coord/config.toml", "not in the working directory"


def test_a_command_is_set_replaced_and_removed(home: dict[str, str]) -> None:
    assert (read_notify(home), has_person_config(home)) == ((), False)
    path = write_notify(home, COMMAND)
    assert read_notify(home) == COMMAND
    assert os.stat(path).st_mode & 0o777 == 0o600
    write_notify(home, ("/bin/other",))
    assert read_notify(home) == ("/bin/other",)
    write_notify(home, ())
    assert (read_notify(home), has_person_config(home)) == ((), False)
    write_notify(home, ())


@pytest.mark.parametrize("old", ["notify = 'a b'\n", "notify = [\n  'a', # one\n  'b',\n]\n", '"notify"=["a"]\n', ""])
@pytest.mark.parametrize("end", ["", "[other]\nnotify = 'x'  # not ours\n"])
def test_all_other_lines_stay_as_they_are(home: dict[str, str], old: str, end: str) -> None:
    path = put(home, f"# mine\ncolour = 'red'\n{old}# after\n{end}")
    write_notify(home, COMMAND)
    assert read_notify(home) == COMMAND
    assert [line for line in path.read_text().splitlines() if not line.startswith("notify = [")] == (
        f"# mine\ncolour = 'red'\n# after\n{end}".splitlines()
    )
    write_notify(home, ())
    assert path.read_text() == f"# mine\ncolour = 'red'\n# after\n{end}"


def test_a_setting_of_an_odd_form_is_not_changed(home: dict[str, str]) -> None:
    text = "x = '''\nnotify = 1\n'''\nnotify = 'a'\n"
    path = put(home, text)
    with pytest.raises(CoordError, match="in an editor"):
        write_notify(home, COMMAND)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "notify = 3",
        "notify = [1]",
        "notify = {a = 1}",
        "notify = 'a \"b'",
        "notify =",
        "\xff",
        "notify_after_seconds = -1",
    ],
)
def test_invalid_settings_are_an_error_and_kept(home: dict[str, str], text: str) -> None:
    path = put(home, "")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CoordError, match=str(path)):
        read_notify(home)
    assert path.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_used(home: dict[str, str], mode: int) -> None:
    path = put(home, "notify = 'a'\n")
    path.chmod(mode)
    for use in (read_notify, lambda env: write_notify(env, COMMAND)):
        with pytest.raises(CoordError, match="chmod go-w"):
            use(home)
    assert path.read_text() == "notify = 'a'\n"


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root")
def test_a_file_of_another_user_is_not_used(home: dict[str, str]) -> None:
    path = put(home, "notify = 'a'\n")
    os.chown(path, 12345, 12345)
    with pytest.raises(CoordError, match="belongs to another user"):
        read_notify(home)


def test_a_pipe_or_a_device_blocks_nothing(home: dict[str, str]) -> None:
    path = put(home, "")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CoordError, match="not a small regular file"):
        read_notify(home)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(CoordError, match="not a small regular file"):
        read_notify(home)


def test_a_link_is_followed_and_kept(home: dict[str, str], tmp_path: Path) -> None:
    """As by a program that manages settings files."""
    path = put(home, "")
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\n")
    target.chmod(0o644)
    path.unlink()
    path.symlink_to(target)
    write_notify(home, COMMAND)
    assert path.is_symlink()
    assert tomllib.loads(target.read_text())["notify"] == list(COMMAND)
    assert target.stat().st_mode & 0o777 == 0o644
