"""Every coin the venue lists, by index, and the data that each has left behind."""

from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.trades import Trade
from hyperliquid_simulator.coins.candles import Bars
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import (
    DAY_MINUTES,
    MINUTE_MS,
    Floats,
    Ints,
    grid_prices,
)
from hyperliquid_simulator.coins.pairs import Listed, Outcome, Pair
from hyperliquid_simulator.coins.tokens import TOKENS, Token
from hyperliquid_simulator.coins.walks import Walk
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.generate import crowd, past_bars
from hyperliquid_simulator.past.opening import dexes, opening
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import trade_id, transaction_hash

REPLAYED: Final = 30
"""Trades of a coin that every new subscription sees again."""


class Board:
    """The listed coins with their candles and last trades; an index never changes its coin."""

    def __init__(self, config: Config, past: Past, start_ms: int) -> None:
        marks = [
            int(close[-1]) / 10**c.price_decimals
            for c, close in zip(past.coins, past.closes, strict=True)
        ]
        self.coins: list[Listed] = opening(config, start_ms, marks)
        self.perps = {i: coin for i, coin in enumerate(self.coins) if isinstance(coin, Perp)}
        self._sides = [(i, coin) for i, coin in enumerate(self.coins) if isinstance(coin, Outcome)]
        self.dexes = dexes(config)
        self.index = {coin.name: i for i, coin in enumerate(self.coins)}
        self._past, self._seed = past, config.seed
        self._walks = [self._walk(coin) for coin in self.coins[len(past.coins) :]]
        self.bars = [self._bars(config, i) for i in range(len(self.coins))]
        self.recent = [_last_trades(past, i, config.seed) for i in range(len(self.coins))]
        self._minute = 0
        self.roll(start_ms)

    def path(self, minute: int) -> Floats:
        """Return the logarithm of every coin's price in ticks at the end of a minute.

        That of a pair which follows a perpetual is not where it trades.
        """
        prices, last = self._past.prices, max(minute, 0)
        prices.reach(last // DAY_MINUTES)
        return np.append(prices.log(last), [walk.log(minute) for walk in self._walks])

    @property
    def tokens(self) -> dict[int, Token]:
        """Every token that somebody can hold, by index."""
        bases = (coin.base for coin in self.coins if isinstance(coin, Pair))
        return {**TOKENS, **{token.index: token for token in bases}}

    def universe(self, dex: str) -> list[int]:
        """Return the perpetuals of a dex in the venue's order, delisted ones included."""
        return [i for i, perp in self.perps.items() if perp.dex == dex]

    def pairs(self) -> list[int]:
        """Return the pairs that trade, outcome coins among them."""
        pairs = (i for i, coin in enumerate(self.coins) if isinstance(coin, Pair))
        return [i for i in pairs if not self.gone(i)]

    def ended(self, time_ms: int) -> list[int]:
        """Return the outcome coins whose question has ended and which still trade."""
        return [i for i, side in self._sides if side.ends_ms <= time_ms and not self.gone(i)]

    def together(self, coin: int) -> list[int]:
        """Return the coins that end with one: both sides of a question, or it alone."""
        listed = self.coins[coin]
        if not isinstance(listed, Outcome):
            return [coin]
        return [i for i, side in self._sides if side.question == listed.question]

    def next_question(self) -> int:
        """Return a number that no question ever had."""
        return max(side.question for _, side in self._sides) + 1

    def gone(self, coin: int) -> bool:
        """Tell whether a coin is delisted."""
        return self.coins[coin].delisted

    def trading(self) -> list[str]:
        """Return the names of all coins that trade."""
        return [coin.name for coin in self.coins if not coin.delisted]

    def add(self, coin: Listed, time_ms: int) -> int:
        """List a coin that never traded; returns its index."""
        self.index[coin.name] = len(self.coins)
        self.coins.append(coin)
        if isinstance(coin, Perp):
            self.perps[len(self.coins) - 1] = coin
        if isinstance(coin, Outcome):
            self._sides.append((len(self.coins) - 1, coin))
        self._walks.append(self._walk(coin, (time_ms - self._past.origin_ms) // MINUTE_MS))
        self.bars.append(Bars.flat(coin, time_ms // MINUTE_MS * MINUTE_MS, coin.ticks(coin.price)))
        self.recent.append(deque(maxlen=REPLAYED))
        return len(self.coins) - 1

    def delist(self, coin: int) -> None:
        """Mark a coin as one that trades no more; its candles end here."""
        gone = self.coins[coin] = replace(self.coins[coin], delisted=True)
        if isinstance(gone, Perp):
            self.perps[coin] = gone

    def roll(self, time_ms: int) -> None:
        """Begin the candles of a new minute, for every coin that trades."""
        minute = time_ms // MINUTE_MS
        if minute == self._minute:
            return
        self._minute = minute
        for coin, bars in zip(self.coins, self.bars, strict=True):
            if not coin.delisted:
                bars.roll(time_ms)

    def prepare(self) -> None:
        """Fill in the past of the candles of one more coin, before somebody asks and has to wait."""
        for bars in self.bars:
            if bars.make():
                return

    def record(self, trade: Trade) -> None:
        """Keep a trade."""
        self.bars[trade.coin].trade(trade.time, trade.ticks, trade.lots)
        self.recent[trade.coin].append(trade)

    def _walk(self, coin: Listed, first_minute: int = 0) -> Walk:
        """Return the path of a coin; that of one which trades no more or where another does is idle."""
        idle = coin.delisted or (isinstance(coin, Pair) and coin.follows is not None)
        return Walk(replace(coin, volatility=0.0) if idle else coin, self._seed, first_minute)

    def _bars(self, config: Config, index: int) -> Bars:
        coin, past = self.coins[index], self._past
        if index < len(past.coins):
            return past_bars(past, config, index)
        if coin.delisted:
            return Bars.flat(coin, past.origin_ms, coin.ticks(coin.price))
        bars = Bars(coin, past.origin_ms, self._closes(index, coin))
        bars.owe(lambda: bars.fill_past(*crowd(past, config, coin)))
        return bars

    def _closes(self, index: int, coin: Listed) -> Ints:
        """Return the closing prices of a coin that is not among those of the past."""
        past = self._past
        if isinstance(coin, Perp) or coin.follows is None:
            path = self._walks[index - len(past.coins)].until(past.minutes - 1)[1:]
            return grid_prices(np.exp(path), coin.price_decimals)
        leader = self.index[coin.follows]
        marks = past.closes[leader].astype(np.float64)
        times = past.origin_ms + MINUTE_MS * np.arange(1.0, len(marks) + 1)
        prices = coin.following(past.coins[leader], marks, times)
        return grid_prices(prices, coin.price_decimals)


def _last_trades(past: Past, coin: int, seed: int) -> deque[Trade]:
    """Return the last trades of a coin's past: what the first subscriber sees again."""
    rows = np.flatnonzero(past.trades.coin == coin)[-REPLAYED:].tolist()
    trades = past.trades
    found: deque[Trade] = deque(maxlen=REPLAYED)
    for row in rows:
        taker, maker = int(trades.taker[row]), int(trades.maker[row])
        orders = int(trades.taker_order[row]), int(trades.maker_order[row])
        buys = int(trades.lots[row]) > 0
        buyer_order, seller_order = orders if buys else orders[::-1]
        found.append(
            Trade(
                coin=coin,
                side="B" if buys else "A",
                ticks=int(trades.ticks[row]),
                lots=abs(int(trades.lots[row])),
                time=int(trades.time[row]),
                hash=transaction_hash(seed, int(trades.height[row]), int(trades.index[row])),
                tid=trade_id(buyer_order, seller_order),
                buyer=taker if buys else maker,
                seller=maker if buys else taker,
                buyer_order=buyer_order,
                seller_order=seller_order,
            )
        )
    return found
