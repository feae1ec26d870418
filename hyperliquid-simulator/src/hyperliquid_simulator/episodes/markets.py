"""What the markets did, hour by hour: candles, contexts, and how well the venue is seen."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import numpy as np

from hyperliquid_simulator.coins.candles import Candle as Bar
from hyperliquid_simulator.coins.catalogue import Perp, grid_step, on_grid
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.coins.market import DAY_MS, MINUTE_MS, Ints
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.episodes.told import SOURCE, Told, moment, units, usd
from hyperliquid_simulator.past.generate import past_bars
from hyperliquid_simulator.past.past import Past
from shared_events.payloads import Candle, MarketContext, SourceStatus

CANDLE_DELAY_MS: Final = 1_200
CONTEXT_DELAY_MS: Final = 300
CADENCE_SECONDS: Final = DAY_MS / 1000
"""Everybody's whole book is told once a day."""

DAY_HOURS: Final = 24
_RATE: Final = Decimal("1E-10")
_PREMIUM: Final = Decimal("1E-8")


class Markets:
    """Tells the hours of a past, a day at a time, the first day first."""

    def __init__(self, past: Past, config: Config) -> None:
        self._past = past
        self._bars = [past_bars(past, config, i) for i in range(len(past.coins))]
        self._volumes: list[deque[int]] = [deque(maxlen=DAY_HOURS) for _ in past.coins]
        self._interest = [_open_interest(past, i) for i in range(len(past.coins))]
        self._detail = f"simulated: seed {config.seed}, whole books once a day"
        self._ranked = sum(t.ranked for t in past.population.traders)

    def day(self, day: int) -> Iterator[Told]:
        """Yield what is learned in the hours that begin on a day, the first moment included."""
        first = self._past.origin_ms + day * DAY_MS
        for at in range(first, first + DAY_MS, HOUR_MS):
            yield Told(at, at, self._status(at))
            for index, coin in enumerate(self._past.coins):
                if at > self._past.origin_ms:
                    (bar,) = self._bars[index].all("1h", at - HOUR_MS, at - HOUR_MS)
                    self._volumes[index].append(bar.volume * bar.close)
                    yield Told(at + CANDLE_DELAY_MS, at, _candle(coin, bar))
                yield Told(at + CONTEXT_DELAY_MS, at, self._context(index, coin, at))

    def _status(self, at: int) -> SourceStatus:
        return SourceStatus(
            name=SOURCE,
            at=moment(at),
            status="LIVE",
            detail=self._detail,
            recording=True,
            cadence_seconds=CADENCE_SECONDS,
            coverage=Decimal(1),
            tracked=self._ranked,
            anchored=self._ranked,
        )

    def _context(self, index: int, coin: Perp, at: int) -> MarketContext:
        past, funding = self._past, self._past.funding
        minute = max((at - past.origin_ms) // MINUTE_MS - 1, 0)
        mark = int(past.closes[index][minute])
        step = grid_step(mark, coin.price_decimals)
        hour = min(int(np.searchsorted(funding.times, at)), len(funding.times) - 1)
        times, lots = self._interest[index]
        interest = int(lots[np.searchsorted(times, at, side="right")])
        day_ago = int(past.closes[index][max(minute - DAY_HOURS * 60, 0)])
        decimals = coin.price_decimals
        return MarketContext(
            coin=coin.name,
            at=moment(at),
            mark=units(mark, decimals),
            oracle=units(on_grid(round(mark * 1.0001), decimals), decimals),
            mid=units(mark, decimals),
            bid=units(mark - step, decimals),
            ask=units(mark + step, decimals),
            premium=Decimal(repr(float(funding.premiums[hour, index]))).quantize(_PREMIUM),
            funding=Decimal(repr(float(funding.rates[hour, index]))).quantize(_RATE),
            open_interest=units(interest, coin.size_decimals),
            day_volume=usd(sum(self._volumes[index])),
            previous_day_price=units(day_ago, decimals),
            size_decimals=coin.size_decimals,
            max_leverage=coin.max_leverage,
        )


def _candle(coin: Perp, bar: Bar) -> Candle:
    price = coin.price_decimals
    return Candle(
        coin=coin.name,
        interval="1h",
        open_time=moment(bar.opened),
        close_time=moment(bar.opened + HOUR_MS),
        open=units(bar.open, price),
        high=units(bar.high, price),
        low=units(bar.low, price),
        close=units(bar.close, price),
        volume=units(bar.volume, coin.size_decimals),
        trades=bar.count,
        closed=True,
        origin="websocket",
    )


def _open_interest(past: Past, coin: int) -> tuple[Ints, Ints]:
    """Return when a coin's long side changed, and what it was before each of these and after all."""
    fills, trades = past.fills, past.trades
    mine = trades.coin[fills.trade] == coin
    trade, start, delta = fills.trade[mine], fills.start[mine], fills.delta[mine]
    order = np.argsort(trade, kind="stable")
    change = np.maximum(start + delta, 0) - np.maximum(start, 0)
    lots = np.concatenate([[0], np.cumsum(change[order])])
    return trades.time[trade[order]], lots
