import httpx
import pytest
from msgspec import json
from pydantic import TypeAdapter

from shared_events.payloads import Signal, SignalSchema
from signal_system.api.schemas import SignalList, SignalPage, SignalRow
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.rows import Row, RowList


async def test_the_list_is_served_byte_for_byte(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    answer = await api.get("/api/v1/signals")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == read_model.rows()
    assert [(s["coin"], s["action"]) for s in answer.json()["signals"]] == [
        ("BTC", "BUY"),
        ("ETH", "SELL"),
    ]


async def test_a_row_keeps_the_promise_of_the_published_schema(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/signals")

    rows = SignalList.model_validate_json(answer.content).signals
    assert all(row.model_extra == {} for row in rows)
    assert len(answer.content) / len(rows) < 400


async def test_what_the_caller_has_already_is_not_sent_again(api: httpx.AsyncClient) -> None:
    first = await api.get("/api/v1/signals")

    again = await api.get("/api/v1/signals", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("tags", ["W/{}", '"other", {}', "*"])
async def test_every_form_of_if_none_match_is_understood(api: httpx.AsyncClient, tags: str) -> None:
    tag = (await api.get("/api/v1/signals/BTC")).headers["etag"]

    again = await api.get("/api/v1/signals/BTC", headers={"If-None-Match": tags.format(tag)})

    assert again.status_code == 304


async def test_a_new_signal_changes_the_tag(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    tag = (await api.get("/api/v1/signals")).headers["etag"]

    read_model.say(a_signal(action="SELL"))
    answer = await api.get("/api/v1/signals", headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert answer.json()["signals"][0]["action"] == "SELL"


async def test_the_list_can_be_cut_down_to_some_coins(api: httpx.AsyncClient) -> None:
    both = await api.get("/api/v1/signals", params={"coin": ["ETH", "BTC", "NONE"]})
    one = await api.get("/api/v1/signals", params={"coin": "ETH"})

    assert [s["coin"] for s in both.json()["signals"]] == ["BTC", "ETH"]
    assert [s["coin"] for s in one.json()["signals"]] == ["ETH"]
    assert both.json()["as_of"] == one.json()["as_of"]
    assert both.headers["etag"] != one.headers["etag"]


async def test_one_coin_is_the_whole_document_over_four_hours(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/signals/BTC")

    assert json.decode(answer.content, type=Signal) == a_signal()
    assert SignalSchema.model_validate_json(answer.content).horizon_seconds == 14_400


async def test_another_horizon_is_another_signal(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.say(a_signal(horizon_seconds=86_400, action="NEUTRAL"))

    answer = await api.get("/api/v1/signals/BTC?horizon=24h")

    assert answer.json()["action"] == "NEUTRAL"


async def test_an_unknown_coin_is_met_with_what_to_do(api: httpx.AsyncClient) -> None:
    near = await api.get("/api/v1/signals/btc")
    far = await api.get("/api/v1/signals/XYZZY")

    assert (near.status_code, far.status_code) == (404, 404)
    assert near.json()["error"] == {
        "code": "unknown_coin",
        "message": "There is no signal for 'btc'.",
        "hint": "Did you mean BTC? Names are case-sensitive; GET /api/v1/signals lists all 2.",
    }
    assert "lists all 2 coins" in far.json()["error"]["hint"]


async def test_before_the_first_signal_the_hint_points_at_the_start(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.said.clear()
    read_model.say()

    answer = await api.get("/api/v1/signals/BTC")

    assert "GET /api/v1/status" in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/signals/B%20C",
        "/api/v1/signals/" + "B" * 65,
        "/api/v1/signals/BTC?horizon=3h",
        "/api/v1/signals/BTC%0A",
        "/api/v1/signals/%3Cscript%3E",
        "/api/v1/signals?coin=" + "B" * 65,
        "/api/v1/signals?" + "&".join(["coin=A"] * 501),
        "/api/v1/signals/BTC/history?limit=1001",
        "/api/v1/signals/BTC/history?limit=0",
        "/api/v1/signals/BTC/history?before=-1",
        "/api/v1/signals/BTC/history?before=9223372036854775808",
        "/api/v1/signals/BTC/history?before=soon",
    ],
)
async def test_what_is_out_of_bounds_is_refused_with_a_reason(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = await api.get(path)

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("coin", ["kPEPE", "xyz:XYZ100", "@107", "A-B.C_d"])
async def test_every_wire_name_has_an_address(
    api: httpx.AsyncClient, read_model: MemoryReadModel, coin: str
) -> None:
    read_model.say(a_signal(coin=coin))

    assert (await api.get(f"/api/v1/signals/{coin}")).json()["coin"] == coin


async def test_following_next_yields_every_stored_signal_once_newest_first(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.say(*(a_signal(journal_position=position) for position in range(8, 15)))

    seen: list[int] = []
    path: str | None = "/api/v1/signals/BTC/history?limit=3"
    while path:
        answer = await api.get(path)
        page = SignalPage.model_validate_json(answer.content)
        seen += [signal.journal_position for signal in page.signals]
        assert answer.headers.get("link") == (f'<{page.next}>; rel="next"' if page.next else None)
        path = page.next

    assert seen == [14, 13, 12, 11, 10, 9, 8, 7]


async def test_the_history_of_an_unknown_coin_is_empty(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/signals/NONE/history")).json() == {"signals": [], "next": None}


def test_the_row_schema_names_only_fields_of_the_signal() -> None:
    derived = {"failed_gate"}

    assert set(SignalRow.model_fields) - derived <= set(SignalSchema.model_fields)
    assert TypeAdapter(SignalRow).json_schema()["required"]


def test_the_rows_the_service_keeps_are_the_rows_the_reference_describes() -> None:
    assert set(Row.__struct_fields__) == set(SignalRow.model_fields)
    assert set(RowList.__struct_fields__) == set(SignalList.model_fields)
