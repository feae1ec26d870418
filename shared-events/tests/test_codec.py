import json
from decimal import Decimal
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import BaseModel, ValidationError

from shared_events import codec
from shared_events.codec import MAX_EVENT_BYTES, decode, decoder_of, encode, known
from shared_events.envelope import Payload, StandardEvent
from shared_events.errors import DataError, DecodeError, UnknownEventError
from shared_events.finite import finite_check
from shared_events.payloads import HOT, SCHEMAS, PositionChange, TradeFlow
from shared_events.testing.factories import (
    NOON,
    a_market_context,
    a_position,
    an_event,
    trader_positions,
)
from shared_events.testing.strategies import payloads

every_type = pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.event_type)
every_hot_type = pytest.mark.parametrize("name", HOT)

_SCHEMA = {schema.event_type: schema for schema in SCHEMAS}


def rewritten(raw: bytes, **changes: Any) -> bytes:
    """Return the event in `raw` with these fields of its envelope changed."""
    return json.dumps(json.loads(raw) | changes).encode()


def with_data(raw: bytes, **changes: Any) -> bytes:
    """Return the event in `raw` with these fields of its data changed."""
    return rewritten(raw, data=json.loads(raw)["data"] | changes)


# ── There and back ───────────────────────────────────────────────────────────────────────────


@every_type
@settings(max_examples=20)
@given(st.data())
def test_every_event_survives_the_journey(schema: type[Payload], data: st.DataObject) -> None:
    event = an_event(data.draw(payloads(schema)))

    assert decode(encode(event)) == event


@every_type
@settings(max_examples=10)
@given(st.data())
def test_a_decoder_told_what_to_expect_gives_the_same(
    schema: type[Payload], data: st.DataObject
) -> None:
    raw = encode(an_event(data.draw(payloads(schema))))

    for other in SCHEMAS:
        assert decoder_of(other.event_type)(raw) == decode(raw)


@every_type
@settings(max_examples=10)
@given(st.data())
def test_the_order_of_fields_and_white_space_mean_nothing(
    schema: type[Payload], data: st.DataObject
) -> None:
    raw = encode(an_event(data.draw(payloads(schema))))
    backwards = dict(reversed(json.loads(raw).items()))

    assert decode(json.dumps(backwards, indent=3, ensure_ascii=True).encode()) == decode(raw)


def test_a_type_named_elsewhere_in_the_message_misleads_nobody() -> None:
    event = an_event()
    decoy = {"junk": {"type": "signals", "version": 9}, **json.loads(encode(event))}

    assert decode(json.dumps(decoy, separators=(",", ":")).encode()) == event
    assert decoder_of("signals")(encode(event)) == event


# ── Structs and schemas ──────────────────────────────────────────────────────────────────────


def pairs(struct: Any, schema: type[BaseModel]) -> list[tuple[Any, type[BaseModel]]]:
    """Return a hot struct with its schema, and so for everything inside."""
    found = [(struct, schema)]
    hints = get_type_hints(struct)
    for name, field in schema.model_fields.items():
        for part, inner in zip(structs_in(hints[name]), models_in(field.annotation), strict=True):
            found += pairs(part, inner)
    return found


def models_in(hint: Any) -> list[type[BaseModel]]:
    return [kind for kind in leaves(hint) if issubclass(kind, BaseModel)]


def structs_in(hint: Any) -> list[Any]:
    return [kind for kind in leaves(hint) if issubclass(kind, msgspec.Struct)]


def leaves(hint: Any) -> list[type]:
    args = getattr(hint, "__args__", ())
    if args:
        return [leaf for arg in args for leaf in leaves(arg)]
    return [hint] if isinstance(hint, type) else []


ALL_PAIRS = [pair for name in HOT for pair in pairs(HOT[name], _SCHEMA[name])]


@pytest.mark.parametrize(("struct", "schema"), ALL_PAIRS, ids=lambda kind: kind.__name__)
def test_a_struct_has_the_fields_of_its_schema(struct: Any, schema: type[BaseModel]) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(struct)}

    assert set(fields) == set(schema.model_fields)
    for name, field in schema.model_fields.items():
        assert fields[name].required == field.is_required(), name
        if not field.is_required() and not models_in(field.annotation):
            default = fields[name].default
            if default is msgspec.NODEFAULT:
                default = fields[name].default_factory()
            assert default == field.get_default(call_default_factory=True), name


