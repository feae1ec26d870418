import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, strategies as st

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.candles import HyperliquidCandles
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.rest import InfoClient, info_session
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.intervals import floor
from market_scraper.moments import milliseconds, moment
from market_scraper.positions.ledger import Trade
from market_scraper.processors.candles import BuiltCandles
from shared_events.payloads import Candle
from shared_events.runtime.clock import SystemClock
from shared_events.testing.factories import NOON, an_address

MINUTE = timedelta(minutes=1)
Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]
NOON_MS = milliseconds(NOON)
ticks = st.lists(
    st.tuples(st.integers(0, 59_999), st.integers(1, 1_000), st.integers(1, 50)),
    min_size=1,
    max_size=60,
)


def trade(ms: int, price: int, size: int, tid: int) -> Trade:
    return Trade(
        "BTC",
        Decimal(price),
        Decimal(size),
        NOON_MS + ms,
        tid,
        an_address(1),
        an_address(2),
        True,  # noqa: FBT003
    )


def told(**fields: Any) -> Candle:
    given: dict[str, Any] = {
        "coin": "BTC",
        "interval": "1m",
        "open_time": NOON,
        "close_time": NOON + timedelta(minutes=1),
        "open": Decimal(1),
        "high": Decimal(1),
        "low": Decimal(1),
        "close": Decimal(1),
        "volume": Decimal(1),
        "trades": 1,
        "closed": True,
        "origin": "rest",
    }
    return Candle(**given | fields)


@given(ticks)
def test_wrong_prices_give_way_to_those_of_the_trades(rows: list[tuple[int, int, int]]) -> None:
    rows.sort(key=lambda row: row[0])
    built = BuiltCandles()
    built.take(trade(*row, tid) for tid, row in enumerate(rows))
    prices = [Decimal(price) for _, price, _ in rows]
    volume = Decimal(sum(size for _, _, size in rows))
    wrong = told(volume=volume, trades=len(rows), high=Decimal(5_000))

    right = built.checked(wrong)

    assert (right.open, right.close) == (prices[0], prices[-1])
    assert (right.high, right.low) == (max(prices), min(prices))
    assert right.identity == wrong.identity
    assert right.origin == "trades"


def test_a_candle_of_which_a_trade_was_missed_is_taken_as_it_is() -> None:
    built = BuiltCandles()
    built.take([trade(10, 7, 1, 1)])

    for whole in (told(trades=2), told(volume=Decimal(2)), told(closed=False)):
        assert built.checked(whole) is whole
    assert built.corrected == 0


def test_a_late_trade_of_an_earlier_block_opens_and_the_newest_closes() -> None:
    built = BuiltCandles()
    built.take([trade(20, 5, 1, 1), trade(30, 6, 1, 2), trade(10, 4, 1, 3)])

    right = built.checked(told(trades=3, volume=Decimal(3)))

    assert (right.open, right.close) == (Decimal(4), Decimal(6))


def test_only_the_newest_of_each_series_are_kept() -> None:
    built = BuiltCandles(("1m",))
    built.take(trade(minute * 60_000, 7, 1, minute) for minute in range(100))

    assert built.checked(told()) == told()
    assert built.corrected == 0


async def test_what_is_built_from_the_venues_trades_is_what_it_tells(until: Until) -> None:
    config = Config(seed=3, traders=60, coins=4, history_days=1, orders_per_second=5, speed=20)
    async with venue_running(config) as url, info_session() as http:
        clock = SystemClock()
        feed = Feed(f"ws{url.removeprefix('http')}/ws", clock)
        info = InfoClient(http, url, url, Throttle(WeightBudget(100_000), clock))
        source = HyperliquidCandles(info, feed, ("BTC",), ("1m",))
        feed.follow(["BTC"])
        listening = asyncio.create_task(feed.run())
        await until(lambda: feed.ready and feed.tape.newest_ms > 0)
        first = floor(moment(feed.tape.newest_ms), MINUTE) + MINUTE
        over = first + 2 * MINUTE
        await until(lambda: moment(feed.tape.newest_ms) > over)

        candles = await source.candles("BTC", "1m", first, over - MINUTE, over)
        listening.cancel()

    assert len(candles) == 2
    assert source.built.corrected == 0
    for candle in candles:
        wrong = candle.model_copy(update={"high": candle.high * 2})
        assert source.built.checked(wrong).high == candle.high
