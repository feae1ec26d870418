"""Events to JSON bytes and back."""

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError

from shared_events.envelope import Payload, StandardEvent
from shared_events.errors import DataError, DecodeError, UnknownEventError
from shared_events.payloads import HOT, SCHEMAS

MAX_EVENT_BYTES = 1 << 20
"""Longer messages are refused unread."""

UPCASTS: dict[tuple[str, int], Callable[[bytes], bytes]] = {}
"""Old ``(type, version)`` to the function that turns its data into the next version's."""


class _Header(msgspec.Struct):
    type: str
    version: int


_Decode = Callable[[bytes], StandardEvent[Any]]
_SCHEMA: dict[str, type[Payload]] = {schema.event_type: schema for schema in SCHEMAS}
_header = msgspec.json.Decoder(_Header)
_raw_event = msgspec.json.Decoder(StandardEvent[msgspec.Raw])
_hot: dict[str, _Decode] = {
    name: msgspec.json.Decoder(StandardEvent[struct]).decode  # type: ignore[valid-type]
    for name, struct in HOT.items()
}


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
        return _decode(raw)
    except (msgspec.MsgspecError, ValidationError, UnicodeDecodeError) as e:
        raise DecodeError(_first_line(e)) from e


def known(raw: bytes) -> bool:
    """Tell whether this build can decode `raw`: how dead letters find out that they may return."""
    try:
        decode(raw)
    except DataError:
        return False
    return True


def _decode(raw: bytes) -> StandardEvent[Any]:
    header = _header.decode(raw)
    schema = _SCHEMA.get(header.type)
    if schema is None or header.version > schema.event_version:
        raise UnknownEventError(f"no {header.type!r} version {header.version} in this build")
    if header.version == schema.event_version and header.type in _hot and not _doubtful(raw):
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


def _doubtful(raw: bytes) -> bool:
    """Tell whether `raw` may hold a number that msgspec takes and the schema refuses."""
    lower = raw.lower()
    return lower.count(b"nan") > lower.count(b"tenant") or b"inf" in lower or b"\\u" in raw


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]
