from collections.abc import AsyncIterator, Sequence
from typing import Any, NoReturn

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.bus.memory import MemoryEventBus
from shared_events.codec import MAX_EVENT_BYTES, encode
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError
from shared_events.testing.factories import a_market_context, an_event, trader_positions
from signal_system.api.errors import RefusedError
from signal_system.api.intake import MAX_BODY_BYTES, MAX_EVENTS, messages_in
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings
from signal_system.api.web import build

PATH = "/api/v1/events"
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


def _books(count: int) -> list[StandardEvent[Any]]:
    return [an_event(trader_positions(sequence=number)) for number in range(count)]


async def _published(bus: MemoryEventBus, *types: str) -> list[StandardEvent[Any]]:
    async with bus.subscribe("test", types or ("trader_positions",)) as subscription:
        return [delivery.event for delivery in await subscription.batch()]


async def test_lines_of_events_reach_the_bus_in_order(
    api: httpx.AsyncClient, bus: MemoryEventBus
) -> None:
    books = _books(3)

    answer = await api.post(PATH, content=b"\n".join(map(encode, books)), headers=NDJSON)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 3, "rejected": []})
    assert await _published(bus) == books


async def test_an_array_and_a_single_event_are_read_too(
    api: httpx.AsyncClient, bus: MemoryEventBus
) -> None:
    first, second, third = _books(3)
    array = b"[" + encode(first) + b" ,\n" + encode(second) + b"]"
    indented = json.format(encode(third), indent=2)

    answers = [await api.post(PATH, content=body, headers=JSON) for body in (array, indented)]

    assert [answer.json()["accepted"] for answer in answers] == [2, 1]
    assert await _published(bus) == [first, second, third]


async def test_bad_events_are_named_and_stop_no_good_one(
    api: httpx.AsyncClient, bus: MemoryEventBus
) -> None:
    good = encode(an_event(a_market_context()))
    lines = [
        good,
        b'{"type": "candles"',
        b"null",
        good.replace(b'"version":1', b'"version":99'),
        good.replace(b'"market_contexts"', b'"moon_phases"'),
        good.replace(b'"100000"', b'"NaN"'),
        good.replace(b"}", b',"padding":"' + b"x" * MAX_EVENT_BYTES + b'"}', 1),
        good,
    ]

    answer = await api.post(PATH, content=b"\n".join(lines), headers=NDJSON)

    rejected = {each["index"]: each["reason"] for each in answer.json()["rejected"]}
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert sorted(rejected) == [1, 2, 3, 4, 5, 6]
    assert "version 99" in rejected[3]
    assert "moon_phases" in rejected[4]
    assert "mark" in rejected[5]
    assert "more than an event may have" in rejected[6]
    assert max(map(len, rejected.values())) <= 300
    assert len(await _published(bus, "market_contexts")) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\n ",
        b"[]",
        b"hello",
        b"hello\nworld",
        b"[1,",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"\x00",
    ],
)
async def test_a_body_in_which_nothing_can_be_read_is_refused(
    api: httpx.AsyncClient, body: bytes
) -> None:
    answer = await api.post(PATH, content=body, headers=NDJSON)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unreadable"
    assert "application/x-ndjson" in answer.json()["error"]["hint"]


async def test_json_that_is_no_event_is_set_aside_not_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATH, content=b'[1, {}, {"type": 3}]', headers=JSON)

    assert answer.status_code == 202
    assert [each["index"] for each in answer.json()["rejected"]] == [0, 1, 2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
        NDJSON | {"Content-Encoding": "gzip"},
    ],
)
async def test_what_a_foreign_web_page_could_send_unasked_is_not_read(
    api: httpx.AsyncClient, bus: MemoryEventBus, headers: dict[str, str]
) -> None:
    answer = await api.post(PATH, content=encode(an_event()), headers=headers)

    assert answer.status_code == 415
    assert await _published_nothing(bus)


async def _published_nothing(bus: MemoryEventBus) -> bool:
    async with bus.subscribe("test", ["trader_positions"]):
        return (await bus.lag("test"))["trader_positions"] == 0


async def test_a_body_that_says_it_is_too_long_is_refused_unread(api: httpx.AsyncClient) -> None:
    headers = NDJSON | {"Content-Length": str(MAX_BODY_BYTES + 1)}

    answer = await api.post(PATH, content=b"{}", headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", ""])
async def test_a_length_that_is_no_number_is_not_believed(app: FastAPI, length: str) -> None:
    body = encode(an_event())
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [*headers, (b"content-length", length.encode())],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)

    assert sent[0]["status"] == 202


async def test_an_endless_stream_is_cut_off(api: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * (1 << 20)

    answer = await api.post(PATH, content=endless(), headers=NDJSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_too_many_events_are_refused_together(
    api: httpx.AsyncClient, bus: MemoryEventBus
) -> None:
    answer = await api.post(PATH, content=b"{}\n" * (MAX_EVENTS + 1), headers=NDJSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many_events")


class _Away:
    async def publish(self, events: Sequence[StandardEvent[Any]]) -> NoReturn:
        raise BusUnavailableError("no answer from redis://:secret@box", retry_after=7.0)

    async def ping(self) -> NoReturn:
        raise BusUnavailableError("no answer")


async def test_while_the_bus_is_away_the_sender_is_told_when_to_come_back(
    read_model: MemoryReadModel,
) -> None:
    app = build(read_model, _Away(), OwnSettings())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
        answer = await api.post(PATH, content=encode(an_event()), headers=JSON)
        only_bad = await api.post(PATH, content=b"{}", headers=JSON)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "secret" not in answer.text
    assert only_bad.status_code == 202


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_body_breaks_the_splitting(body: bytes) -> None:
    try:
        count = len(messages_in(body))
    except RefusedError as refused:
        count, status = 0, refused.status
    else:
        status = 202

    assert (status, count > 0) in {(400, False), (202, True)}
    assert count <= MAX_EVENTS


@given(count=st.integers(min_value=1, max_value=20), array=st.booleans())
def test_as_many_messages_come_out_as_went_in(count: int, array: bool) -> None:  # noqa: FBT001
    raws = [encode(event) for event in _books(count)]

    body = b"[" + b",".join(raws) + b"]" if array else b"\r\n".join(raws) + b"\n"

    assert [message.strip() for message in messages_in(body)] == raws
