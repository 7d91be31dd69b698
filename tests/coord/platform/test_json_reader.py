"""The JSON reader that does not load the package `json` gives the same values and errors as the package."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coord.platform import json_reader

pytestmark = pytest.mark.slow

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def read(loads: Any, data: bytes) -> str:
    """Return the result of a function as text, a value or an error, for comparison."""
    try:
        return f"value {loads(data)!r}"
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__} {error}"


@given(VALUES, st.sampled_from(["", " ", "\n\t\r "]), st.integers(0, 4), st.booleans())
def test_encoded_json_is_decoded_without_the_package(value: object, space: str, indent: int, plain: bool) -> None:
    text = space + json.dumps(value, indent=indent or None, ensure_ascii=plain) + space
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "loads", lambda data: pytest.fail("it was asked"))
        assert json_reader.loads(text.encode(errors="surrogatepass")) == value


@given(VALUES, st.data())
def test_damaged_json_is_decoded_as_the_package_does(value: object, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        spot = data.draw(st.integers(0, len(text)))
        text[spot : spot + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    assert read(json_reader.loads, bytes(text)) == read(json.loads, bytes(text))


@given(st.binary(max_size=20))
@example(b"")
@example(b"\xef\xbb\xbf[]")
@example("[1]".encode("utf-16"))
@example(b"\x0c1")
@example(b"1 2")
@example(b"[" * 100_000)
@example(b"1" * 5000)
@example(b'{"a": 1, "a": 2}')
@example(b'"\\ud800"')
@example(b'"\xed\xa0\x80"')
def test_any_bytes_are_decoded_as_the_package_does(data: bytes) -> None:
    assert read(json_reader.loads, data) == read(json.loads, data)


def test_infinity_and_nan_are_decoded() -> None:
    assert json_reader.loads(b"[Infinity, -Infinity]") == [math.inf, -math.inf]
    assert math.isnan(json_reader.loads(b"NaN"))


def test_without_the_scanner_the_package_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "_scan", None)
    assert json_reader.loads(b'{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
