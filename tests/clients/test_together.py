"""Agents of several clients in one repository."""

from itertools import pairwise

import pytest

from tests.support.clients.agents import Make
from tests.support.clients.looking import held, session_of
from tests.support.clients.programs import CLAUDE, CODEX, GEMINI, PROGRAMS, Program
from tests.support.repositories import Repo, git

pytestmark = pytest.mark.clients
PAIRS = [*pairwise([*PROGRAMS, PROGRAMS[0]])]


def test_three_clients_respect_each_other_and_a_worktree(work: Repo, agent: Make) -> None:
    beside = work.root.parent / "beside"
    git(work, "worktree", "add", "-q", "-b", "beside", str(beside))
    claude, codex, gemini = agent(CLAUDE), agent(CODEX), agent(GEMINI, beside)
    claude.prompt("Write the page")
    claude.writes("page.py", "claude\n")
    codex.prompt("Write the page, or the draft")
    assert "page.py was not written" in codex.writes("page.py", "codex\n").text
    codex.writes("draft.py", "codex\n")
    gemini.prompt("Write the page, in your worktree")
    gemini.writes("page.py", "gemini\n")
    assert (work.root / "page.py").read_text() == "claude\n"
    assert (beside / "page.py").read_text() == "gemini\n"
    sessions = [session_of(work, each) for each in (claude, codex, gemini)]
    names = {line["event"]["client"] for line in work.of_type("session.started")}
    assert names == {program.client.name for program in (CLAUDE, CODEX, GEMINI)}
    one, other, third = sessions
    assert held(work) == {("file/page.py", one), ("file/draft.py", other), ("file/page.py", third)}
    gemini.runs(f'coord send {one},{other} "Page" "Mine is on branch beside."')
    assert "Mine is on branch beside." in claude.runs("true").text
    assert "Mine is on branch beside." in codex.runs("true").text


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=["-".join(each.client.word for each in pair) for pair in PAIRS])
def test_a_client_respects_the_files_of_another(work: Repo, agent: Make, one: Program, other: Program) -> None:
    first, second = agent(one), agent(other)
    first.prompt("Write the page")
    first.writes("page.py", "one\n")
    second.prompt("Write the page too")
    heard = second.writes("page.py", "two\n")
    assert "page.py was not written" in heard.text
    assert session_of(work, first) in heard.text
    assert (work.root / "page.py").read_text() == "one\n"
