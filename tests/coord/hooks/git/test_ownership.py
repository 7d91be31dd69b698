"""Which files of a commit belong to other sessions, and the suggested commands; all without git."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.hooks.git.ownership import (
    ByResource,
    find_conflicts,
    find_lost_claims,
    resources_of,
    suggest_command,
)
from coord.hooks.git.staged import PushedRef, Staged, parse_pushed
from coord.platform.git.naming import claim_name
from coord.render.format import shell_word
from coord.workspace.config import Config
from coord.workspace.identity import Identity
from eventlog.events import Instant
from projections.rules.resources import overlap
from projections.rules.state import Claim, Notice, Session, State

NOON: Instant = "2026-11-22T12:00:00.000000Z"
LATER: Instant = "2026-11-22T16:00:00.000000Z"
ME, OTHER = "amber-otter-k3f9", "brave-puma-2x7d"
HERE = "/repo"
_DEFAULT = Config()


def _session(name: str, *notices: Notice) -> Session:
    return Session(id=name, started_at=NOON, last_at=NOON, notices=list(notices))


def _claim(session: str, resource: str, **more: object) -> Claim:
    fields = {
        "id": f"{session}/2",
        "session": session,
        "agent": "",
        "resource": resource,
        "mode": "exclusive",
        "worktree": "",
        "ttl_s": 14400,
        "automatic": False,
        "note": "",
        "asked_at": NOON,
        "granted_at": NOON,
        "expires_at": LATER,
        "token": 1,
    }
    return Claim(**fields | more)  # type: ignore[arg-type] # as given


def _state(*claims: Claim, notices: tuple[Notice, ...] = ()) -> State:
    sessions = {ME: _session(ME, *notices), OTHER: _session(OTHER)}
    return State(sessions=sessions, claims={claim.id: claim for claim in claims})


def _taken(state: State, *names: str, config: Config = _DEFAULT, named: bool = False) -> list[str]:
    wanted = {name: f"file/{claim_name(name)}" for name in names}
    return list(find_conflicts(state, config, Identity(ME, ""), HERE, wanted, named=named))


def test_a_file_name_with_wildcards_is_not_a_pattern() -> None:
    assert _taken(_state(_claim(OTHER, "file/src/a.py")), "src/*", "**", "src/?.py") == []
    assert _taken(_state(_claim(OTHER, "file/src/")), "src/*", "**", "src/?.py") == ["src/*", "src/?.py"]


def test_two_unicode_forms_of_a_name_are_one_file() -> None:
    assert _taken(_state(_claim(OTHER, "file/gr\u00f6\u00dfe.py")), "gro\u0308\u00dfe.py") == ["gro\u0308\u00dfe.py"]


@pytest.mark.parametrize(
    ("more", "config", "found"),
    [
        ({}, Config(), True),
        ({"automatic": True, "worktree": HERE}, Config(), True),
        ({"automatic": True, "worktree": "/elsewhere"}, Config(), False),
        ({"automatic": True, "worktree": HERE}, Config(guard="check"), False),
        ({}, Config(guard="check"), True),
        ({"imported": True}, Config(), False),
        ({"mode": "shared"}, Config(), True),
        ({}, Config(ignore=("*.py",)), False),
    ],
)
def test_which_claims_make_a_file_anothers(more: dict[str, object], config: Config, found: bool) -> None:
    assert bool(_taken(_state(_claim(OTHER, "file/a.py", **more)), "a.py", config=config)) is found


def test_for_a_push_only_claims_by_name_count() -> None:
    edit = _claim(OTHER, "file/a.py", automatic=True, worktree=HERE)
    assert _taken(_state(edit), "a.py", named=True) == []


RESOURCES = st.lists(st.sampled_from(["a", "b", "*", "**", "?", "sub"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(st.builds("file/{}{}".format, RESOURCES, st.sampled_from(["", "/"])), max_size=8))
def test_rule_1_decides_what_a_commit_takes(resources: list[str]) -> None:
    rows = [_claim(OTHER, resource) for resource in resources]
    known = ByResource(rows)
    for resource in resources:
        assert sorted(map(id, known.overlapping(resource))) == sorted(
            id(row) for row in rows if overlap(row.resource, resource)
        )


def test_a_submodule_conflicts_with_claims_on_files_in_it() -> None:
    wanted = {"sub": "file/sub/"}
    for resource, taken in (("file/sub/a.py", ["sub"]), ("file/sub/deep/", ["sub"]), ("file/sub2/a.py", [])):
        found = find_conflicts(_state(_claim(OTHER, resource)), _DEFAULT, Identity(ME, ""), HERE, wanted)
        assert list(found) == taken


@pytest.mark.parametrize("kind", ["lost", "broken"])
def test_rule_8_a_commit_shows_the_lost_claims_of_its_files(kind: str) -> None:
    notice = Notice(f"{ME}/3", NOON, kind, ("file/src/",), OTHER, "it was granted to it first")  # type: ignore[arg-type]
    state, me = _state(notices=(notice,)), Identity(ME, "")
    found = find_lost_claims(state, me, HERE, {"src/a.py": "file/src/a.py", "b.py": "file/b.py"}, NOON)
    assert list(found) == ["src/a.py"]
    assert "it was granted to it first" in found["src/a.py"][0].said
    state.claims["again"] = _claim(ME, "file/src/a.py")
    assert not find_lost_claims(state, me, HERE, {"src/a.py": "file/src/a.py"}, NOON)
    assert not find_lost_claims(state, Identity("", ""), HERE, {"src/a.py": "file/src/a.py"}, NOON)


@given(st.binary(min_size=1, max_size=12).filter(lambda data: b"\0" not in data))
def test_any_file_name_is_quoted_as_one_shell_word(data: bytes) -> None:
    word = shell_word(data.decode(errors="surrogateescape"))
    assert word.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == data


def test_no_command_is_suggested_if_all_files_are_anothers() -> None:
    commit = Staged(("a.py",), temporary_index=False, merges=(), concludes=False)
    assert _suggestion(commit, "a.py") == ""


def _suggestion(
    commit: Staged, *theirs: str, differing: tuple[str, ...] = (), sweeps: bool = False, at: str = ""
) -> str:
    return suggest_command(commit, theirs, first=False, differing=differing, in_merge=(), sweeps=sweeps, at=at)


OWN = tuple(f"own{number}.py" for number in range(10))
THEIRS = tuple(f"src/{part}/{number}.py" for part in "ab" for number in range(4))
BY_NAME = "git commit --only -- " + " ".join(OWN)


def test_the_shorter_command_is_suggested() -> None:
    commit = Staged((*OWN, *THEIRS), temporary_index=False, merges=(), concludes=False)
    assert _suggestion(commit, THEIRS[0]) == "git restore --staged -- src/a/0.py && git commit"
    assert _suggestion(commit, *THEIRS[:2], at="src/a") == "git restore --staged -- 0.py 1.py && git commit"
    assert _suggestion(commit, *OWN) == f"git commit --only -- {' '.join(THEIRS)}", "the own files are the shorter list"


def test_a_command_that_would_lose_work_is_not_suggested() -> None:
    staged = Staged((*OWN, *THEIRS), temporary_index=False, merges=(), concludes=False)
    named = Staged((*OWN, *THEIRS), temporary_index=True, merges=(), concludes=False)
    assert _suggestion(staged, *THEIRS, differing=THEIRS[:1]) == BY_NAME, (
        "the staged version of their file would be lost"
    )
    assert _suggestion(named, *THEIRS) == BY_NAME, "other files may be staged, or changed"
    swept = "git add --update && git restore --staged -- src/a/0.py && git commit"
    assert _suggestion(named, THEIRS[0], sweeps=True) == swept


def test_a_file_staged_in_part_is_never_committed_whole() -> None:
    commit = Staged(("own.py", "theirs.py"), temporary_index=True, merges=(), concludes=False)
    assert _suggestion(commit, "theirs.py", differing=("own.py",)) == "git commit --patch -- own.py"


def test_the_input_of_the_pre_push_hook_is_parsed() -> None:
    nothing = "0" * 64
    text = f"refs/heads/main abc refs/heads/main {nothing}\n(delete) {nothing} refs/heads/old def\nnonsense\n"
    rows = parse_pushed(text)
    assert rows == [PushedRef("abc", "refs/heads/main", ""), PushedRef("", "refs/heads/old", "def")]
    assert resources_of("origin", rows)[:4] == ["branch/main", "push/main", "push/origin", "push/origin/main"]
    assert "tag/v1" in resources_of("origin", [PushedRef("abc", "refs/tags/v1", "")])
    odd = "refs/heads/a\u2028b\x85c"
    assert parse_pushed(f"{odd} abc {odd} def\n") == [PushedRef("abc", odd, "def")], "only a line feed ends a line"
