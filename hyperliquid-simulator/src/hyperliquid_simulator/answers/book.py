"""The order book as it is shown: levels around the quote whose sizes hold for some seconds."""

from dataclasses import dataclass
from typing import Any, Final

from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.market import Quote
from hyperliquid_simulator.errors import internal, undeserializable
from hyperliquid_simulator.wire import MICRO, exact, trade_id

DEPTH: Final = 20
HOLD_MS: Final = 2_000
TOP_DOLLARS: Final = 20_000

Level = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Zoom:
    """How coarse a book is asked for; the default is every price."""

    figures: int | None = None
    mantissa: int | None = None

    def __post_init__(self) -> None:
        if self.mantissa == 1:
            raise internal()
        if self.figures not in {None, 2, 3, 4, 5} or self.mantissa not in {None, 2, 5}:
            raise undeserializable()

    def step(self, quote: Quote) -> int:
        """Return the distance between levels in ticks."""
        if self.figures is None:
            return quote.step
        coarse = int(10 ** max(len(str(quote.bid)) - self.figures, 0)) * (self.mantissa or 1)
        return max(coarse, quote.step)


def levels(coin: Coin, quote: Quote, time_ms: int, zoom: Zoom, depth: int = DEPTH) -> list[Any]:
    """Return bids downwards and asks upwards."""
    step = zoom.step(quote)
    bid, ask = quote.bid // step * step, -(-quote.ask // step) * step
    bids = [_level(coin, bid - i * step, time_ms, i) for i in range(depth) if bid - i * step > 0]
    asks = [_level(coin, ask + i * step, time_ms, i) for i in range(depth)]
    return [bids, asks]


def _level(coin: Coin, ticks: int, time_ms: int, distance: int) -> Level:
    noise = trade_id(ticks, time_ms // HOLD_MS + coin.size_decimals)
    dollars = TOP_DOLLARS * (1 + distance) * (1 + noise % 97) // 20
    return {
        "px": exact(ticks, coin.price_decimals),
        "sz": exact(max(dollars * MICRO // ticks, 1), coin.size_decimals),
        "n": 1 + noise % 40,
    }