@every_hot_type
@settings(max_examples=30)
@given(st.data())
def test_what_a_struct_writes_its_schema_reads_and_the_other_way(
    name: str, data: st.DataObject
) -> None:
    fact = data.draw(payloads(_SCHEMA[name]))

    by_schema = _SCHEMA[name].model_validate_json(msgspec.json.encode(fact))

    assert msgspec.json.decode(by_schema.model_dump_json(), type=HOT[name]) == fact
    assert (by_schema.subject, by_schema.identity) == (fact.subject, fact.identity)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-5, 5, width=16)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@every_hot_type
@settings(max_examples=80)
@given(st.data())
def test_a_struct_takes_nothing_its_schema_refuses(name: str, data: st.DataObject) -> None:
    """One field is overwritten with junk.

    Two things are known to pass, for msgspec has no bounds for decimals: a share outside [0, 1],
    and a number of more than 60 digits.
    """
    document = json.loads(msgspec.json.encode(data.draw(payloads(_SCHEMA[name]))))
    field = data.draw(st.sampled_from(sorted(set(_SCHEMA[name].model_fields) - {"tracked_share"})))
    document[field] = data.draw(junk)

    try:
        msgspec.json.decode(json.dumps(document), type=HOT[name])
    except msgspec.ValidationError:
        return
    _SCHEMA[name].model_validate_json(json.dumps(document), extra="ignore")


# ── Unknown fields ───────────────────────────────────────────────────────────────────────────


@every_type
@settings(max_examples=10)
@given(st.data())
def test_decoding_ignores_unknown_fields(schema: type[Payload], data: st.DataObject) -> None:
    event = an_event(data.draw(payloads(schema)))
    raw = rewritten(with_data(encode(event), added_later={"a": [1]}), added_later=True)

    assert decode(raw) == event


def test_decoding_ignores_unknown_fields_inside_parts() -> None:
    event = an_event()
    document = json.loads(encode(event))
    document["data"]["positions"][0]["added_later"] = 1

    assert decode(json.dumps(document).encode()) == event


def test_building_forbids_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        a_market_context(typo=1)
    with pytest.raises(TypeError):
        trader_positions(typo=1)


# ── Numbers that are none ────────────────────────────────────────────────────────────────────


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """Return a spelling of NaN or Infinity that `Decimal` understands."""
    word = draw(st.sampled_from(["nan", "snan", "inf", "infinity"]))
    letters = [draw(st.sampled_from([c, c.upper(), f"{c}_", f"_{c}"])) for c in word]
    digits = draw(st.sampled_from(["", "7", "007"])) if word.endswith("nan") else ""
    space = st.sampled_from(["", " ", "\t", "\n", "\u00a0"])
    sign = draw(st.sampled_from(["", "-", "+"]))
    return draw(space) + sign + "".join(letters) + digits + draw(space)


def decimal_fields() -> list[tuple[str, list[str | int]]]:
    """Return every place of a decimal in the hot types: the type, and the path to it."""
    found: list[tuple[str, list[str | int]]] = []
    for name, struct in HOT.items():
        for field, hint in get_type_hints(struct).items():
            if Decimal in leaves(hint):
                found.append((name, [field]))
            for part in structs_in(hint):
                inner = [f for f, h in get_type_hints(part).items() if Decimal in leaves(h)]
                found += [(name, [field, 0, f]) for f in inner]
    return found


def a_full_document(name: str) -> dict[str, Any]:
    """Return the golden kind of event: every list has one element."""
    change = PositionChange(
        coin="BTC", kind="open", size_before=Decimal(0), size_after=Decimal(1), cause="trade"
    )
    books = trader_positions(positions=(a_position(),), changes=(change,))
    flow = TradeFlow(
        coin="BTC", second=NOON, buy_volume=Decimal(1), sell_volume=Decimal(1), trades=1
    )
    facts = {"trader_positions": books, "trade_flow": flow, "signals": a_signal()}
    document: dict[str, Any] = json.loads(encode(an_event(facts[name])))
    return document


