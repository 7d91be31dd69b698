"""The documents that hooks print: forms of the clients' records, filled with texts, as JSON."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coord.clients.registry import CLIENTS
from coord.guard.answers import fill_form, json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_a_document_is_valid_json_with_the_same_value(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert text.isprintable()


def test_lone_surrogates_are_printed_as_json_prints_them() -> None:
    assert json_text("\ud800\udfff\udc00") == json.dumps("\ud800\udfff\udc00")


@given(st.text())
def test_a_form_is_filled_only_where_it_names_a_value(text: str) -> None:
    form = {"a": ["{text}", {"b": "{other}"}], "text": "a {text}", "n": 1}
    assert fill_form(form, {"text": text}) == {"a": [text, {"b": "{other}"}], "text": "a {text}", "n": 1}
    assert form["a"] == ["{text}", {"b": "{other}"}]


def test_every_form_of_a_client_is_filled() -> None:
    values = {"text": "T", "event": "E", "command": "C", "timeout": 5, "program": "P", "permission": "allow"}
    for client in CLIENTS:
        forms = (client.denial_form, client.allowed_form, client.context_form, client.stop_form)
        for form in (*forms, client.hook_form, client.server_form, client.settings_head):
            assert not re.search(r'"\{\w+\}"', json.dumps(fill_form(form, values))), client.word
