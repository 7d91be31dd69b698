"""The fields of the shell scripts' files are recovered from invalid JSON by the template."""

import pytest

from coord.admin.shell_import.events import session_id
from coord.admin.shell_import.recovery import FileKind, Unusable, fields_of
from tests.support.shell_folders import NASTY, filled

MESSAGE = {"from": "session-1", "to": "broadcast", "timestamp": "2025-11-15T18:00:00Z", "subject": "s"}


@pytest.mark.parametrize("end", NASTY)
@pytest.mark.parametrize("begin", NASTY)
def test_any_message_is_recovered_from_the_template(begin: str, end: str) -> None:
    """Except if the value made the file valid JSON with another meaning, which cannot be detected."""
    meant = MESSAGE | {"message": f"{begin}words{end}"}
    fields, recovered = fields_of("message", filled(meant).encode())
    if recovered:
        assert fields == meant


@pytest.mark.parametrize("nasty", ['\n"quoted"\n', "C:\\new", "\n\n- a\n- b", '"', "\\"])
def test_any_value_can_be_the_one_that_breaks_the_json(nasty: str) -> None:
    for key in MESSAGE:
        meant = MESSAGE | {"message": "words", key: nasty}
        fields, recovered = fields_of("message", filled(meant).encode())
        if recovered:
            assert fields == meant


def test_unquoted_values_keep_their_types() -> None:
    meant = {"session_id": 'a"b', "started_at": "x", "status": "active", "current_work": None}
    meant |= {"capabilities": ["a", "b"], "last_heartbeat": "y", "heartbeat_count": 12}  # type: ignore[dict-item]
    assert fields_of("session", filled(meant).encode()) == (meant, True)


@pytest.mark.parametrize("kind", ["session", "message"])
def test_keys_that_are_not_in_the_template_are_kept(kind: FileKind) -> None:
    begin: dict[str, object] = dict(MESSAGE) if kind == "message" else {"session_id": "a", "heartbeat_count": 3}
    meant = begin | {"message": 'a "quoted"\nline'} if kind == "message" else begin | {"role": 'a "quoted"\nline'}
    meant |= {"priority": "high", "tags": ["a", "b"], "count": 7}
    assert fields_of(kind, filled(meant).encode()) == (meant, True)


def test_json_pasted_into_a_message_stays_in_it() -> None:
    pasted = filled(MESSAGE | {"message": "inner"})
    meant = MESSAGE | {"message": f"look:\n{pasted}done"}
    assert fields_of("message", filled(meant).encode()) == (meant, True)


def test_a_key_that_occurs_twice_is_part_of_a_text() -> None:
    meant = MESSAGE | {"message": 'x", "from": "the boss'}
    assert fields_of("message", filled(meant).encode()) == (meant, True)


def test_a_truncated_file_keeps_what_is_left() -> None:
    whole = filled(MESSAGE | {"message": "some words {here}"})
    fields, recovered = fields_of("message", whole[: whole.index("}") + 1].encode())
    assert recovered
    assert fields == MESSAGE | {"message": "some words {here}"}


def test_bytes_that_are_not_text_are_escaped() -> None:
    data = filled(MESSAGE | {"message": "caf?"}).encode().replace(b"?", b"\xe9")
    assert fields_of("message", data)[0]["message"] == "caf\\xe9"
    assert fields_of("message", b"\xef\xbb\xbf" + filled(MESSAGE).encode()) == (MESSAGE, False)


@pytest.mark.parametrize("data", [b"", b" \n", b"\0\0", b"[1]", b"7", b"words", b"{", b"[" * 100_000, b'{"a": ' * 9999])
def test_a_file_without_content_is_unusable(data: bytes) -> None:
    with pytest.raises(Unusable):
        fields_of("message", data)


def test_session_ids_stay_valid_and_distinct() -> None:
    assert session_id("session-1763229251") == "session-1763229251"
    odd = ["Session 1", "session 1", "session/1", "", "ü", "../..", "x" * 200, "x" * 201, "-", "SESSION-1"]
    made = [session_id(text) for text in odd]
    assert len(set(made)) == len(odd)
    assert all(session_id(name) == name for name in made)
