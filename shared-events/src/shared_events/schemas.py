"""The published form of the events: JSON Schemas, an AsyncAPI document and a page for people.

All three are generated from the payloads. Run `python -m shared_events.schemas` after changing
one; with `--check` it only names the files that are no longer current.
"""

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Sequence
from inspect import getsource
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared_events.envelope import Payload, StandardEvent
from shared_events.event_docs import markdown
from shared_events.payloads import SCHEMAS

DECIMAL_PATTERN = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORMAT = "application/schema+json;version=draft-2020-12"
_DEFAULT_FOLDER = Path("docs/reference")


class _Wire(GenerateJsonSchema):
    """Says what travels: decimals as strings, room for fields a newer version may add."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        bounds = {"ge": "x-minimum", "le": "x-maximum"}  # numbers alone have "minimum"
        said = {word: str(schema[name]) for name, word in bounds.items() if name in schema}  # type: ignore[literal-required]
        return {"type": "string", "pattern": DECIMAL_PATTERN, **said}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        described.pop("additionalProperties", None)
        for name, words in field_docs(schema["cls"]).items():
            described["properties"][name] |= {"description": words}
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - inherited name
        return False


def json_schema(payload: type[Payload]) -> dict[str, Any]:
    """Return the JSON Schema of the whole event that carries `payload`."""
    envelope = _envelope()
    data = payload.model_json_schema(schema_generator=_Wire)
    parts = data.pop("$defs", {})
    envelope["properties"] |= {
        "type": {"const": payload.event_type},
        "version": {"const": payload.event_version},
        "data": data,
    }
    return {
        "$schema": _DIALECT,
        "$id": f"{_name(payload)}.json",
        "title": payload.event_type,
        **envelope,
        "$defs": parts,
    }


def field_docs(payload: type[Any]) -> dict[str, str]:
    """Return what the strings below the fields of `payload` say, by field, on one line each."""
    (definition,) = ast.parse(dedent(getsource(payload))).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: " ".join(below.value.value.split())
        for field, below in pairwise(statements)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def asyncapi(payloads: Sequence[type[Payload]] = SCHEMAS) -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: one channel, one Redis stream, for each type."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Smart money events",
            "version": str(max(payload.event_version for payload in payloads)),
            "description": (
                "Events are JSON, in the field `event` of an entry of a Redis stream. Delivery is"
                " at least once: `id` names the fact, so doing it twice is harmless."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {"redis": {"host": "127.0.0.1:6379", "protocol": "redis"}},
        "channels": {payload.event_type: _channel(payload) for payload in payloads},
        "operations": dict(_operations(payloads)),
        "components": {"messages": {payload.event_type: _message(payload) for payload in payloads}},
    }


def documents() -> dict[str, str]:
    """Return every generated file's content by its path below the reference folder."""
    schemas = {f"schemas/{_name(payload)}.json": json_schema(payload) for payload in SCHEMAS}
    files = {path: _json(schema) for path, schema in schemas.items()}
    files["asyncapi.json"] = _json(asyncapi())
    files["events.md"] = markdown(_envelope(), list(zip(SCHEMAS, schemas.values(), strict=True)))
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or say which are stale; 1 if any is."""
    parser = argparse.ArgumentParser(prog="python -m shared_events.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name stale files")
    parser.add_argument("--into", type=Path, default=_DEFAULT_FOLDER, metavar="FOLDER")
    options = parser.parse_args(arguments)
    stale = [
        (options.into / path, content)
        for path, content in documents().items()
        if _content(options.into / path) != content
    ]
    for path, content in stale:
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{'stale' if options.check else 'wrote'}: {path}\n")
    return int(bool(stale) and options.check)


def _envelope() -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components([StandardEvent[Any]])
    (envelope,) = definitions.values()
    return {key: envelope[key] for key in ("type", "properties", "required")}


def _channel(payload: type[Payload]) -> dict[str, Any]:
    stream = f"events:{payload.event_type}"
    return {
        "address": stream,
        "description": _first_line(payload),
        "messages": {
            payload.event_type: {"$ref": f"#/components/messages/{payload.event_type}"},
        },
        "bindings": {"redis": {}},
        "x-redis-stream": {
            "key": stream,
            "field": "event",
            "deadLetters": f"{stream}:dead",
            "consumerGroups": "one for each service that reads",
        },
    }


def _message(payload: type[Payload]) -> dict[str, Any]:
    return {
        "name": payload.event_type,
        "title": payload.event_type,
        "summary": _first_line(payload),
        "contentType": "application/json",
        "payload": {
            "schemaFormat": _FORMAT,
            "schema": {"$ref": f"./schemas/{_name(payload)}.json"},
        },
    }


def _operations(payloads: Sequence[type[Payload]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for payload in payloads:
        for action, verb in (("send", "publish"), ("receive", "consume")):
            channel = {"$ref": f"#/channels/{payload.event_type}"}
            yield f"{verb}_{payload.event_type}", {"action": action, "channel": channel}


def _name(payload: type[Payload]) -> str:
    return f"{payload.event_type}.v{payload.event_version}"


def _first_line(payload: type[Payload]) -> str:
    return (payload.__doc__ or "").strip().splitlines()[0]


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
