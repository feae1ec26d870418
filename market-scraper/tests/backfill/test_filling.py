"""The past, page by page: nothing left out, nothing read twice, interrupted anywhere."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st

from market_scraper.backfill.filling import MOST_FAILURES, Filling
from market_scraper.backfill.series import CandleSeries, FillSeries, FundingSeries, Page
from market_scraper.backfill.span import Covered, Span
from market_scraper.collecting import Patience
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.candles import HyperliquidCandles
from market_scraper.connectors.hyperliquid.parse_history import parse_fills, parse_payments
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.errors import SourceUnavailableError, WireFormatError
from market_scraper.moments import milliseconds
from market_scraper.storage.memory import MemoryRepository
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

ALICE = an_address(1)
NOW = milliseconds(NOON)
HOUR = 3_600_000
STEADY = Patience(jitter=0.0)


def a_fill(ms: int, tid: int, side: str = "B", **fields: Any) -> dict[str, Any]:
    return {
        "coin": "BTC",
        "px": "100.0",
        "sz": "0.5",
        "side": side,
        "time": ms,
        "startPosition": "-0.5",
        "dir": "Close Short",
        "closedPnl": "1.25",
        "hash": "0x" + "0" * 64,
        "oid": 7,
        "crossed": True,
        "fee": "-0.01",
        "tid": tid,
        "feeToken": "USDC",
        "twapId": None,
        **fields,
    }


class Venue:
    """Gives the oldest of what is asked for, so many at once; each `refuse` is answered with 502."""

    def __init__(self) -> None:
        self.fills: list[dict[str, Any]] = []
        self.payments: list[dict[str, Any]] = []
        self.opened: list[int] = []
        self.most = 2_000
        self.refuse = 0
        self.asked: list[dict[str, Any]] = []

    async def info(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self.asked.append(wanted)
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=502)
        span = wanted.get("req", wanted)
        rows, key = {
            "userFillsByTime": (self.fills, "time"),
            "fundingHistory": (self.payments, "time"),
            "candleSnapshot": ([_candle(ms) for ms in self.opened], "t"),
        }[wanted["type"]]
        within = [r for r in rows if span["startTime"] <= r[key] <= span["endTime"]]
        return web.json_response(within[: self.most])


def _candle(ms: int) -> dict[str, Any]:
    prices = dict.fromkeys("ohlcv", "1.0")
    return {"t": ms, "T": ms + HOUR - 1, "s": "BTC", "i": "1h", "n": 1, **prices}


class Listener:
    """Keeps what it takes; after `until` facts it takes no more."""

    def __init__(self) -> None:
        self.facts: list[Any] = []
        self.until = float("inf")

    async def send(self, facts: Sequence[Any]) -> None:
        if len(self.facts) + len(facts) > self.until:
            raise InterruptedError
        self.facts += facts


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
async def info(venue: Venue, clock: ManualClock) -> AsyncIterator[InfoClient]:
    app = web.Application()
    app.add_routes([web.post("/info", venue.info)])
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        url = str(server.make_url("/")).rstrip("/")
        yield InfoClient(http, url, url, Throttle(WeightBudget(100_000), clock))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository()


@pytest.fixture
def filling(repository: MemoryRepository, listener: Listener, clock: ManualClock) -> Filling:
    return Filling(repository, listener.send, clock, STEADY)


async def test_a_page_that_ends_inside_a_block_loses_nothing_and_repeats_nothing(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener
) -> None:
    venue.most = 5
    venue.fills = [a_fill(NOW - 100 + n // 4, n) for n in range(23)]

    await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))

    assert [fill.tid for fill in listener.facts] == list(range(23))


async def test_a_self_trade_is_two_fills(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener
) -> None:
    venue.fills = [a_fill(NOW - 1, 5, "B"), a_fill(NOW - 1, 5, "A")]

    await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))

    assert [(fill.tid, fill.side) for fill in listener.facts] == [(5, "buy"), (5, "sell")]


async def test_a_moment_with_more_fills_than_a_page_is_told_loudly(
    venue: Venue, info: InfoClient, filling: Filling
) -> None:
    venue.fills = [a_fill(NOW - 5, n) for n in range(2_001)]

    with pytest.raises(WireFormatError, match="over 2000 times"):
        await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))


async def test_funding_is_read_to_its_end_page_by_page(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener
) -> None:
    venue.most = 3
    venue.payments = [
        {"coin": "BTC", "fundingRate": "0.0000125", "premium": "-0.1", "time": NOW - n * HOUR + 17}
        for n in range(10, 0, -1)
    ]

    told = await filling.fill(FundingSeries(info, "BTC"), Span(NOW - 24 * HOUR, NOW))

    assert told == 10
    assert [milliseconds(f.at) for f in listener.facts] == [p["time"] for p in venue.payments]
    assert {(f.funding, f.premium, f.mark) for f in listener.facts} == {
        (Decimal("0.0000125"), Decimal("-0.1"), None)
    }


async def test_candles_are_read_page_by_page_without_the_forming_one(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener
) -> None:
    class Small(HyperliquidCandles):
        page = 4

    venue.opened = [NOW - n * HOUR for n in range(9, -1, -1)]

    await filling.fill(CandleSeries(Small(info), "BTC", "1h"), Span(NOW - 9 * HOUR, NOW + 1))

    assert [milliseconds(candle.open_time) for candle in listener.facts] == venue.opened[:-2]
    assert all(candle.closed for candle in listener.facts)


@pytest.mark.parametrize("stop", [5, 10, 20])
async def test_what_was_interrupted_goes_on_where_it_was(
    venue: Venue,
    info: InfoClient,
    filling: Filling,
    listener: Listener,
    stop: int,
) -> None:
    venue.most = 5
    venue.fills = [a_fill(NOW - 100 + n // 3, n) for n in range(30)]
    listener.until = stop
    span = Span(NOW - HOUR, NOW)
    with pytest.raises(InterruptedError):
        await filling.fill(FillSeries(info, ALICE), span)
    before = len(venue.asked)
    assert 0 < len(listener.facts) <= stop

    listener.until = float("inf")
    await filling.fill(FillSeries(info, ALICE), span)

    assert [fill.tid for fill in listener.facts] == list(range(30))
    assert venue.asked[before]["startTime"] > span.from_ms


async def test_what_is_done_is_only_brought_up_to_date(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener
) -> None:
    venue.fills = [a_fill(NOW - 5, 1)]
    await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))
    venue.fills.append(a_fill(NOW + 5, 2))

    told = await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW + HOUR))

    assert told == 1
    assert [fill.tid for fill in listener.facts] == [1, 2]


async def test_a_venue_that_is_away_for_a_while_is_waited_for(
    venue: Venue, info: InfoClient, filling: Filling, listener: Listener, clock: ManualClock
) -> None:
    venue.refuse, venue.fills = 3, [a_fill(NOW - 5, 1)]

    await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))

    assert clock.slept == [1.0, 2.0, 4.0]
    assert len(listener.facts) == 1


async def test_a_venue_that_stays_away_is_given_up(
    venue: Venue, info: InfoClient, filling: Filling
) -> None:
    venue.refuse = MOST_FAILURES

    with pytest.raises(SourceUnavailableError):
        await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW))
    assert len(venue.asked) == MOST_FAILURES


async def test_the_budget_is_kept_and_given_back_by_the_rows_that_came(
    venue: Venue, clock: ManualClock
) -> None:
    app = web.Application()
    app.add_routes([web.post("/info", venue.info)])
    venue.fills = [a_fill(NOW - n, n) for n in range(40, 0, -1)]
    budget = WeightBudget(240)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        url = str(server.make_url("/")).rstrip("/")
        client = InfoClient(http, url, url, Throttle(budget, clock))
        await client.fills_by_time(ALICE, 0, NOW)

        assert budget.used(clock.now().timestamp()) == 20 + 2
        for _ in range(10):
            await client.fills_by_time(ALICE, 0, NOW)

    assert sum(clock.slept) >= 60 - 1, "worst cases of 120 do not fit twice beside what was spent"


async def test_progress_only_grows_and_ends_whole(
    venue: Venue, info: InfoClient, filling: Filling
) -> None:
    venue.most, shares = 4, list[float]()
    venue.fills = [a_fill(NOW - HOUR + n * 60_000, n) for n in range(20)]

    await filling.fill(FillSeries(info, ALICE), Span(NOW - HOUR, NOW), shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@given(
    fills=st.lists(st.integers(0, 12), max_size=40).map(sorted),
    most=st.integers(4, 9),
    cuts=st.lists(st.integers(1, 15), max_size=4),
)
async def test_whatever_is_cut_where_every_fill_is_told_once(
    fills: list[int], most: int, cuts: list[int]
) -> None:
    told: list[int] = []
    rows = [(ms, tid) for tid, ms in enumerate(fills) if fills[:tid].count(ms) < most - 1]

    class Cut:
        name = "cut"

        async def page(self, at_ms: int, to_ms: int, seen: Sequence[str], /) -> Page:
            got = [row for row in rows if at_ms <= row[0] <= to_ms][:most]
            fresh = [row for row in got if str(row[1]) not in seen]
            if not fresh:
                return Page((), None)
            last = fresh[-1][0]
            return Page([t for _, t in fresh], last, tuple(str(t) for ms, t in got if ms == last))

    repository, left = MemoryRepository(), [*cuts, 1_000]
    for pages in left:
        budget = pages

        async def send(facts: Sequence[Any]) -> None:
            nonlocal budget
            budget -= 1
            if budget < 0:
                raise InterruptedError
            told.extend(facts)

        try:
            await Filling(repository, send, ManualClock(NOON)).fill(Cut(), Span(0, 100))
        except InterruptedError:
            continue

    assert told == [tid for _, tid in rows]


def test_a_span_that_reaches_back_further_is_read_from_its_beginning() -> None:
    done = Covered(50, 60).encoded()

    assert Span(10, 100).rest(done) == Covered(10, 10)
    assert Span(50, 100).rest(done) == Covered(50, 60)
    assert Span(70, 100).rest(done) == Covered(70, 70), "there is a gap in between"
    assert Span(10, 100).rest(None) == Covered(10, 10)


def test_fills_are_put_in_order_stably_and_mean_what_the_venue_means() -> None:
    rows = [a_fill(2, 3), a_fill(1, 9), a_fill(1, 4, "A", liquidation={"method": "market"})]

    first, second, third = parse_fills(json.dumps(rows).encode(), ALICE)

    assert [first.tid, second.tid, third.tid] == [9, 4, 3]
    assert (first.side, first.hash, first.fee) == ("buy", None, Decimal("-0.01"))
    assert (second.side, second.liquidation, first.liquidation) == ("sell", True, False)


@pytest.mark.parametrize(
    "row",
    [{"px": "0"}, {"sz": "NaN"}, {"side": "C"}, {"time": -1}, {"tid": None}, {"crossed": "y"}],
)
def test_a_fill_that_cannot_be_is_set_aside(row: dict[str, Any]) -> None:
    with pytest.raises(WireFormatError):
        parse_fills(json.dumps([a_fill(1, 1) | row]).encode(), ALICE)


@pytest.mark.data
def test_recorded_funding_is_read(recordings: Any) -> None:
    path = (
        "hyperliquid/rest_cassettes/test_get_funding_history[1684811870000]_1_fundingHistory.json"
    )
    rows = json.loads((recordings / path).read_text())["response"]

    payments = parse_payments(json.dumps(rows).encode())

    assert len(payments) == len(rows)
    assert [milliseconds(p.at) for p in payments] == sorted(row["time"] for row in rows)
    assert all(p.funding is not None for p in payments)
    assert payments[-1].at - payments[0].at > timedelta(days=1)
