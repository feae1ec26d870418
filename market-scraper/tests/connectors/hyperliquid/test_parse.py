"""Parsers against what the venue really sent, and against everything else."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.parse import (
    parse_ack,
    parse_active_context,
    parse_all_contexts,
    parse_candle,
    parse_candles,
    parse_contexts,
    parse_frame,
    parse_leaderboard,
    parse_meta,
    parse_role,
    parse_state,
    parse_trades,
    parse_user_state,
    parse_user_states,
)
from market_scraper.errors import WireFormatError
from market_scraper.moments import moment
from shared_events.testing.factories import NOON

BUYER, SELLER = "0x" + "b" * 40, "0x" + "5" * 40
TRADE = {
    "coin": "BTC",
    "side": "B",
    "px": "84134.0",
    "sz": "0.002",
    "time": 1790231124365,
    "hash": "0xca6d83e6e85314fccbe7044515fdc602024700cc835633ce6e362f39a756eee7",
    "tid": 206823745374058,
    "users": [BUYER, SELLER],
}


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_a_trade_names_the_buyer_first_and_the_aggressor_by_its_side() -> None:
    [trade] = parse_trades(raw([TRADE]))

    assert (trade.buyer, trade.seller, trade.buyer_is_taker) == (BUYER, SELLER, True)
    assert (trade.price, trade.size, trade.twap) == (Decimal("84134.0"), Decimal("0.002"), False)


def test_a_trade_without_a_transaction_is_a_slice_of_a_twap() -> None:
    [trade] = parse_trades(raw([TRADE | {"hash": "0x" + "0" * 64}]))

    assert trade.twap


def test_addresses_are_lower_case() -> None:
    [trade] = parse_trades(raw([TRADE | {"users": [BUYER.upper().replace("X", "x"), SELLER]}]))

    assert trade.buyer == BUYER


@pytest.mark.parametrize(
    "wrong",
    [
        {"px": "NaN"},
        {"px": "Infinity"},
        {"px": "0.0"},
        {"sz": "-1"},
        {"sz": "1e400"},
        {"users": [BUYER]},
        {"users": [BUYER, "0xseller"]},
        {"side": "C"},
        {"coin": ""},
        {"time": -1},
        {"tid": "1"},
    ],
)
def test_a_trade_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WireFormatError):
        parse_trades(raw([TRADE | wrong]))


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'{"time":1}'])
def test_an_answer_that_is_no_state_is_never_an_empty_book(body: bytes) -> None:
    with pytest.raises(WireFormatError):
        parse_state(body)


PARSERS: list[Callable[[bytes], Any]] = [
    parse_ack,
    parse_meta,
    parse_role,
    parse_state,
    parse_trades,
    parse_user_state,
    parse_user_states,
    lambda body: parse_active_context(body, NOON),
    lambda body: parse_all_contexts(body, {}, NOON),
    lambda body: parse_candle(body, NOON, "rest"),
    lambda body: parse_candles(body, NOON, "rest"),
    lambda body: parse_contexts(body, NOON),
    lambda body: list(parse_leaderboard(body)),
]


@pytest.mark.parametrize("parse", PARSERS)
@given(body=st.binary() | st.text().map(str.encode) | st.just(b"null") | st.just(b"[1]"))
def test_anything_else_is_a_wire_format_error(parse: Callable[[bytes], Any], body: bytes) -> None:
    try:
        parse(body)
    except WireFormatError:
        return
    assert body.strip() in {b"[]", b"{}"}


def test_a_candle_is_final_once_its_time_is_over() -> None:
    candle = {
        "t": 0,
        "s": "BTC",
        "i": "1h",
        "o": "1",
        "c": "2",
        "h": "3",
        "l": "1",
        "v": "9",
        "n": 4,
    }
    end = moment(3_600_000)

    during = parse_candle(raw(candle), end - timedelta(seconds=1), "websocket")
    after = parse_candle(raw(candle), end, "rest")

    assert (during.closed, after.closed) == (False, True)
    assert after.close_time == end
    assert after.high == 3


def test_a_leaderboard_row_keeps_unknown_windows_out() -> None:
    made = {"pnl": "1.5", "roi": "0.1", "vlm": "20.0"}
    row = {
        "ethAddress": BUYER,
        "accountValue": "100.0",
        "windowPerformances": [["day", made], ["century", made]],
        "displayName": "猫" * 200,
    }

    [standing] = parse_leaderboard(raw({"leaderboardRows": [row]}))

    assert list(standing.results) == ["day"]
    assert standing.display_name == "猫" * 100


def frames(recordings: Path, name: str) -> list[dict[str, Any]]:
    lines = (recordings / "hyperliquid" / "recorded_frames" / name).read_text().splitlines()
    return [json.loads(line) for line in lines]


def cassette(recordings: Path, name: str) -> bytes:
    path = recordings / "hyperliquid" / "rest_cassettes" / name
    return raw(json.loads(path.read_bytes())["response"])


@pytest.mark.data
def test_fifty_recorded_trades_are_read(recordings: Path) -> None:
    rows = frames(recordings, "praanaavvv_ws_trades_BTC_2026-09-24.jsonl")

    trades = parse_trades(raw(rows))

    assert len(trades) == 50
    assert sum(trade.twap for trade in trades) == 17
    assert [trade.ms for trade in trades] == sorted(trade.ms for trade in trades)


@pytest.mark.data
def test_a_state_of_2023_without_later_fields_is_read(recordings: Path) -> None:
    state = parse_state(
        cassette(recordings, "test_get_user_state_0_clearinghouseState.json").replace(
            b'"withdrawable"', b'"time": 1679940322000, "withdrawable"'
        )
    )

    assert len(state.holdings) == 12
    bitcoin = state.holdings["BTC"]
    assert bitcoin.size == Decimal("-0.00785")
    assert bitcoin.leverage == 20
    assert bitcoin.mark is not None
    assert abs(bitcoin.mark * abs(bitcoin.size) - Decimal("211.64542")) < Decimal("1e-6")
    assert state.holdings["ETH"].liquidation_price is None


@pytest.mark.data
def test_every_recorded_frame_of_2026_is_read_or_refused(recordings: Path) -> None:
    read = {"trades": 0, "clearinghouseState": 0, "candle": 0, "activeAssetCtx": 0}
    for line in frames(recordings, "gocryptotrader_fork_2026-10-06.jsonl"):
        if line["kind"] != "ws":
            continue
        frame = parse_frame(line["raw"])
        data = bytes(frame.data) if frame.data else b""
        parsers: dict[str, Callable[[bytes], Any]] = {
            "trades": parse_trades,
            "clearinghouseState": parse_user_state,
            "candle": lambda body: parse_candle(body, NOON, "websocket"),
            "activeAssetCtx": lambda body: parse_active_context(body, NOON),
        }
        if frame.channel in parsers:
            assert parsers[frame.channel](data)
            read[frame.channel] += 1

    assert all(read.values())


@pytest.mark.data
def test_the_contexts_of_every_dex_are_read(recordings: Path) -> None:
    document = json.loads(
        (recordings / "hyperliquid/nautilus_frames/ws_all_dexs_asset_ctxs.json").read_bytes()
    )
    sizes = {dex: len(rows) for dex, rows in document["data"]["ctxs"]}
    universes = {
        dex: tuple(f"{dex}:{n}" if dex else f"C{n}" for n in range(size))
        for dex, size in sizes.items()
    }

    contexts = parse_all_contexts(raw(document["data"]), universes, NOON)

    assert len(contexts) == sum(sizes.values())
    assert {context.dex for context in contexts} == set(sizes)
    assert contexts[0].mark == Decimal("77562.0")


@pytest.mark.data
def test_recorded_candles_join_without_holes(recordings: Path) -> None:
    body = cassette(recordings, "test_get_candles_snapshot_1_candleSnapshot.json")

    candles = parse_candles(body, NOON, "rest")

    assert len(candles) == 24
    assert all(candle.closed and candle.coin == "kPEPE" for candle in candles)
    assert all(before.close_time == after.open_time for before, after in pairwise(candles))


@pytest.mark.data
def test_a_recorded_universe_and_a_recorded_role_are_read(recordings: Path) -> None:
    assets = parse_meta(cassette(recordings, "test_get_info_0_meta.json"))
    role = parse_role(cassette(recordings, "test_user_role_0_userRole.json"))

    assert assets[0].name == "BTC"
    assert not any(asset.delisted for asset in assets)
    assert (role.role, role.master) == ("vault", None)
