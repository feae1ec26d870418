"""Hypothesis strategies for every payload, read off the published schemas."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Gt, Le
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from shared_events.envelope import Payload
from shared_events.payloads import HOT

_MOST = 10**15
_letters = st.characters(codec="utf-8", exclude_characters="\x00")

Metadata = Sequence[Any]


def payloads(schema: type[Payload]) -> st.SearchStrategy[Any]:
    """Return facts of one type: the hot types as the structs that travel."""
    struct = HOT.get(schema.event_type)
    facts = instances(schema)
    if struct is None:
        return facts
    return facts.map(lambda fact: msgspec.json.decode(fact.model_dump_json(), type=struct))


def instances(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Return valid instances of `model`; fields with a default are sometimes left out."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        chosen = required if field.is_required() else optional
        chosen[name] = _values(field.annotation, field.metadata)
    return st.fixed_dictionaries(required, optional=optional).map(lambda of: model(**of))


def _values(annotation: Any, metadata: Metadata) -> st.SearchStrategy[Any]:
    if annotation is AwareDatetime:
        return _moments
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _plain_values(annotation, _flat(metadata))
    return _BUILT[origin](args, metadata)


def _plain_values(kind: Any, metadata: Metadata) -> st.SearchStrategy[Any]:
    if issubclass(kind, BaseModel):
        return instances(kind)
    return _PLAIN[kind](metadata)


def _flat(metadata: Metadata) -> list[Any]:
    flat: list[Any] = []
    for item in metadata:
        flat += _flat(item.metadata) if isinstance(item, FieldInfo) else [item]
    return flat


def _low(metadata: Metadata, otherwise: int) -> int:
    """Return the smallest whole number that `metadata` allows."""
    lows = [_whole(m.ge) for m in metadata if isinstance(m, Ge)]
    lows += [_whole(m.gt) + 1 for m in metadata if isinstance(m, Gt)]
    return max([otherwise, *lows])


def _high(metadata: Metadata, otherwise: int) -> int:
    """Return the greatest whole number that `metadata` allows."""
    highs = [_whole(m.le) for m in metadata if isinstance(m, Le)]
    return min([otherwise, *highs])


def _whole(bound: Any) -> int:
    return int(bound)


def _texts(metadata: Metadata) -> st.SearchStrategy[str]:
    for item in metadata:
        if (pattern := getattr(item, "pattern", None)) is not None:
            return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(max_codepoint=127))
    return st.text(_letters, min_size=1, max_size=20)


def _numbers(metadata: Metadata) -> st.SearchStrategy[Decimal]:
    low, high = _low(metadata, -_MOST), _high(metadata, _MOST)
    return st.decimals(low, high, places=8) | st.decimals(low, high, places=0)


def _floats(metadata: Metadata) -> st.SearchStrategy[float]:
    return st.floats(_low(metadata, -_MOST), _high(metadata, _MOST))


def _integers(metadata: Metadata) -> st.SearchStrategy[int]:
    return st.integers(_low(metadata, -_MOST), _high(metadata, _MOST))


def _tuples(args: Sequence[Any], _: Metadata) -> st.SearchStrategy[Any]:
    if args[-1] is Ellipsis:
        return st.lists(_values(args[0], ()), max_size=3).map(tuple)
    return st.tuples(*(_values(arg, ()) for arg in args))


def _unions(args: Sequence[Any], metadata: Metadata) -> st.SearchStrategy[Any]:
    return st.one_of(*(_values(arg, metadata) for arg in args))


_moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- made aware
_PLAIN: dict[Any, Callable[[Metadata], st.SearchStrategy[Any]]] = {
    NoneType: lambda _: st.none(),
    bool: lambda _: st.booleans(),
    int: _integers,
    float: _floats,
    str: _texts,
    Decimal: _numbers,
}
_BUILT: dict[Any, Callable[[Sequence[Any], Metadata], st.SearchStrategy[Any]]] = {
    Annotated: lambda args, metadata: _values(args[0], [*args[1:], *metadata]),
    Literal: lambda args, _: st.sampled_from(args),
    Mapping: lambda args, _: st.dictionaries(
        _values(args[0], ()), _values(args[1], ()), max_size=3
    ),
    Union: _unions,
    UnionType: _unions,
    tuple: _tuples,
}
