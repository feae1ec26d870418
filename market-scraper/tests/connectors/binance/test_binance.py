"""Binance as a server on this machine plays it: weights, bans, candles, contexts, funding, streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from market_scraper.connectors.binance.collectors import (
    BinanceCandles,
    BinanceContexts,
    context,
    funding_source,
)
from market_scraper.connectors.binance.parse import Premium, Top
from market_scraper.connectors.binance.rest import USED_WEIGHT, WEIGHT_A_MINUTE, BinanceClient
from market_scraper.connectors.binance.stream import BinanceStream
from market_scraper.connectors.web import web_session
from market_scraper.errors import RateLimitedError, SourceUnavailableError, WireFormatError
from market_scraper.moments import milliseconds
from market_scraper.outlet import Outlet
from market_scraper.testing.foreign import Answer, Foreign
from shared_events.bus.buffered import buffered
from shared_events.envelope import StandardEvent
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

MS = milliseconds(NOON)
SYMBOLS = ("BTCUSDT",)
PREMIUM = Answer(
    json.dumps(
        {
            "symbol": "BTCUSDT",
            "markPrice": "101",
            "indexPrice": "100",
            "lastFundingRate": "0.0008",
            "time": MS,
        }
    ).encode()
)
INTEREST = Answer(json.dumps({"symbol": "BTCUSDT", "openInterest": "8.5", "time": MS}).encode())


@pytest.fixture
async def client(foreign: Foreign, clock: ManualClock) -> AsyncIterator[BinanceClient]:
    async with web_session(allow_private=True) as http:
        yield BinanceClient(http, foreign.url, clock)


@pytest.fixture
def told() -> list[StandardEvent[Any]]:
    return []


@pytest.fixture
async def outlet(told: list[StandardEvent[Any]], clock: ManualClock) -> AsyncIterator[Outlet]:
    class Listener:
        async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
            told.extend(events)

        async def ping(self) -> None:
            """Always there."""

    async with buffered(Listener(), clock=clock) as queue:
        yield Outlet(queue, clock)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


@pytest.mark.parametrize(("status", "wait"), [(429, 30.0), (418, 7_200.0)])
async def test_nobody_asks_while_the_venue_wants_to_be_left_alone(
    client: BinanceClient, foreign: Foreign, clock: ManualClock, status: int, wait: float
) -> None:
    refusal = Answer(b"{}", status=status, headers={"Retry-After": str(wait)})
    foreign.answers["/fapi/v1/openInterest"] = [refusal, INTEREST]
    with pytest.raises(RateLimitedError):
        await client.open_interest("BTCUSDT")

    clock.advance(wait - 1)
    with pytest.raises(RateLimitedError, match="keep away") as held:
        await client.premium("BTCUSDT")
    assert held.value.retry_after == pytest.approx(1.0)
    assert len(foreign.asked) == 1

    clock.advance(1)
    await client.open_interest("BTCUSDT")
    assert len(foreign.asked) == 2


async def test_a_refusal_without_a_time_is_held_for_a_minute(
    client: BinanceClient, foreign: Foreign, clock: ManualClock
) -> None:
    foreign.answers["/fapi/v1/openInterest"] = [Answer(b"null", status=429)]

    with pytest.raises(RateLimitedError) as refused:
        await client.open_interest("BTCUSDT")

    assert refused.value.retry_after == 60


async def test_half_of_the_weight_is_spent_and_then_the_next_minute_awaited(
    client: BinanceClient, foreign: Foreign, clock: ManualClock
) -> None:
    used = str(WEIGHT_A_MINUTE // 2)
    foreign.answers["/fapi/v1/premiumIndex"] = [
        Answer(PREMIUM.body, headers={USED_WEIGHT: used}),
        PREMIUM,
    ]
    clock.advance(15)

    await client.premium("BTCUSDT")
    await client.premium("BTCUSDT")

    assert clock.slept == [45.0]


async def test_what_we_ask_ourselves_counts_too(
    client: BinanceClient, foreign: Foreign, clock: ManualClock
) -> None:
    foreign.answers["/fapi/v1/klines"] = [Answer(b"[]")]
    for _ in range(120):
        await client.klines("BTCUSDT", "1h", 0, 1, 1_500)
    assert clock.slept == []

    await client.klines("BTCUSDT", "1h", 0, 1, 1_500)

    assert clock.slept == [60.0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=502), SourceUnavailableError),
        (Answer(b"null"), SourceUnavailableError),
        (Answer(b"[1,2,3", trouble="break off"), SourceUnavailableError),
        (Answer(b'{"code":-1121}', status=400), WireFormatError),
        (Answer(status=403), WireFormatError),
        (Answer(status=451), WireFormatError),
    ],
)
async def test_trouble_is_told_apart(
    client: BinanceClient, foreign: Foreign, answer: Answer, error: type[Exception]
) -> None:
    foreign.answers["/fapi/v1/fundingInfo"] = [answer]

    with pytest.raises(error):
        await client.funding_intervals()


async def test_candles_are_asked_for_by_span(client: BinanceClient, foreign: Foreign) -> None:
    row = [MS, "1", "2", "1", "1.5", "10", MS + 3_599_999, "1", 3, "1", "1", "0"]
    foreign.answers["/fapi/v1/klines"] = [Answer(json.dumps([row]).encode())]

    [candle] = await BinanceCandles(client).candles(
        "BTCUSDT", "1h", NOON, NOON + timedelta(hours=2), NOON + timedelta(hours=2)
    )

    assert candle.coin == "binance:BTCUSDT"
    assert candle.closed
    [asked] = foreign.asked
    assert asked.query == {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "startTime": str(MS),
        "endTime": str(MS + 7_200_000),
        "limit": "4",
    }


async def test_how_the_markets_stand_is_told_with_the_top_of_the_book(
    client: BinanceClient,
    foreign: Foreign,
    outlet: Outlet,
    told: list[StandardEvent[Any]],
    clock: ManualClock,
) -> None:
    foreign.answers |= {
        "/fapi/v1/fundingInfo": [Answer(b'[{"symbol":"BTCUSDT","fundingIntervalHours":4}]')],
        "/fapi/v1/premiumIndex": [PREMIUM],
        "/fapi/v1/openInterest": [INTEREST],
    }
    tops = {"BTCUSDT": Top("BTCUSDT", MS + 5, Decimal(100), Decimal(102), Decimal(99), None)}
    collector = BinanceContexts(client, SYMBOLS, tops, outlet, clock, 10)

    task = asyncio.create_task(collector.collect())
    await until(lambda: bool(told))
    task.cancel()

    fact = told[0].data
    assert told[0].source == "binance"
    assert (fact.coin, fact.dex, fact.at) == ("binance:BTCUSDT", "binance", NOON)
    assert (fact.mark, fact.oracle, fact.premium) == (101, 100, Decimal("0.01"))
    assert (fact.funding, fact.open_interest) == (Decimal("0.0002"), Decimal("8.5"))
    assert (fact.bid, fact.ask, fact.mid) == (100, 102, 101)
    assert (fact.impact_bid, fact.impact_ask) == (99, None)


def test_an_old_book_and_a_rate_nobody_names_are_not_known() -> None:
    old = Top("BTCUSDT", MS - 60_000, Decimal(100), Decimal(102), None, None)

    fact = context("BTCUSDT", Premium(MS, Decimal(1), Decimal(1), None), Decimal(1), 8, old)

    assert (fact.bid, fact.mid, fact.funding) == (None, None, None)


async def test_funding_that_was_paid_is_a_slow_indicator(foreign: Foreign) -> None:
    source = funding_source(foreign.url, SYMBOLS)

    [page] = source.pages(foreign.url, NOON.date() - timedelta(days=400), NOON.date())
    [reading] = source.parse(
        b'[{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingTime":1767268800007,"markPrice":"1"}]'
    )

    start = milliseconds(NOON) - 12 * 3_600_000 - 300 * 86_400_000
    assert page == f"{foreign.url}/fapi/v1/fundingRate?symbol=BTCUSDT&startTime={start}&limit=1000"
    assert (reading.metric, reading.at) == ("funding_binance:BTCUSDT", NOON)
    assert (reading.value, reading.unit) == (Decimal("0.0001"), "fraction a payment")


def a_trade(ms: int, *, rested: bool = False, symbol: str = "BTCUSDT") -> str:
    data = {"e": "aggTrade", "s": symbol, "a": ms, "p": "100", "q": "2", "T": ms, "m": rested}
    return json.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": data})


def a_book(bid: str = "99", ask: str = "101") -> str:
    data = {"e": "depthUpdate", "s": "BTCUSDT", "T": MS, "b": [[bid, "500"]], "a": [[ask, "500"]]}
    return json.dumps({"stream": "btcusdt@depth20@500ms", "data": data})


async def test_trades_become_bars_and_books_their_top(
    foreign: Foreign, outlet: Outlet, told: list[StandardEvent[Any]], clock: ManualClock
) -> None:
    foreign.frames = [
        a_book(),
        a_trade(MS),
        a_trade(MS + 10, rested=True),
        a_trade(MS + 20, symbol="DOGEUSDT"),
        "no frame at all",
        a_book("102", "101"),
        a_trade(MS + 5_000),
    ]
    stream = BinanceStream(foreign.url.replace("http", "ws"), SYMBOLS, outlet, clock)

    task = asyncio.create_task(stream.collect())
    await until(lambda: bool(told))
    assert stream.tops["BTCUSDT"].bid == 99
    task.cancel()
    await asyncio.wait({task})

    [event] = told
    bar = event.data
    assert (event.source, bar.coin, bar.second) == ("binance", "binance:BTCUSDT", NOON)
    assert (bar.buy_volume, bar.sell_volume, bar.trades) == (2, 2, 2)
    assert bar.tracked_share is None, "nobody is named, so it is not known"
    assert stream.set_aside == 2
    assert stream.tops == {}, "a book that is not followed any more is not known"
    assert foreign.asked[0].query == {"streams": "btcusdt@aggTrade/btcusdt@depth20@500ms"}


async def test_what_comes_in_can_be_listened_to_as_it_came(
    foreign: Foreign, outlet: Outlet, clock: ManualClock
) -> None:
    heard: list[tuple[str, str, bytes]] = []

    def tap(kind: str, place: str, body: bytes) -> None:
        heard.append((kind, place, body))

    foreign.answers["/fapi/v1/premiumIndex"] = [PREMIUM]
    foreign.answers["/fapi/v1/fundingRate"] = [Answer(b"[]")]
    foreign.frames, foreign.leave_open = [a_book()], False
    async with web_session(allow_private=True) as http:
        client = BinanceClient(http, foreign.url, clock, tap)
        await client.premium("BTCUSDT")
        await client.read(f"{foreign.url}/fapi/v1/fundingRate?symbol=BTCUSDT")
    with pytest.raises(SourceUnavailableError):
        await BinanceStream(
            foreign.url.replace("http", "ws"), SYMBOLS, outlet, clock, tap
        ).collect()

    assert heard == [
        ("page", "binance /fapi/v1/premiumIndex?symbol=BTCUSDT", PREMIUM.body),
        ("page", "binance stream", a_book().encode()),
    ], "a page that is read as a source is noted by whoever reads it"


async def test_a_stream_that_ends_is_left_to_the_manager(
    foreign: Foreign, outlet: Outlet, clock: ManualClock
) -> None:
    foreign.leave_open = False
    stream = BinanceStream(foreign.url.replace("http", "ws"), SYMBOLS, outlet, clock)

    with pytest.raises(SourceUnavailableError, match="broke"):
        await stream.collect()


async def test_a_stream_that_falls_silent_is_given_up(
    foreign: Foreign, outlet: Outlet, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_scraper.connectors.binance.stream.SILENCE_SECONDS", 0.05)
    stream = BinanceStream(foreign.url.replace("http", "ws"), SYMBOLS, outlet, clock)

    with pytest.raises(SourceUnavailableError, match="silent"):
        await stream.collect()


async def test_a_venue_that_is_not_there_is_away(outlet: Outlet, clock: ManualClock) -> None:
    with pytest.raises(SourceUnavailableError):
        await BinanceStream("ws://127.0.0.1:1", SYMBOLS, outlet, clock).collect()
