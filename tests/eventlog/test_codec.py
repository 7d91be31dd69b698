"""Encoding and decoding lines: every event has one line; invalid input that other parsers accept is damage; an event
that is valid but not understood is kept.
"""

import hashlib
import json

import pytest
from hypothesis import given

from eventlog.codec import (
    MAX_LINE,
    NO_HASH,
    DamagedLine,
    decode_event,
    decode_line,
    encode_line,
    line_hash,
    stored_hash,
)
from eventlog.events import (
    MAX_INT,
    VERSION,
    ClaimRequested,
    Event,
    Imported,
    MessageSent,
    SessionHeartbeat,
    Unknown,
)
from tests.support.event_values import TYPES, events
from tests.support.journals import line_of

AT = "2026-11-22T11:20:06.123456Z"
HEAD = f'{{"v":1,"at":"{AT}","session":"amber-otter-k3f9","n":17,"event":'
REQUEST = ClaimRequested(resource="file/src/app.py", mode="exclusive", ttl_s=14400, told="granted", note="landing page")


def event_of(payload: object = REQUEST, **fields: object) -> Event:
    return Event(**({"v": VERSION, "at": AT, "session": "amber-otter-k3f9", "n": 17, "payload": payload} | fields))  # type: ignore[arg-type]


def read(body: str | bytes) -> Event:
    return decode_line(line_of(body), NO_HASH)


@given(events)
def test_every_event_is_decoded_as_it_was_encoded(event: Event) -> None:
    line, digest = encode_line(event, NO_HASH)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_line(line[:-1], NO_HASH) == event
    assert stored_hash(line[:-1]) == digest
    json.loads(line, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))


@given(events)
def test_a_line_verifies_only_after_its_own_previous_line(event: Event) -> None:
    line, digest = encode_line(event, NO_HASH)
    with pytest.raises(DamagedLine):
        decode_line(line[:-1], digest)


def test_event_types_are_unique_and_named_by_subject() -> None:
    names = [str(kind.__struct_config__.tag) for kind in TYPES]
    assert len(set(names)) == len(names) == 19
    assert all(name.split(".")[0] in ("session", "agent", "claim", "message") for name in names)


def test_a_line_is_encoded_exactly_as_the_protocol_shows() -> None:
    body = HEAD + (
        '{"type":"claim.requested","resource":"file/src/app.py","mode":"exclusive","ttl_s":14400,'
        '"told":"granted","note":"landing page"}'
    )
    line, digest = encode_line(event_of(), NO_HASH)
    assert line == line_of(body) + b"\n"
    assert line.endswith(b',"hash":"' + digest + b'"}\n')
    assert len(digest) == 32


def test_the_hash_is_blake2b_of_the_previous_hash_and_the_body() -> None:
    expected = hashlib.blake2b(b"1" * 32 + b"{}", digest_size=16).hexdigest()
    assert line_hash(b"1" * 32, b"{}") == expected.encode()


BEAT = HEAD + '{"type":"session.heartbeat","action":"build"%s}'


