"""Candles of a price that wanders, as they are recorded: a history at once, then one by one."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from signal_system.testing.events import Event, candle


def wandering(history: int, live: int, *, coin: str = "BTC", seed: int = 1) -> Sequence[Event]:
    """Return hourly candles: `history` of them heard at noon, where they end, then `live` ones."""
    random, close, made = Random(seed), 100.0, []  # noqa: S311 -- a made-up market
    for hour in range(-history, live):
        opened, close = close, close * (1 + random.gauss(0, 0.01))
        above, below = (1 + abs(random.gauss(0, 0.004)) for _ in range(2))
        prices = {
            "open": opened,
            "high": max(opened, close) * above,
            "low": min(opened, close) / below,
        }
        rounded = {name: Decimal(str(round(price, 4))) for name, price in prices.items()}
        heard = 0 if hour < 0 else None
        made.append(candle(coin, hour, round(close, 4), heard, **rounded))
    return made