def a_signal() -> Any:
    contribution = {"address": f"0x{1:040x}", "weight": 1, "exposure": "1", "effect": 1}
    return msgspec.convert(
        {
            "coin": "BTC",
            "horizon_seconds": 14_400,
            "action": "BUY",
            "score": 0.5,
            "probability_up": 0.5,
            "confidence": 0.5,
            "calibrated": False,
            "status": "LIVE",
            "as_of": NOON,
            "valid_until": NOON,
            "freshness_limit_seconds": 60,
            "voters": 1,
            "independent_voters": 1,
            "independence_method": "heads",
            "scheme": "score/100",
            "arm": "baseline",
            "config_hash": "",
            "journal_position": 1,
            "prev_hash": "",
            "hash": "",
            "contributions_for": [contribution],
            "contributions_against": [contribution],
        },
        HOT["signals"],
    )


def put(document: dict[str, Any], path: list[str | int], value: Any) -> None:
    here: Any = document["data"]
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value


@pytest.mark.parametrize(("name", "path"), decimal_fields(), ids=str)
@settings(max_examples=20)
@given(spelling=spelled(), escaped=st.sampled_from([True, False]))
def test_no_hot_number_may_be_infinite_or_none(
    name: str,
    path: list[str | int],
    spelling: str,
    *,
    escaped: bool,
) -> None:
    document = a_full_document(name)
    put(document, path, spelling)
    raw = json.dumps(document, ensure_ascii=escaped, separators=(",", ":")).encode()

    with pytest.raises(DecodeError):
        decode(raw)
    with pytest.raises(DecodeError):
        decoder_of(name)(raw)


@pytest.mark.parametrize(("name", "path"), decimal_fields(), ids=str)
@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b'"\\u004e\\u0061N"'])
def test_no_literal_or_escape_gets_a_hot_number_past(
    name: str, path: list[str | int], literal: bytes
) -> None:
    document = a_full_document(name)
    put(document, path, "PLACE")

    with pytest.raises(DecodeError):
        decode(json.dumps(document, separators=(",", ":")).encode().replace(b'"PLACE"', literal))


@settings(max_examples=30)
@given(spelled())
def test_no_cold_number_may_be_infinite_or_none(spelling: str) -> None:
    with pytest.raises(DecodeError):
        decode(with_data(encode(an_event(a_market_context())), mark=spelling))


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"NaN"'])
@pytest.mark.parametrize("field", ["score", "probability_up", "freshness_limit_seconds"])
def test_no_float_may_be_infinite_or_none(literal: bytes, field: str) -> None:
    raw = with_data(encode(an_event(a_signal())), **{field: "PLACE"})

    with pytest.raises(DecodeError):
        decode(raw.replace(b'"PLACE"', literal))


@pytest.mark.parametrize(("name", "path"), decimal_fields(), ids=str)
@pytest.mark.parametrize("bomb", ["1e999999999", "-1e-999999999", "0e-999999999", "1e61"])
def test_no_hot_number_takes_more_digits_than_any_quantity_has(
    name: str, path: list[str | int], bomb: str
) -> None:
    document = a_full_document(name)
    put(document, path, bomb)
    raw = json.dumps(document, separators=(",", ":")).encode()

    for read in (decode, decoder_of(name)):
        with pytest.raises(DecodeError):
            read(raw)


def test_a_coin_may_be_called_nan() -> None:
    event = an_event(trader_positions(positions=(a_position(coin="NaN"), a_position(coin="INF"))))

    assert decode(encode(event)) == event


def test_decimals_where_nobody_would_look_are_noticed() -> None:
    class Deep(msgspec.Struct):
        number: Decimal

    class Middle(msgspec.Struct):
        deep: Deep

    class Top(msgspec.Struct):
        middle: tuple[Middle, ...]

    with pytest.raises(TypeError, match="Middle"):
        finite_check(Top)


