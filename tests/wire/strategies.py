"""Hypothesis strategies for the messages, read off their types."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Raw, Struct, inspect

from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import LARGEST_INT

S = TypeVar("S", bound=Struct)

payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(lambda value: Raw(json.dumps(value).encode()))
"""Any JSON value, as its bytes."""

printable = st.text(max_size=64).filter(str.isprintable)

cursors = st.integers(1, LARGEST_INT).map(str)

_BY_NAME: dict[str, SearchStrategy[Any]] = {"client": printable, "cursor": cursors}
"""The fields whose type alone does not say what passes."""

refusals = st.builds(
    Refused,
    st.sampled_from(ErrorCode),
    st.text(),
    temporary=st.none() | st.booleans(),
    after=st.floats(0, 1e9),
    path=st.text(),
)


def messages(kind: type[S]) -> SearchStrategy[S]:
    """Return a strategy for every message of a type that the wire lets pass."""
    shape = inspect.type_info(kind)
    assert isinstance(shape, inspect.StructType)
    of = {field.name: _of_field(field) for field in shape.fields}
    required = {field.name: of.pop(field.name) for field in shape.fields if field.required}
    return st.fixed_dictionaries(required, optional=of).map(lambda fields: kind(**fields))


def _of_field(field: inspect.Field) -> SearchStrategy[Any]:
    return _BY_NAME[field.name] if field.name in _BY_NAME else _values(field.type)


def _values(shape: inspect.Type) -> SearchStrategy[Any]:
    return _OF_SHAPE[type(shape)](shape)


_OF_SHAPE: dict[type[inspect.Type], Callable[[Any], SearchStrategy[Any]]] = {
    inspect.BoolType: lambda _: st.booleans(),
    inspect.FloatType: lambda _: st.floats(allow_nan=False, allow_infinity=False),
    inspect.IntType: lambda shape: st.integers(shape.ge or 0, shape.le or LARGEST_INT),
    inspect.ListType: lambda shape: st.lists(
        _values(shape.item_type), min_size=shape.min_length or 0, max_size=8
    ),
    inspect.Metadata: lambda shape: _values(shape.type),
    inspect.RawType: lambda _: payloads,
    inspect.StrType: lambda shape: st.text(max_size=shape.max_length),
    inspect.StructType: lambda shape: messages(shape.cls),
    inspect.UnionType: lambda shape: st.one_of([_values(kind) for kind in shape.types]),
}