@pytest.mark.parametrize(
    "body",
    [
        BEAT % ',"action":"test"',
        HEAD + '{"type":"session.heartbeat"},"n":18',
        HEAD + '{"type":"moon.risen","a":1,"a":2}',
        BEAT % ',"percent":NaN',
        HEAD + '{"type":"moon.risen","height":NaN}',
        HEAD + '{"type":"moon.risen","height":-Infinity}',
        HEAD + f'{{"type":"moon.risen","height":{2**53}}}',
        HEAD + f'{{"type":"moon.risen","height":-{2**53}}}',
        HEAD + '{"type":"moon.risen","height":1' + "0" * 5000 + "}",
        HEAD.replace('"n":17', f'"n":{2**53}') + '{"type":"session.heartbeat"}',
        HEAD + '{"type":"moon.risen","x":' + "[" * 100_000 + "]" * 100_000 + "}",
        BEAT % (',"x":' + "[" * 100_000 + "]" * 100_000),
        HEAD.encode() + b'{"type":"\xff"}',
        HEAD.encode() + b'{"type":"moon.risen"},"imported":{"path":"\xff","digest":"00"}',
        BEAT % ',"phase":"a\nb"',
        BEAT % ',"phase":"\\ud800"',
        HEAD.encode() + b'{"type":"session.heartbeat","phase":"\xff"}',
        HEAD.encode() + b'{"type":"moon.risen","phase":"\xff"}',
        HEAD.replace(AT, "2026-02-30T11:20:06.123456Z") + '{"type":"session.heartbeat"}',
        HEAD.replace(AT, "2026-11-22T24:00:00.000000Z") + '{"type":"session.heartbeat"}',
        HEAD.replace(AT, "2026-11-22T11:20:06Z") + '{"type":"session.heartbeat"}',
        HEAD.replace('"n":17', '"n":"17"') + '{"type":"session.heartbeat"}',
        HEAD.replace('"session":"amber-otter-k3f9",', "") + '{"type":"session.heartbeat"}',
        HEAD + "",
        "[1",
        "",
    ],
)
def test_invalid_input_that_parsers_accept_is_damage(body: str | bytes) -> None:
    with pytest.raises(DamagedLine):
        read(body)


@pytest.mark.parametrize(
    "fields",
    [
        f'{{"big":{2**53}}}',
        f'{{"big":[-{2**60}]}}',
        '{"twice":1,"twice":1}',
    ],
)
def test_the_fields_of_an_import_are_checked_as_strictly(fields: str) -> None:
    body = BEAT % "" + f',"imported":{{"path":"old.json","digest":"00","fields":{fields}}}'
    with pytest.raises(DamagedLine):
        read(body)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ('{"type":"moon.risen","height":3}', "moon.risen"),
        ('{"type":"session.heartbeat","percent":101}', "session.heartbeat"),
        ('{"type":"session.started","name":"a\\u001bb"}', "session.started"),
        ('{"type":"session.started","name":"a\\u2028b"}', "session.started"),
        ('{"type":"session.started","name":"a\\n"}', "session.started"),
        ('{"type":"claim.requested","resource":"file/a\\u0007","mode":"shared","ttl_s":60,"told":"granted"}', "claim"),
        ('{"type":"claim.requested","resource":"file","mode":"shared","ttl_s":60,"told":"granted"}', "claim"),
        ('{"type":"claim.requested","resource":"file/a","mode":"mine","ttl_s":60,"told":"granted"}', "claim"),
        ('{"type":"claim.requested","resource":"file/a","mode":"shared","ttl_s":59,"told":"granted"}', "claim"),
        ('{"type":"claim.requested","resource":"file/a","mode":"shared","ttl_s":604801,"told":"granted"}', "claim"),
        ('{"type":"claim.requested","resource":"file/a","mode":"shared","ttl_s":60}', "claim.requested"),
        ('{"type":"message.read","messages":["amber/0"]}', "message.read"),
        ('{"type":"claim.released","claim":"Amber/1"}', "claim.released"),
        ('{"kind":"no type"}', "(no type)"),
    ],
)
def test_an_event_that_is_not_understood_is_kept_as_unknown(payload: str, name: str) -> None:
    event = read(HEAD + payload)
    assert isinstance(event.payload, Unknown)
    assert event.payload.name.startswith(name)
    assert bytes(event.payload.raw) == payload.encode()
    assert (event.session, event.n, event.at) == ("amber-otter-k3f9", 17, AT)


def test_a_line_of_another_version_is_kept_as_unknown() -> None:
    event = read(HEAD.replace('"v":1', '"v":2') + '{"type":"session.heartbeat","action":"build"}')
    assert event.v == 2
    assert isinstance(event.payload, Unknown)
    assert event.payload.name == "session.heartbeat"


