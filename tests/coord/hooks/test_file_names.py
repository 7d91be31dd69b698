"""Every file is guarded as exactly that file, whatever its name: with wildcards, with characters that events cannot
have, too long for an event, or in another case where the file system ignores case.
"""

import shlex

import pytest

from coord.guard.entry import ALLOWED, DENIED
from coord.hooks.edits import git_status
from coord.platform.git import naming
from tests.support.agents import Agents
from tests.support.case import IgnoresCase
from tests.support.repositories import Repo

CLAUDE, OTHER = 100, 200  # two agents of Claude Code: a patch of Codex cannot name a file with a line feed
CLIENTS = {CLAUDE: "claude", OTHER: "claude"}


@pytest.mark.parametrize("name", ["what?.md", "a*.py", "app/[id].tsx", "two\nlines", "b" * 200 + "/" + "c" * 250])
def test_a_file_of_any_name_is_guarded_as_exactly_that_file(repo: Repo, name: str) -> None:
    agents = Agents(repo, CLIENTS)
    agents.shell(CLAUDE, "git commit -q --allow-empty -m first", hooks=False)
    near = name.replace("?", "s").replace("*", "b").replace("[id]", "i").replace("\n", " ")
    agents.writes(CLAUDE, name)
    if near != name:
        assert agents.writes(OTHER, near).code == ALLOWED
    assert agents.writes(OTHER, name).code == DENIED
    answer = agents.shell(OTHER, f"echo more >> {shlex.quote(name)}")
    assert "changed while your command ran" in answer.context
    agents.shell(CLAUDE, "git add -A; git commit -qm all", hooks=False)
    assert agents.writes(OTHER, name).code == ALLOWED, "git says that it is committed"


def test_a_claim_by_name_of_a_pattern_holds_for_odd_names(repo: Repo) -> None:
    agents = Agents(repo, CLIENTS)
    agents.starts(CLAUDE)
    agents.coord(CLAUDE, "claim", "file", "src/what?.md")
    assert agents.writes(OTHER, "src/what?.md").code == DENIED


def test_where_case_does_not_count_two_spellings_are_one_file(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(repo, CLIENTS)
    (repo.root / "README.md").touch()
    assert agents.writes(CLAUDE, "README.md").code == ALLOWED
    assert agents.asks_to_write(OTHER, "readme.md").code == ALLOWED, "here they are two"
    monkeypatch.setattr(naming, "os", IgnoresCase(repo.root))
    assert agents.asks_to_write(OTHER, "readme.md").code == DENIED


def test_git_is_asked_in_any_case_where_case_does_not_count(repo: Repo) -> None:
    agents = Agents(repo, CLIENTS)
    agents.shell(CLAUDE, "echo x > README.md; git add -A; git commit -qm first; echo y > README.md", hooks=False)
    assert git_status(str(repo.root), ["readme.md"]) == {}
    assert (git_status(str(repo.root), ["readme.md"], ignore_case=True) or {})["readme.md"] == " M"
