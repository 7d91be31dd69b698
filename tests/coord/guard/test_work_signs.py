"""The signs of an agent's work on the disk: when its transcript changed, and whether its last lines end the turn."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coord.guard.work_signs import WorkSigns, read_signs, record_transcript, sessions_with_traces
from eventlog.events import to_micros
from tests.support.in_process import NOON

NOW, MINUTE = to_micros(NOON), 60_000_000
INTERRUPTED, FAILED, ENDED = "its turn was interrupted", "its turn ended with an error", "its turn ended"


def claude(kind: str, text: str = "", **more: Any) -> dict[str, Any]:
    """A line of a transcript of Claude Code, as 2.1.332 writes it."""
    content: Any = [{"type": "text", "text": text}]
    return {"parentUuid": "u", "isSidechain": False, "type": kind, "message": {"role": kind, "content": content}} | more


def codex(kind: str, **more: Any) -> dict[str, Any]:
    """A line of a transcript of Codex, as 0.171.0 writes it."""
    return {
        "timestamp": "2026-11-30T18:21:38.519Z",
        "type": "event_msg",
        "payload": {"type": kind, "turn_id": "t"} | more,
    }


PROMPT = {"type": "user", "message": {"role": "user", "content": "Go"}}
ESC = claude("user", "[Request interrupted by user]")
ESC_TOOL = claude("user", "[Request interrupted by user for tool use]")
ERROR = claude("assistant", "API Error: 529", error="server_error", isApiErrorMessage=True)
NOTES = [{"type": "last-prompt", "lastPrompt": "Go"}, {"type": "atis-latch", "atis": ""}, {"type": "cost-state"}]


@pytest.mark.parametrize(
    ("client", "lines", "ended"),
    [
        ("claude", [PROMPT], ""),
        ("claude", [PROMPT, ESC], INTERRUPTED),
        ("claude", [PROMPT, ESC_TOOL, *NOTES], INTERRUPTED),
        ("claude", [PROMPT, ERROR], FAILED),
        ("claude", [PROMPT, ESC, PROMPT], ""),
        ("claude", [PROMPT, ERROR, claude("assistant", "Done.")], ""),
        ("claude", [claude("user", 'Why "[Request interrupted by user]"?')], ""),
        ("claude", [{"type": "user", "message": {"content": []}}, {"type": "user"}], ""),
        ("claude", [NOTES[0]], ""),
        ("codex", [codex("task_started")], ""),
        ("codex", [codex("task_started"), codex("token_count"), codex("turn_aborted", reason="interrupted")], INTERRUPTED),
        ("codex", [codex("turn_aborted"), codex("item_completed")], INTERRUPTED),
        ("codex", [codex("task_complete", error={"message": "no"})], ENDED),
        ("codex", [codex("task_complete"), codex("task_started")], ""),
        ("gemini", [PROMPT, ESC], ""),
    ],
)  # fmt: skip
def test_the_last_line_about_a_turn_shows_its_end(
    tmp_path: Path, client: str, lines: list[dict[str, Any]], ended: str
) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert signs_of(tmp_path, text, client).ended == ended
    long = json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": "x" * 9000}]}}) + "\n"
    assert signs_of(tmp_path, long + text, client).ended == ended, "the tail begins inside a line"


def signs_of(folder: Path, text: str | bytes, client: str = "claude") -> WorkSigns:
    """The signs of a session with this transcript, which changed a minute ago."""
    path = folder / "transcript.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (0, NOW / 1_000_000 - 60))
    record_transcript(str(folder / "cache"), "amber", client, str(path))
    return read_signs(str(folder / "cache"), "amber", NOW, MINUTE)


def test_a_transcript_shows_when_it_last_changed(tmp_path: Path) -> None:
    signs = signs_of(tmp_path, "")
    assert (signs.known, signs.transcript_at, signs.runs) == (True, NOW - MINUTE, False)
    assert "amber" in sessions_with_traces(str(tmp_path / "cache"))


def test_without_a_transcript_its_changes_are_unknown(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    assert (sessions_with_traces(cache), read_signs(cache, "amber", NOW, MINUTE).known) == ((), False)
    record_transcript(cache, "amber", "claude", "")
    assert vars(read_signs(cache, "amber", NOW, MINUTE)) == {
        "known": True, "transcript_at": 0, "runs": False, "ended": ""
    }  # fmt: skip
    for path in (tmp_path / "gone.jsonl", tmp_path, Path("with\0nul")):
        record_transcript(cache, "amber", "claude", str(path))
        assert not read_signs(cache, "amber", NOW, MINUTE).known, "it cannot be examined"


def test_a_pipe_as_transcript_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    record_transcript(str(tmp_path), "amber", "claude", str(tmp_path / "pipe"))
    assert not read_signs(str(tmp_path), "amber", NOW, MINUTE).known


def test_a_damaged_transcript_or_trace_ends_no_turn(tmp_path: Path) -> None:
    line = json.dumps(ESC).encode() + b"\n"
    for number in range(len(line)):
        assert signs_of(tmp_path, line[:number]).ended in ("", INTERRUPTED), number
        damaged = line[:number] + bytes([line[number] ^ 0x20]) + line[number + 1 :]
        assert signs_of(tmp_path, json.dumps(PROMPT).encode() + b"\n" + damaged).ended in ("", INTERRUPTED)
    for deep in (b"[" * 4000, b"\xff" * 100, b"{}\n[]\n1\n", b'{"type":["user"]}\n'):
        assert signs_of(tmp_path, deep).ended == ""
    trace = tmp_path / "cache" / "hooks" / "amber" / "transcript"
    for content in (b"", b"{", b"[]", b'{"transcript":1}', b'{"transcript":"x","client":"../claude"}', b"\xff"):
        trace.write_bytes(content)
        assert read_signs(str(tmp_path / "cache"), "amber", NOW, MINUTE).ended == ""
