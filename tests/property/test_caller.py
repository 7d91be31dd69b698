"""Rule of callers: the calling client is decided by the payload, the variables and the processes, and not by the hook
that was called. All captured payloads are answered as those of their client, whichever client's hook was called.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.clients.client import HOOK_VARIABLES, WORDS, Client, client_named, fits
from coord.guard.caller import calling_client

SAMPLES = {
    path.name.partition("-")[0] + path.name: [json.loads(line) for line in path.read_text().splitlines()]
    for path in sorted((Path(__file__).parents[1] / "fixtures" / "hooks").glob("*-hooks.jsonl"))
}
PAYLOADS = [
    (word, said)
    for word in WORDS
    for name, lines in SAMPLES.items()
    for said in lines
    if name.startswith(f"{word}{word}-")
]


def client(word: str) -> Client:
    found = client_named(word)
    assert found
    return found


def own_variables(word: str) -> dict[str, str]:
    return {HOOK_VARIABLES[word]: "1"} if word in HOOK_VARIABLES else {}


def processes(*words: str) -> list[list[str]]:
    """The arguments of the processes above a hook: shells, and these clients, the nearest first."""
    return [["/bin/sh", "-c", "coord hook"], *([client(word).command] for word in words), ["/sbin/init"]]


def nothing_above() -> Iterable[list[str]]:
    raise AssertionError("the processes were read")


def is_answered(word: str, said: dict[str, Any]) -> bool:
    """Whether a payload is of a hook event that this client's record names."""
    event = said.get("hook_event_name")
    return event is None or event in client(word).hook_events


@pytest.mark.parametrize("hook", WORDS)
def test_each_sample_is_answered_as_that_of_its_client(hook: str) -> None:
    for word, said in PAYLOADS:
        found = calling_client(client(hook), said, own_variables(word), lambda word=word: processes(word))  # type: ignore[misc]
        assert found.word == word or not is_answered(word, said), said


@given(st.sampled_from(PAYLOADS), st.sampled_from(WORDS), st.sampled_from(WORDS))
def test_inherited_variables_and_outer_clients_do_not_matter(
    sample: tuple[str, dict[str, Any]], hook: str, outer: str
) -> None:
    word, said = sample
    env = own_variables(word) | own_variables(outer)
    found = calling_client(client(hook), said, env, lambda: processes(word, outer))
    own = hook == outer and word not in HOOK_VARIABLES and fits(client(hook), said)  # then no process is read
    assert found.word == word or own or not is_answered(word, said)


@given(st.sampled_from(PAYLOADS))
def test_the_usual_call_reads_no_process(sample: tuple[str, dict[str, Any]]) -> None:
    word, said = sample
    if is_answered(word, said) and fits(client(word), said):
        assert calling_client(client(word), said, own_variables(word), nothing_above).word == word


@given(st.sampled_from(PAYLOADS), st.sampled_from(WORDS))
def test_without_evidence_the_client_of_the_hook_is_kept(sample: tuple[str, dict[str, Any]], hook: str) -> None:
    _, said = sample
    minimal: dict[str, Any] = {name: said[name] for name in ("session_id", "cwd", "hook_event_name") if name in said}
    assert calling_client(client(hook), minimal, {}, lambda: processes()).word == hook


@pytest.mark.parametrize("word", WORDS)
def test_the_samples_have_the_shape_of_their_client(word: str) -> None:
    own = [said for of, said in PAYLOADS if of == word and is_answered(word, said)]
    assert all(fits(client(word), said) for said in own), [said for said in own if not fits(client(word), said)][:1]


def test_copilot_that_runs_a_hook_of_claude_is_recognized() -> None:
    said = {
        "hook_event_name": "PreToolUse",
        "session_id": "c1",
        "timestamp": "2026-11-30T18:19:40.598Z",
        "cwd": "/repo",
        "tool_name": "Write",
        "tool_input": {"path": "/repo/page.py", "file_text": "x"},
    }
    env = {"COPILOT_CLI": "1", "COPILOT_PROJECT_DIR": "/repo", "CLAUDE_PROJECT_DIR": "/repo"}
    assert calling_client(client("claude"), said, env, nothing_above).word == "copilot"
    assert calling_client(client("claude"), said, env | {"CLAUDECODE": "1"}, nothing_above).word == "copilot"


@given(st.dictionaries(st.text(max_size=20), st.none() | st.text(max_size=5) | st.integers()), st.sampled_from(WORDS))
def test_any_payload_has_a_caller(said: dict[str, Any], hook: str) -> None:
    assert calling_client(client(hook), said, {}, lambda: processes(hook)).word in WORDS
