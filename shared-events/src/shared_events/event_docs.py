"""The events as a page for people, from the same schemas that machines get."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared_events.envelope import Payload
from shared_events.types import ADDRESS_PATTERN

Schema = Mapping[str, Any]

_INTRODUCTION = """\
# Events

Generated from the payloads by `python -m shared_events.schemas`; do not edit. The same as JSON
Schemas: [`schemas/`](schemas/), as AsyncAPI: [`asyncapi.json`](asyncapi.json). Words of the field
are in the [glossary](../glossary.md).

A *decimal* is a string such as `"-1.5"`, exact and finite. A *moment* is RFC 3339 with its offset.
A *fraction* is a decimal from 0 to 1. `null`, and a field that is absent, mean "not known", never
zero. Readers ignore fields they do not know.
"""
_ENVELOPE = {
    "id": "names the fact: the same fact has the same id, however often it is learned",
    "source": "who published it",
    "type": "one of the types below; its stream is `events:<type>`",
    "version": "of the type; grows when a change is more than a new optional field",
    "subject": "what the fact is about; first deliveries of one subject keep their order",
    "time": "when it happened at the venue",
    "recorded_at": "when we learned of it; a decision may use only what was recorded before it",
    "correlation_id": "the id of the event that began the chain this one belongs to",
    "causation_id": "the id of the event this one follows from",
    "tenant": "whose it is",
    "data": "the fact itself",
}
_TABLE = "| field | type | if absent | meaning |\n|---|---|---|---|"
_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z`])")
_ABSENT = {None: "unknown", "": "empty"}


def markdown(envelope: Schema, events: Sequence[tuple[type[Payload], Schema]]) -> str:
    """Return the page: the envelope, then every payload with its parts."""
    pieces = [_INTRODUCTION, "## The envelope\n", _table(envelope, _ENVELOPE)]
    pieces.append("| type | subject | told apart by |\n|---|---|---|")
    pieces.extend(
        f"| [`{payload.event_type}`](#{payload.event_type}) | {_property(payload, 'subject')} "
        f"| {_property(payload, 'identity')} |"
        for payload, _ in events
    )
    for payload, schema in events:
        pieces.extend(["", *_event(payload, schema)])
    return "\n".join(pieces).rstrip() + "\n"


def _event(payload: type[Payload], schema: Schema) -> Iterator[str]:
    data: Schema = schema["properties"]["data"]
    yield f"## {payload.event_type}\n"
    yield f"Version {payload.event_version}. {_described(_words(payload), data)}"
    for name, part in schema["$defs"].items():
        yield f"**{_title(name)}.** {_described(part.get('description', ''), part)}"


def _described(words: str, schema: Schema) -> str:
    """Return what is said of the whole, then the table of the fields.

    A sentence about a field that has no words of its own moves into the table.
    """
    summary, _, rest = words.strip().partition("\n\n")
    silent = [n for n, field in schema["properties"].items() if "description" not in field]
    sentences = _SENTENCE_END.split(" ".join(rest.split()))
    said = {name: " ".join(s for s in sentences if f"`{name}`" in s) for name in silent}
    general = [s for s in sentences if not any(f"`{name}`" in s for name in silent)]
    return "\n".join([_plain(" ".join([summary, *general])), "", _table(schema, said)])


def _table(schema: Schema, said: Mapping[str, str]) -> str:
    required = schema.get("required", ())
    rows = []
    for name, field in schema["properties"].items():
        absent = "required" if name in required else _absent(field)
        meaning = _plain(field.get("description") or said.get(name, ""))
        rows.append(f"| `{name}` | {_type(field)} | {absent} | {meaning} |")
    return "\n".join([_TABLE, *rows, ""])


def _absent(field: Schema) -> str:
    default = field.get("default", [])
    if isinstance(default, bool | int | float):
        return str(default).lower()
    return "none" if isinstance(default, list | dict) else _ABSENT.get(default, f"`{default}`")


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _title(schema["$ref"].rpartition("/")[2])
    if options := schema.get("anyOf"):
        return _type(next(option for option in options if option != {"type": "null"}))
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = {"array": _list, "object": _map, "string": _text, "integer": _number, "number": _number}
    kind = kinds.get(schema.get("type", ""))
    return kind(schema) if kind else schema.get("type", "the payload")


def _list(schema: Schema) -> str:
    if pair := schema.get("prefixItems"):
        return f"[{', '.join(map(_type, pair))}]"
    return f"list of {_type(schema['items'])}"


def _map(schema: Schema) -> str:
    keys = schema.get("propertyNames", {"type": "string"})
    return f"map from {_type(keys)} to {_type(schema['additionalProperties'])}"


def _text(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "moment"
    if schema.get("pattern") == ADDRESS_PATTERN:
        return "address"
    if "pattern" in schema:
        return _decimal(schema)
    longest = schema.get("maxLength")
    return f"text, at most {longest}" if longest else "text"


def _decimal(schema: Schema) -> str:
    bounds = (schema.get("x-minimum"), schema.get("x-maximum"))
    if bounds == ("0", "1"):
        return "fraction"
    return "decimal" if bounds == (None, None) else f"decimal from {bounds[0]} to {bounds[1]}"


def _number(schema: Schema) -> str:
    low, above, high = (schema.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f"{schema['type']} from {low:g} to {high:g}"
    if low is not None:
        return f"{schema['type']} ≥ {low:g}"
    return f"{schema['type']} > {above:g}" if above is not None else str(schema["type"])


def _title(name: str) -> str:
    return name.removesuffix("Schema")


def _words(described: Any) -> str:
    return described.__doc__ or ""


def _property(payload: type[Payload], name: str) -> str:
    return _plain(getattr(payload, name).__doc__ or "").removesuffix(".")


def _plain(text: str) -> str:
    """Return `text` on one line, its names in single backticks, as Markdown wants them."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")
