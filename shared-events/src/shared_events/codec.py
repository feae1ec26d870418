"""Events to JSON bytes and back."""

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError

from shared_events.envelope import Payload, StandardEvent
from shared_events.errors import DataError, DecodeError, UnknownEventError
from shared_events.finite import finite_check
from shared_events.payloads import HOT, SCHEMAS

MAX_EVENT_BYTES = 1 << 20
"""Longer messages are refused unread."""

UPCASTS: dict[tuple[str, int], Callable[[bytes], bytes]] = {}
"""Old ``(type, version)`` to the function that turns its data into the next version's."""


SCHEMA_OF: dict[str, type[Payload]] = {schema.event_type: schema for schema in SCHEMAS}
"""The published schema of every type this build knows."""

_TYPE_WITHIN = 512
"""Our encoder writes the type before this byte; elsewhere it is found the slow way."""

_Decode = Callable[[bytes], StandardEvent[Any]]


class _Header(msgspec.Struct):
    type: str
    version: int


def _hot_decoder(struct: Any) -> _Decode:
    """Return a decoder of events of one hot type; it refuses numbers that are none."""
    read = msgspec.json.Decoder(StandardEvent[struct]).decode
    all_finite = finite_check(struct)

    def decode_hot(raw: bytes) -> StandardEvent[Any]:
        event = read(raw)
        if not all_finite(event.data):
            raise DecodeError("a number is not finite")
        return event

    return decode_hot


_header = msgspec.json.Decoder(_Header)
_raw_event = msgspec.json.Decoder(StandardEvent[msgspec.Raw])
_hot: dict[str, _Decode] = {name: _hot_decoder(struct) for name, struct in HOT.items()}
_by_mark: dict[bytes, _Decode] = {name.encode(): decode for name, decode in _hot.items()}


def _payload_to_raw(value: object) -> msgspec.Raw:
    if isinstance(value, BaseModel):
        return msgspec.Raw(value.model_dump_json().encode())
    raise TypeError(f"{type(value).__name__} has no place in an event")


_encoder = msgspec.json.Encoder(enc_hook=_payload_to_raw)


def encode(event: StandardEvent[Any]) -> bytes:
    """Return the JSON bytes of `event`."""
    return _encoder.encode(event)


def decode(raw: bytes) -> StandardEvent[Any]:
    """Return the event in `raw`, its data in the newest version of its type.

    Raises
    ------
    DecodeError
        If `raw` is too long, is not JSON, or does not fit its declared type.
    UnknownEventError
        If this build knows no such type, or only older versions of it.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise DecodeError(f"{len(raw)} bytes are more than an event may have")
    try:
        return _guessed(raw) or _decode(raw)
    except (msgspec.MsgspecError, ValidationError, UnicodeDecodeError, RecursionError) as e:
        raise DecodeError(_first_line(e)) from e


def known(raw: bytes) -> bool:
    """Tell whether this build can decode `raw`: how dead letters find out that they may return."""
    try:
        decode(raw)
    except DataError:
        return False
    return True


def _guessed(raw: bytes) -> StandardEvent[Any] | None:
    """Decode a hot event without reading its header first; None if that guess was wrong."""
    at = raw.find(b'"type":"', 0, _TYPE_WITHIN) + 8
    decode_hot = _by_mark.get(raw[at : raw.find(b'"', at)])
    if decode_hot is None:
        return None
    try:
        event = decode_hot(raw)
    except (msgspec.MsgspecError, DecodeError, UnicodeDecodeError, RecursionError):
        return None  # the header tells whether it is wrong, or of another version
    data = event.data
    right = event.version == data.event_version and event.type == data.event_type
    return event if right else None


def _decode(raw: bytes) -> StandardEvent[Any]:
    header = _header.decode(raw)
    schema = SCHEMA_OF.get(header.type)
    if schema is None or header.version > schema.event_version:
        raise UnknownEventError(f"no {header.type!r} version {header.version} in this build")
    if header.version == schema.event_version and header.type in _hot:
        return _hot[header.type](raw)
    return _judged(raw, schema)


def _judged(raw: bytes, schema: type[Payload]) -> StandardEvent[Any]:
    """Decode by the published schema, the definition of what is valid."""
    event = _raw_event.decode(raw)
    data = bytes(event.data)
    for version in range(event.version, schema.event_version):
        data = UPCASTS[event.type, version](data)
    payload: Any = schema.model_validate_json(data, extra="ignore")
    if event.type in HOT:
        payload = msgspec.json.decode(payload.model_dump_json(), type=HOT[event.type])
    return msgspec.structs.replace(event, data=payload, version=schema.event_version)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).partition("\n")[0] or type(error).__name__
