"""Every version of every event that was ever published stays readable, with the same meaning."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from shared_events.codec import decode, encode
from shared_events.envelope import Payload, event_id
from shared_events.payloads import HOT, SCHEMAS

GOLDEN = Path(__file__).parent / "golden"
CURRENT = {f"{schema.event_type}.v{schema.event_version}": schema for schema in SCHEMAS}

every_file = pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem
)
every_current = pytest.mark.parametrize(("name", "schema"), CURRENT.items(), ids=list(CURRENT))


def golden(name: str) -> tuple[bytes, dict[str, Any]]:
    """Return the event as it travelled, and parsed."""
    raw = (GOLDEN / f"{name}.json").read_bytes()
    return raw, json.loads(raw)


def fields_left_out(value: Any, where: str) -> list[str]:
    """Return the paths in `value`, a payload or a part of one, that hold nothing."""
    if isinstance(value, tuple | dict):
        inner = value.values() if isinstance(value, dict) else value
        nested = [p for i, item in enumerate(inner) for p in fields_left_out(item, f"{where}.{i}")]
        return nested if value else [where]
    if isinstance(value, BaseModel):
        names = list(type(value).model_fields)
    elif isinstance(value, msgspec.Struct):
        names = list(value.__struct_fields__)
    else:
        return [where] if value is None or value == "" else []
    return [p for n in names for p in fields_left_out(getattr(value, n), f"{where}.{n}")]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.event_type)
def test_every_version_has_a_golden_file(schema: type[Payload]) -> None:
    published = {path.stem for path in GOLDEN.glob(f"{schema.event_type}.v*.json")}

    assert published == {f"{schema.event_type}.v{n + 1}" for n in range(schema.event_version)}


@every_file
def test_a_golden_event_is_read_as_the_newest_version_of_its_type(path: Path) -> None:
    raw, published = golden(path.stem)

    event = decode(raw)

    schema = next(schema for schema in SCHEMAS if schema.event_type == published["type"])
    assert event.version == schema.event_version
    assert type(event.data) is HOT.get(event.type, schema)


@every_current
def test_what_is_read_says_the_same_when_written_again(name: str, schema: type[Payload]) -> None:
    raw, published = golden(name)

    assert json.loads(encode(decode(raw))) == published


@every_current
def test_a_golden_event_sets_every_field_there_is(name: str, schema: type[Payload]) -> None:
    assert fields_left_out(decode(golden(name)[0]).data, name) == []


@every_file
def test_a_fact_keeps_its_id_and_subject_for_ever(path: Path) -> None:
    raw, published = golden(path.stem)

    event = decode(raw)

    assert event_id(event.data, event.tenant) == published["id"]
    assert event.data.subject == published["subject"]


@every_current
def test_readers_ignore_fields_that_a_later_version_may_add(
    name: str, schema: type[Payload]
) -> None:
    raw, published = golden(name)
    later = {**published, "new": 1, "data": {**published["data"], "new": {"deep": [1]}}}

    assert decode(json.dumps(later).encode()) == decode(raw)
