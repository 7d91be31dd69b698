"""The demo runs three real sessions, prints what they do, and leaves nothing behind."""

import tempfile
from pathlib import Path

import pytest

from tests.support.repositories import Repo

pytestmark = pytest.mark.slow


def test_the_demo_plays_its_script_and_removes_its_folder(bare_repo: Repo) -> None:
    told = bare_repo.shell().run("coord demo --json")
    assert (told.code, told.err) == (0, "")
    steps = told.json["steps"]
    assert {step["session"] for step in steps} == {"ada", "ben", "cai"}
    outputs = {step["typed"].split(" {")[0]: step["output"] for step in steps}
    assert "Already claimed: droplet/church-guidance" in outputs["coord claim droplet church-guidance"]
    assert [step["code"] for step in steps if step["code"]] == [1], "only the refused claim is refused"
    board = outputs["coord status"]
    assert all(name in board for name in ("ada (", "ben (", "cai (", "droplet/church-guidance", "Stripe"))
    assert not list(Path(tempfile.gettempdir()).glob("coord-demo-*/COORDINATION/log/*.jsonl"))


def test_the_demo_needs_no_repository_and_shows_each_command(bare_repo: Repo) -> None:
    told = bare_repo.shell().run("cd / && coord demo")
    assert told.code == 0
    for prompt in ("ada$ coord start --name ada", "ben$ coord claim", "cai$ coord status", "(exit code 1)"):
        assert prompt in told.out


def test_the_demo_ends_with_the_board_and_the_next_steps(bare_repo: Repo) -> None:
    told = bare_repo.shell().run("coord demo")
    board, steps = told.out.rsplit("─── ", 2)[1:]
    assert board.startswith("What you would see now: coord status")
    assert "ACTIVE CLAIMS\ndroplet/church-guidance - cai ·" in board
    assert "coord init" in steps
    assert not any(mark in told.out for mark in ("| --- |", "\n## "))


def test_the_demo_of_two_machines_has_a_race_and_a_lost_claim(bare_repo: Repo) -> None:
    told = bare_repo.shell().run("coord demo --machines --json")
    assert (told.code, told.err) == (0, "")
    steps = told.json["steps"]
    raced = [step["code"] for step in steps if step["typed"] == "coord claim file app.py"]
    assert sorted(raced) == [0, 1], "one winner"
    shown = {step["typed"]: step["output"] for step in steps}
    assert "Which port does the server use?" in shown["coord inbox --wait 20s"]
    assert "provisional" in shown["coord claim file docs.md --offline"]
    assert "You lost file/docs.md to ana" in shown["coord inbox"]
    assert not list(Path(tempfile.gettempdir()).glob("coord-demo-*/*/COORDINATION/log/*.jsonl"))
