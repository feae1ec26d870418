"""How the past's traders came to trade: when each changed its mind about a coin, and by how much."""

from collections.abc import Sequence

import numpy as np

from hyperliquid_simulator.market import DAY_MINUTES, Floats, Ints, Regimes
from hyperliquid_simulator.population import RESTING, Population, Style, Trader
from hyperliquid_simulator.wire import MICRO


def decided_orders(
    coin: int, population: Population, close: Ints, regimes: Regimes, rng: np.random.Generator
) -> Ints:
    """Return (trader, minute, signed lots) rows: how targets in one coin changed."""
    members = [t for t in population.traders if coin in t.coins and t.style not in RESTING]
    skilled = [t for t in members if t.planted]
    others = [t for t in members if not t.planted]
    wanted = np.concatenate(
        [_followed(skilled, close, regimes, rng), _wandered(others, close, rng)]
    )
    wanted = wanted[np.lexsort((wanted[:, 1], wanted[:, 0]))]
    again = (np.diff(wanted[:, :2], axis=0, prepend=-1) == 0).all(axis=1)
    wanted = wanted[~again]
    fresh = np.diff(wanted[:, 0], prepend=-1) != 0
    previous = np.where(fresh, 0, np.roll(wanted[:, 2], 1))
    delta = wanted[:, 2] - previous
    changed: Ints = np.column_stack([wanted[:, :2], delta])[delta != 0]
    return changed


def _targets(
    who: Ints, minute: Ints, conviction: Floats, traders: Sequence[Trader], close: Ints
) -> Ints:
    """Return (trader, minute, target lots) rows for convictions in [-1, 1]."""
    budget = np.array([t.capital * t.exposure * MICRO for t in traders])
    index = np.array([t.index for t in traders], dtype=np.int64)
    lots = np.rint(conviction * budget[who] / close[minute]).astype(np.int64)
    return np.column_stack([index[who], minute, lots])


def _followed(
    traders: Sequence[Trader], close: Ints, regimes: Regimes, rng: np.random.Generator
) -> Ints:
    """Let skilled traders turn with every regime, some of them the wrong way.

    The larger half reads the last regime rightly, so that the venue opens with planted conviction.
    """
    shape = (len(traders), len(regimes.starts))
    if not traders:
        return np.empty((0, 3), dtype=np.int64)
    accuracy = np.array([t.accuracy for t in traders])[:, None]
    right = np.where(rng.random(shape) < accuracy, 1, -1)
    by_size = np.argsort([-t.capital * t.exposure for t in traders])
    right[by_size[: (len(traders) + 1) // 2], -1] = 1
    conviction = right * regimes.directions * rng.uniform(0.6, 1.0, shape)
    minute = (regimes.starts + rng.exponential(45, shape)).astype(np.int64)
    minute = np.minimum(minute, len(close) - 1)
    who = np.broadcast_to(np.arange(len(traders))[:, None], shape)
    return _targets(who.ravel(), minute.ravel(), conviction.ravel(), traders, close)


def _wandered(traders: Sequence[Trader], close: Ints, rng: np.random.Generator) -> Ints:
    """Let the unskilled decide at random moments, contrarians against the last day."""
    if not traders:
        return np.empty((0, 3), dtype=np.int64)
    minutes = len(close)
    tempo = np.array([t.tempo / len(t.coins) for t in traders])
    counts = rng.poisson(tempo * minutes / DAY_MINUTES)
    who = np.repeat(np.arange(len(traders)), counts)
    styles = np.array([t.style for t in traders])[who]
    awake = np.where(styles == Style.DORMANT, 0.4, 1.0)
    minute = (rng.random(len(who)) * awake * minutes).astype(np.int64)
    view = rng.choice([-1.0, 0.0, 1.0], len(who), p=[0.35, 0.25, 0.40])
    against = -np.sign(close[minute] - close[np.maximum(minute - DAY_MINUTES, 0)])
    view = np.where((styles == Style.CONTRARIAN) & (view != 0), against, view)
    return _targets(who, minute, view * rng.uniform(0.3, 1.0, len(who)), traders, close)