# ── What is no event ─────────────────────────────────────────────────────────────────────────


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | junk.map(json.dumps).map(str.encode)
)
def test_anything_else_is_a_matter_of_data(raw: bytes) -> None:
    with pytest.raises(DataError):
        decode(raw)


@every_type
@settings(max_examples=25)
@given(st.data())
def test_a_damaged_event_is_refused_or_still_an_event(
    schema: type[Payload], data: st.DataObject
) -> None:
    raw = bytearray(encode(an_event(data.draw(payloads(schema)))))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

    try:
        event = decode(bytes(raw))
    except DataError:
        return
    assert isinstance(event, StandardEvent)


@pytest.mark.parametrize("cut", [1, 10, 100, 300])
def test_an_event_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(DecodeError):
        decode(encode(an_event())[:-cut])


def test_a_huge_message_is_refused_unread() -> None:
    with pytest.raises(DecodeError, match="bytes"):
        decode(b"x" * (MAX_EVENT_BYTES + 1))
    with pytest.raises(DecodeError, match="bytes"):
        decoder_of("trader_positions")(b"x" * (MAX_EVENT_BYTES + 1))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_bottomless_nesting_is_refused(opening: bytes) -> None:
    raw = encode(an_event())
    nested = raw[:-1] + b',"junk":' + opening * 100_000 + b"}"

    with pytest.raises(DecodeError):
        decode(nested)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": 7},
        {"version": "1"},
        {"version": 0},
        {"version": -1},
        {"version": 1.5},
        {"time": "yesterday"},
        {"time": "2026-01-01T12:00:00"},
        {"recorded_at": None},
        {"subject": ""},
        {"subject": "x" * 201},
        {"id": ""},
        {"data": None},
        {"data": []},
    ],
    ids=str,
)
@pytest.mark.parametrize("fact", [trader_positions(), a_market_context()], ids=["hot", "cold"])
def test_a_wrong_envelope_is_refused(changes: dict[str, Any], fact: Any) -> None:
    with pytest.raises(DecodeError):
        decode(rewritten(encode(an_event(fact)), **changes))


def test_the_reason_names_the_field_and_not_the_value() -> None:
    with pytest.raises(DecodeError, match="mark") as caught:
        decode(with_data(encode(an_event(a_market_context())), mark="secret"))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"type": "dreams"}, {"version": 2}, {"version": 10**12}], ids=str
)
@pytest.mark.parametrize("fact", [trader_positions(), a_market_context()], ids=["hot", "cold"])
def test_an_unknown_type_or_version_may_be_known_later(changes: dict[str, Any], fact: Any) -> None:
    raw = rewritten(encode(an_event(fact)), **changes, data={"of": "another shape"})

    with pytest.raises(UnknownEventError, match="in this build"):
        decode(raw)
    assert not known(raw)


@pytest.mark.parametrize("name", ["trader_positions", "market_contexts"])
def test_an_old_version_is_brought_up_to_date(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 said ``price`` where version 2 says ``mark``."""

    def upcast(data: bytes) -> bytes:
        return data.replace(b'"price"', b'"mark"')

    new = an_event(
        trader_positions(positions=(a_position(mark=Decimal(7)),))
        if name == "trader_positions"
        else a_market_context(mark=Decimal(7))
    )
    old = encode(new).replace(b'"mark"', b'"price"')
    for kind in (_SCHEMA[name], HOT.get(name)):
        if kind is not None:
            monkeypatch.setattr(kind, "event_version", 2)
    monkeypatch.setitem(codec.UPCASTS, (name, 1), upcast)

    assert decode(old) == msgspec.structs.replace(new, version=2)
    assert known(old)


@given(st.integers(-40, 40))
def test_no_hot_number_travels_with_an_exponent(exponent: int) -> None:
    number = Decimal(7).scaleb(exponent)
    sent = an_event(trader_positions(positions=(a_position(size=number),)))

    raw = encode(sent)

    assert json.loads(raw)["data"]["positions"][0]["size"] == format(number, "f")
    assert decode(raw) == sent


def test_encoding_refuses_what_is_no_fact() -> None:
    with pytest.raises(TypeError):
        encode(an_event(trader_positions(positions=(object(),))))