def test_a_field_added_by_a_newer_version_is_ignored() -> None:
    event = read(BEAT % ',"mood":"good"')
    assert event.payload == SessionHeartbeat(action="build")


def test_key_order_and_spaces_do_not_matter() -> None:
    body = f'{{"n": 17, "v":1,"session":"amber-otter-k3f9","event":{{"type":"session.heartbeat"}},"at":"{AT}"'
    assert read(body) == event_of(SessionHeartbeat())


@pytest.mark.parametrize("change", [str.upper, lambda text: "g" + text[1:], lambda text: text[1:]])
def test_a_hash_is_32_lowercase_hex_digits(change) -> None:  # type: ignore[no-untyped-def]
    line, digest = encode_line(event_of(), NO_HASH)
    with pytest.raises(DamagedLine):
        decode_line(line[:-1].replace(digest, change(digest.decode()).encode()), NO_HASH)


@pytest.mark.parametrize("text", ["\ud800", "x" * MAX_LINE])
def test_invalid_unicode_and_too_long_lines_are_not_encoded(text: str) -> None:
    with pytest.raises(ValueError, match=r"surrogates|a line holds"):
        encode_line(event_of(MessageSent(to="everyone", subject="s", body=text)), NO_HASH)


def test_the_longest_message_fits_in_a_line() -> None:
    body = "\x01" * (1 << 20)
    event = event_of(MessageSent(to="everyone", subject="s", body=body))
    assert decode_line(encode_line(event, NO_HASH)[0][:-1], NO_HASH) == event


def test_the_largest_number_is_kept_exactly() -> None:
    event = event_of(imported=Imported(path="p", digest="d", fields={"n": MAX_INT}), n=MAX_INT)
    assert decode_event(encode_line(event, NO_HASH)[0][:-1]) == event


def test_a_line_of_exactly_the_maximum_length_is_encoded() -> None:
    bare = len(encode_line(event_of(MessageSent(to="everyone", subject="s", body="x")), NO_HASH)[0]) - len("x\n")
    line, _ = encode_line(event_of(MessageSent(to="everyone", subject="s", body="x" * (MAX_LINE - bare))), NO_HASH)
    assert len(line) == MAX_LINE + len("\n")
    with pytest.raises(ValueError, match="a line holds"):
        encode_line(event_of(MessageSent(to="everyone", subject="s", body="x" * (MAX_LINE - bare + 1))), NO_HASH)


def test_an_unknown_event_keeps_its_reason_and_actor() -> None:
    known = read(HEAD + '{"type":"session.heartbeat","percent":101},"imported":{"path":"p","digest":"d","as":"brown"}')
    assert isinstance(known.payload, Unknown)
    assert known.payload.name == "session.heartbeat (Expected `int` <= 100 - at `$.event.percent`)"
    assert known.actor == "brown"
    newer = read(HEAD + '{"type":"moon.risen","height":3}')
    assert isinstance(newer.payload, Unknown)
    assert newer.payload.name == "moon.risen"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BEAT % ',"action":"test"', "it has a duplicate key"),
        (HEAD + f'{{"type":"moon.risen","height":{2**53}}}', "a number that some JSON parsers would round"),
        (BEAT % ',"phase":"a\nb"', "it is not JSON"),
        (HEAD + '{"type":"moon.risen","x":' + "[" * 100_000 + "]" * 100_000 + "}", "it is not an event"),
        (
            HEAD.replace(AT, "2026-02-30T11:20:06.123456Z") + '{"type":"session.heartbeat"}',
            "its time is not an instant",
        ),
    ],
)
def test_a_damaged_line_is_reported_with_its_reason(body: str, reason: str) -> None:
    with pytest.raises(DamagedLine, match=reason):
        read(body)
    with pytest.raises(DamagedLine, match="its hash is wrong"):
        decode_line(line_of(body, b"1" * 32), NO_HASH)
