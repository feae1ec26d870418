"""What is published about the events is what the code accepts."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from shared_events.codec import decode, encode
from shared_events.envelope import Payload
from shared_events.errors import DecodeError
from shared_events.payloads import SCHEMAS
from shared_events.schemas import asyncapi, documents, json_schema, main
from shared_events.testing.factories import a_market_context, an_event, trader_positions

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"

every_payload = pytest.mark.parametrize("payload", SCHEMAS, ids=lambda payload: payload.event_type)
formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def validator(payload: type[Payload]) -> Draft202012Validator:
    return Draft202012Validator(json_schema(payload), format_checker=formats)


def golden(payload: type[Payload]) -> dict[str, Any]:
    name = f"{payload.event_type}.v{payload.event_version}.json"
    document: dict[str, Any] = json.loads((GOLDEN / name).read_text())
    return document


def is_read(document: Any) -> bool:
    try:
        decode(json.dumps(document).encode())
    except DecodeError:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside `value`."""
    inside = dict(enumerate(value)) if isinstance(value, list) else value
    for key, inner in inside.items() if isinstance(inside, dict) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(document: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return a copy in which `change` was made at `path`."""
    copy = json.loads(json.dumps(document))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return copy


# ── JSON Schemas ─────────────────────────────────────────────────────────────────────────────


@every_payload
def test_a_schema_is_one(payload: type[Payload]) -> None:
    Draft202012Validator.check_schema(json_schema(payload))


@every_payload
def test_a_real_event_fits_its_schema(payload: type[Payload]) -> None:
    again = json.loads(encode(decode(json.dumps(golden(payload)).encode())))

    validator(payload).validate(golden(payload))
    validator(payload).validate(again)


def test_events_with_nothing_optional_fit_their_schemas() -> None:
    positions, _, *_ = SCHEMAS
    context = next(schema for schema in SCHEMAS if schema.event_type == "market_contexts")

    validator(positions).validate(json.loads(encode(an_event(trader_positions()))))
    validator(context).validate(json.loads(encode(an_event(a_market_context()))))


@every_payload
def test_the_schema_requires_what_the_code_requires(payload: type[Payload]) -> None:
    for path in places(golden(payload)):
        if isinstance(path[-1], int):
            continue
        without = changed(golden(payload), path, lambda holder, key: holder.pop(key))

        assert validator(payload).is_valid(without) == is_read(without), path


@every_payload
@pytest.mark.parametrize("wrong", [None, "NaN", "Infinity", "", -1, True, [], {}], ids=repr)
def test_what_the_schema_allows_the_code_reads(payload: type[Payload], wrong: object) -> None:
    def put(holder: Any, key: Any) -> None:
        holder[key] = wrong

    for path in places(golden(payload)):
        spoilt = changed(golden(payload), path, put)

        if validator(payload).is_valid(spoilt):
            assert is_read(spoilt), path


class Weather(Payload):
    """Today's."""

    event_type = "weather"

    degrees: int
    """Celsius,
    in the shade.
    """
    wind: int | None = None
    """Metres a second."""
    clouds: int = 0


def test_a_string_below_a_field_becomes_its_description() -> None:
    fields = json_schema(Weather)["properties"]["data"]["properties"]

    assert fields["degrees"] == {"type": "integer", "description": "Celsius, in the shade."}
    assert fields["wind"]["description"] == "Metres a second."
    assert "description" not in fields["clouds"]


@every_payload
def test_a_field_a_later_version_may_add_fits(payload: type[Payload]) -> None:
    document = golden(payload)
    document["data"]["added_later"] = 1

    validator(payload).validate(document | {"added_later": 1})


@every_payload
def test_another_type_or_version_does_not_fit(payload: type[Payload]) -> None:
    assert not validator(payload).is_valid(golden(payload) | {"type": "other"})
    assert not validator(payload).is_valid(golden(payload) | {"version": 99})


# ── the files ────────────────────────────────────────────────────────────────────────────────


def test_the_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--into", str(ROOT / "docs/reference")]) == 0, capsys.readouterr().out


def test_check_names_stale_and_missing_files_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = ["--into", str(tmp_path)]
    assert main(into) == 0
    assert main([*into, "--check"]) == 0
    stale, missing = tmp_path / "events.md", tmp_path / "schemas" / "signals.v1.json"
    stale.write_text("old")
    missing.unlink()
    capsys.readouterr()

    assert main([*into, "--check"]) == 1

    assert sorted(capsys.readouterr().out.splitlines()) == [f"stale: {stale}", f"stale: {missing}"]
    assert stale.read_text() == "old"
    assert not missing.exists()


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document, files = asyncapi(), documents()

    for path in places(document):
        if path[-1] != "$ref":
            continue
        target = at(document, path)
        if target.startswith("./"):
            assert target.removeprefix("./") in files
        else:
            assert at(document, tuple(target.removeprefix("#/").split("/")))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


@every_payload
def test_a_channel_is_a_redis_stream_with_its_dead_letters(payload: type[Payload]) -> None:
    channel = asyncapi()["channels"][payload.event_type]

    assert channel["address"] == channel["x-redis-stream"]["key"] == f"events:{payload.event_type}"
    assert channel["x-redis-stream"]["deadLetters"] == f"events:{payload.event_type}:dead"


@every_payload
def test_the_page_has_every_field_of_every_event(payload: type[Payload]) -> None:
    _, _, rest = documents()["events.md"].partition(f"## {payload.event_type}\n")
    section = rest.partition("\n## ")[0]

    for field in payload.model_fields:
        assert f"| `{field}` |" in section
