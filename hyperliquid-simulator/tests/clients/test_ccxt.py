"""ccxt.pro, unmodified and pointed at a venue by its URLs, works as it does against Hyperliquid."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from ccxt import (  # type: ignore[import-untyped] # ccxt carries no types
    ExchangeError,
    NetworkError,
    RateLimitExceeded,
)
from ccxt.pro import hyperliquid  # type: ignore[import-untyped] # as above

from hyperliquid_simulator.app import running
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.world import World

BTC, GOLD, SPOT = "BTC/USDC:USDC", "XYZ-GOLD/USDC:USDC", "HYPE/USDC"


@pytest.fixture
def user(world: World) -> str:
    return world.population.planted(0)[0].address


@pytest.fixture
async def present(config: Config) -> AsyncIterator[str]:
    """A busy venue in the present, where ccxt looks for the last candles and payments."""
    async with running(replace(config, start=None, orders_per_second=300.0)) as base_url:
        yield base_url


@pytest.fixture
async def exchange(present: str, user: str) -> AsyncIterator[Any]:
    client = connected(present, user)
    yield client
    await client.close()


def connected(base_url: str, user: str) -> Any:
    sockets = base_url.replace("http", "ws") + "/ws"
    api = {"public": base_url, "private": base_url, "ws": {"public": sockets}}
    return hyperliquid({"walletAddress": user, "enableRateLimit": False, "urls": {"api": api}})


# ── REST ─────────────────────────────────────────────────────────────────────────────────────


async def test_it_loads_the_markets(exchange: Any) -> None:
    markets = await exchange.load_markets()

    assert BTC in markets
    assert markets[BTC]["swap"]
    assert markets[BTC]["precision"]["amount"] == 0.00001
    assert markets[BTC]["limits"]["leverage"]["max"] == 40


async def test_it_loads_spot_pairs_and_the_markets_of_builders(exchange: Any) -> None:
    markets = await exchange.load_markets()

    hype, gold = markets["HYPE/USDC"], markets["XYZ-GOLD/USDC:USDC"]
    assert (hype["id"], hype["spot"], hype["precision"]["amount"]) == ("@107", True, 0.01)
    assert (gold["swap"], gold["info"]["name"]) == (True, "xyz:GOLD")
    assert markets["FLX-CRCL/USDH:USDH"]["settle"] == "USDH"
    assert not markets["MATIC/USDC:USDC"]["active"]
    assert (await exchange.fetch_order_book("HYPE/USDC"))["bids"]


async def test_it_reads_candles_books_and_tickers(exchange: Any) -> None:
    candles = await exchange.fetch_ohlcv(BTC, "1h", limit=24)
    book = await exchange.fetch_order_book(BTC)
    tickers = await exchange.fetch_tickers()

    assert len(candles) == 24
    assert all(low <= close <= high for _, _, high, low, close, _ in candles)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert tickers[BTC]["bid"] < tickers[BTC]["ask"]


async def test_it_reads_funding_rates_and_their_history(exchange: Any) -> None:
    rates = await exchange.fetch_funding_rates()
    history = await exchange.fetch_funding_rate_history(BTC)

    assert rates[BTC]["interval"] == "1h"
    assert len(history) > 100
    assert {row["fundingRate"] for row in history} >= {0.0000125}


async def test_it_reads_an_accounts_positions_and_balance(exchange: Any, user: str) -> None:
    positions = await exchange.fetch_positions(params={"user": user})
    balance = await exchange.fetch_balance({"user": user})

    assert positions
    for position in positions:
        raw = position["info"]["position"]
        assert position["side"] == ("long" if Decimal(raw["szi"]) > 0 else "short")
        assert position["contracts"] == abs(float(raw["szi"]))
    assert balance["USDC"]["total"] > 0


async def test_it_reads_an_accounts_trades_payments_and_ledger(exchange: Any, user: str) -> None:
    since = exchange.milliseconds() - 5 * 86_400_000
    trades = await exchange.fetch_my_trades(params={"user": user})
    paid = await exchange.fetch_funding_history(BTC, since, params={"user": user})
    deposits = await exchange.fetch_deposits(params={"user": user})

    assert trades[0]["order"] == str(trades[0]["info"]["oid"])
    assert {trade["takerOrMaker"] for trade in trades} <= {"taker", "maker"}
    assert paid
    assert deposits[0]["amount"] > 0


async def test_it_reads_orders_and_fees(exchange: Any, user: str) -> None:
    opened = await exchange.fetch_open_orders(params={"user": user})
    closed = await exchange.fetch_closed_orders(params={"user": user})
    found = await exchange.fetch_order(closed[0]["id"], params={"user": user})
    fee = await exchange.fetch_trading_fee(BTC, {"user": user})

    assert opened == []
    assert {order["status"] for order in closed} == {"closed"}
    assert found["id"] == closed[0]["id"]
    assert (fee["taker"], fee["maker"]) == (0.00045, 0.00015)


async def test_it_reads_open_interest_and_whether_the_venue_is_up(exchange: Any) -> None:
    interest = await exchange.fetch_open_interests()
    status = await exchange.fetch_status()

    assert interest[BTC]["openInterestAmount"] > 0
    assert status["status"] == "ok"
    assert abs(await exchange.fetch_time() - exchange.milliseconds()) < 60_000


async def test_it_reads_one_accounts_ledger_and_position(exchange: Any, user: str) -> None:
    entries = await exchange.fetch_ledger(params={"user": user})
    [held] = await exchange.fetch_positions([BTC], {"user": user})
    position = await exchange.fetch_position(BTC, {"user": user})

    assert "deposit" in {entry["info"]["delta"]["type"] for entry in entries}
    assert held["symbol"] == position["symbol"] == BTC


async def test_too_many_requests_are_a_rate_limit_to_it(venue: str, user: str) -> None:
    client = connected(venue, user)

    async def insist() -> None:
        for _ in range(61):
            await client.public_post_info({"type": "meta"})

    try:
        with pytest.raises(RateLimitExceeded):
            await insist()
    finally:
        await client.close()


# ── Websocket ────────────────────────────────────────────────────────────────────────────────


async def test_it_watches_trades_with_their_users(exchange: Any) -> None:
    trades = await exchange.watch_trades(BTC)

    assert trades[0]["side"] in {"buy", "sell"}
    assert len(trades[0]["info"]["users"]) == 2
    later = await exchange.watch_trades(BTC)
    assert later[-1]["timestamp"] > trades[0]["timestamp"]


async def test_it_watches_books_and_candles(exchange: Any) -> None:
    book = await exchange.watch_order_book(BTC)
    candles = await exchange.watch_ohlcv(BTC, "1m")

    assert len(book["bids"]) == len(book["asks"]) == 20
    assert candles[-1][2] >= candles[-1][3] > 0


async def test_it_watches_an_accounts_fills_and_orders(exchange: Any, world: World) -> None:
    maker = world.population.makers[0].address
    snapshot = await exchange.watch_my_trades(params={"user": maker})
    orders = await exchange.watch_orders(params={"user": maker})

    assert snapshot[-1]["info"]["coin"] in world.coin_index
    assert orders[-1]["status"] in {"closed", "open"}


@pytest.mark.parametrize("symbol", [SPOT, GOLD])
async def test_it_watches_pairs_and_the_markets_of_builders(exchange: Any, symbol: str) -> None:
    trades = await exchange.watch_trades(symbol)
    book = await exchange.watch_order_book(symbol)

    assert trades[0]["symbol"] == symbol
    assert book["bids"][0][0] < book["asks"][0][0]


async def test_it_watches_an_accounts_positions_and_balances(exchange: Any, world: World) -> None:
    maker = {"user": world.population.makers[0].address}
    everything = await exchange.watch_positions(params=maker)
    perpetual = await exchange.watch_balance({"type": "swap"} | maker)
    spot = await exchange.watch_balance({"type": "spot"} | maker)

    assert BTC in {position["symbol"] for position in everything}
    assert perpetual["USDC"]["total"] > 0
    assert {"USDC", "HYPE", "PURR"} <= set(spot["total"])


@pytest.mark.parametrize("symbol", [BTC, GOLD])
async def test_it_watches_tickers_by_mids(exchange: Any, symbol: str) -> None:
    tickers = await exchange.watch_tickers([symbol], {"channel": "allMids"})
    ticker = await exchange.watch_ticker(symbol, {"channel": "allMids"})

    assert tickers[symbol]["last"] > 0
    assert ticker["symbol"] == symbol


async def test_its_usual_channel_of_tickers_is_refused_as_the_venue_refuses_it(
    exchange: Any,
) -> None:
    with pytest.raises(ExchangeError, match="webData2"):
        await exchange.watch_tickers()


async def test_it_stops_watching_and_begins_anew(exchange: Any, user: str) -> None:
    watched = {
        exchange.watch_trades: (exchange.un_watch_trades, (BTC,)),
        exchange.watch_order_book: (exchange.un_watch_order_book, (BTC,)),
        exchange.watch_ohlcv: (exchange.un_watch_ohlcv, (BTC, "1m")),
        exchange.watch_my_trades: (exchange.un_watch_my_trades, ()),
    }

    for watch, (unwatch, what) in watched.items():
        assert await watch(*what)
        assert await unwatch(*what)
        assert await watch(*what)


async def test_it_comes_back_after_a_dropped_socket(exchange: Any, present: str) -> None:
    before = await exchange.watch_trades(BTC)
    async with aiohttp.ClientSession(present) as session:
        fault = {"kind": "drop_sockets", "for": 0.5}
        async with session.post("/simulator/fault", json=fault) as response:
            assert response.ok

    with pytest.raises(NetworkError):
        await _for_ever(exchange.watch_trades, BTC)
    after = await _patiently(exchange.watch_trades, BTC)

    assert after[-1]["timestamp"] > before[-1]["timestamp"]


async def _for_ever(watch: Any, symbol: str) -> None:
    while True:
        await watch(symbol)


async def _patiently(watch: Any, symbol: str) -> Any:
    """Ask again until the venue takes sockets again."""
    while True:
        try:
            return await watch(symbol)
        except NetworkError:
            continue
