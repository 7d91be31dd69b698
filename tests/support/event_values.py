"""Strategies for arbitrary events, derived from the event types, so that a new event type is tested automatically."""

import types
import typing
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from msgspec import Meta, Struct

from eventlog.events import MAX_INT, VERSION, AnyPayload, Event, Imported, Payload, Unknown, from_micros

TYPES: tuple[type[Payload], ...] = tuple(t for t in get_args(AnyPayload) if t is not Unknown)
MICROS = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # the years 1 to 9999
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def values(kind: Any, meta: Meta | None = None) -> st.SearchStrategy[Any]:
    """Any value of a type, within the bounds of its annotations."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values(args[0], args[1])
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values(arg) for arg in args])
    if origin is tuple:
        return st.lists(values(args[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), json_values, max_size=3)
    if kind is str:
        return _text(meta)
    if kind is int:
        return st.integers(meta.ge if meta else None, meta.le if meta else None)  # type: ignore[arg-type]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return structs(kind)
    return {bool: st.booleans(), type(None): st.none(), None: st.none()}[kind]


def _text(meta: Meta | None) -> st.SearchStrategy[str]:
    if meta is None or meta.pattern is None:
        return st.text(max_size=20)
    longest = meta.max_length or 100
    return st.from_regex(meta.pattern, fullmatch=True).filter(lambda text: len(text) <= longest)


def structs(kind: type[Struct]) -> st.SearchStrategy[Any]:
    fields = {field.name: values(field.type) for field in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda given: kind(**given))


instants = st.integers(*MICROS).map(from_micros)
payloads: st.SearchStrategy[Any] = st.one_of([structs(kind) for kind in TYPES])
events: st.SearchStrategy[Event] = st.builds(
    Event,
    v=st.just(VERSION),
    at=instants,
    session=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    n=st.integers(1, MAX_INT),
    payload=payloads,
    imported=st.none() | structs(Imported),
)
