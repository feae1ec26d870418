"""Every weighting scheme over one journal whose truth is known: what each earned, found and said.

A scheme's net Sharpe ratio is that of its paper account (`weighting_engine.contest`): positions
taken late, at a price, less costs and funding, the market's part included. The first bars, in which
nothing can be known yet, do not count.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import MsgspecError, Struct, json

from shared_events.errors import ConfigError
from shared_events.journal import decode_record, read, segments
from shared_events.payloads import Models
from signal_system.fold import FoldConfig
from signal_system.signal_generation.processor import Provenance, SignalGenerationProcessor
from signal_system.state import State
from signal_system.weighting_engine import TraderWeightingEngine
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.rules import DAY
from signal_system.weighting_engine.schemes import SCHEMES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WARM_UP_DAYS: Final = 30
RANKED_EVERY: Final = 42
BLOCK_DAYS: Final = 5
DRAWS: Final = 1_000


class Scored(Struct, frozen=True):
    """What one scheme did on one journal.

    Attributes
    ----------
    sharpe, low, high
        Net, a year, and the middle 95 % of its stationary block bootstrap.
    own_sharpe
        The same without the market's part.
    rank_correlation
        Spearman's, of weight with planted skill among those tracked, mean over the weeks; None
        where nobody was planted, or the scheme never told two voters apart.
    opinions
        Part of all coins and bars in which it wanted to hold at least the conviction threshold.
    turnover
        Exposure traded a day.
    """

    sharpe: float
    low: float
    high: float
    own_sharpe: float
    rank_correlation: float | None
    opinions: float
    turnover: float


class Contested(Struct, frozen=True):
    """What all schemes did on one journal.

    Attributes
    ----------
    regret
        The mixture's, in losses of [0, 1] a bar.
    neutral
        Part of coins and bars in which the signal served by the settings was NEUTRAL, every gate
        counted, from the first bar on.
    """

    journal: str
    config_hash: str
    parameters: dict[str, object]
    bars: int
    regret: float
    neutral: float
    trust: dict[str, float]
    schemes: dict[str, Scored]


class _Account(Struct):
    ic: dict[str, float]


class _Truth(Struct):
    parameters: dict[str, object]
    accounts: dict[str, _Account]


@dataclass(slots=True)
class _Seen:
    own: list[Floats] = field(default_factory=list)
    market: list[Floats] = field(default_factory=list)
    turned: list[Floats] = field(default_factory=list)
    opinions: list[list[float]] = field(default_factory=list)
    ranks: list[list[float]] = field(default_factory=list)
    neutral: list[bool] = field(default_factory=list)


def contested(
    journal: Path, truth: Path, config: FoldConfig, on_progress: Callable[[int], None]
) -> Contested:
    """Return what every scheme did on `journal`, judged by the planted `truth`.

    Raises
    ------
    ConfigError
        If there is no journal, or no truth.
    """
    known, seen = _read(truth), _Seen()
    if not journal.is_dir() or not segments(journal):
        raise ConfigError(f"there is no journal in {journal}: name the folder that holds segments")
    engine = TraderWeightingEngine(config.weighting)
    state = State(engine, config.rules, config.baseline)
    made = Provenance(config.weighting.arm, config.hash, Models())
    processor = SignalGenerationProcessor(state, config.rules, made)
    for _ in _bars(journal, engine, state, on_progress):
        _note(seen, engine, known.accounts, config.rules.conviction)
        decisions = [processor.decision(coin) for coin in engine.paper.coins]
        seen.neutral += [each is None or not each.has_side for each in decisions]
    warm_up = WARM_UP_DAYS * DAY // config.weighting.paper.bar_seconds
    if len(seen.own) <= 2 * warm_up:
        raise ConfigError(f"{journal} is shorter than {2 * WARM_UP_DAYS} days: generate more")
    hedge = engine.contest.hedge
    return Contested(
        journal=journal.name,
        config_hash=config.hash,
        parameters=known.parameters,
        bars=len(seen.own) - warm_up,
        regret=hedge.regret,
        neutral=float(np.mean(seen.neutral)),
        trust=dict(zip(SCHEMES, hedge.weights, strict=True)),
        schemes={
            name: _scored(seen, number, warm_up, config.weighting.paper.bar_seconds)
            for number, name in enumerate(ACCOUNTS)
        },
    )


def yearly_sharpe(daily: Floats) -> float:
    """Return the Sharpe ratio of a year; 0 of an account that never moved.

    Examples
    --------
    >>> round(yearly_sharpe(np.array([0.02, -0.01] * 50)), 2), yearly_sharpe(np.zeros(9))
    (6.34, 0.0)
    """
    deviation = float(daily.std(ddof=1))
    return float(daily.mean()) / deviation * 365**0.5 if deviation else 0.0


def interval(daily: Floats, draws: int = DRAWS, block: int = BLOCK_DAYS) -> tuple[float, float]:
    """Return the middle 95 % of the ratio under the stationary bootstrap (Politis, Romano, 1994)."""
    ratios = [yearly_sharpe(daily[row]) for row in resampled(len(daily), draws, block)]
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(low), float(high)


def resampled(count: int, draws: int, block: int) -> Ints:
    """Return `draws` rows of places in a series, in stretches that are `block` long on average.

    Examples
    --------
    >>> resampled(5, 2, 5).shape
    (2, 5)
    """
    random, places = np.random.default_rng(0), np.arange(count)
    starts = random.random((draws, count)) < 1 / block
    starts[:, 0] = True
    first = random.integers(0, count, (draws, count))
    since = places - np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    begun = np.take_along_axis(first, places - since, axis=1)
    drawn: Ints = (begun + since) % count
    return drawn


def spearman(one: Floats, other: Floats) -> float | None:
    """Return the rank correlation, ties sharing their mean rank; None if either never varies.

    Examples
    --------
    >>> round(spearman(np.array([1.0, 2.0, 2.0, 9.0]), np.array([0.0, 1.0, 2.0, 3.0])), 3)
    0.949
    """
    first, second = _ranked(one), _ranked(other)
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranked(values: Floats) -> Floats:
    _, place, many = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(many)
    mean: Floats = (last - (many - 1) / 2)[place]
    return mean


def _read(truth: Path) -> _Truth:
    try:
        return json.decode(truth.read_bytes(), type=_Truth)
    except (OSError, MsgspecError) as e:
        raise ConfigError(f"{truth} is no truth of hyperliquid-simulator generate: {e}") from e


def _bars(
    journal: Path,
    engine: TraderWeightingEngine,
    state: State,
    on_progress: Callable[[int], None],
) -> Iterator[None]:
    """Yield whenever everybody was weighed anew."""
    last = engine.bar
    for position, raw in read(journal):
        state.apply(decode_record(raw))
        if engine.bar is not last:
            last = engine.bar
            yield
        on_progress(position)


def _note(
    seen: _Seen,
    engine: TraderWeightingEngine,
    truth: Mapping[str, _Account],
    conviction: float,
) -> None:
    bar = engine.bar
    if bar is None:
        return
    mine = bar.rows(slice(len(ACCOUNTS)))
    seen.own.append(mine.timing + mine.habit)
    seen.market.append(mine.market)
    seen.turned.append(mine.turned / mine.bars)
    stances = [engine.contest.stances.get(name, {}) for name in ACCOUNTS]
    coins = max(1, len(engine.paper.coins))
    seen.opinions.append(
        [sum(abs(each) >= conviction for each in stance.values()) / coins for stance in stances]
    )
    if len(seen.own) % RANKED_EVERY == 0:
        seen.ranks.append(_ranks(engine, truth))


def _ranks(engine: TraderWeightingEngine, truth: Mapping[str, _Account]) -> list[float]:
    """Return every scheme's rank correlation with planted skill; NaN where it has none."""
    tracked = np.flatnonzero(engine.roll.columns["tracked"])
    names = [engine.roll.names[number] for number in tracked.tolist()]
    planted = [truth[name].ic.values() if name in truth else () for name in names]
    skill = np.array([sum(each) / len(each) if each else 0.0 for each in planted])
    weights = [*engine.weights()[tracked].T, engine.contest.combined(engine.weights())[tracked]]
    found = [spearman(each, skill) for each in weights]
    return [float("nan") if each is None else each for each in found]


def _scored(seen: _Seen, number: int, warm_up: int, bar_seconds: int) -> Scored:
    own = np.array([each[number] for each in seen.own[warm_up:]])
    total = own + np.array([each[number] for each in seen.market[warm_up:]])
    bars_a_day = DAY // bar_seconds
    daily, own_daily = (_daily(each, bars_a_day) for each in (total, own))
    low, high = interval(daily)
    ranks = np.array([each[number] for each in seen.ranks])
    known = ranks[~np.isnan(ranks)]
    return Scored(
        sharpe=yearly_sharpe(daily),
        low=low,
        high=high,
        own_sharpe=yearly_sharpe(own_daily),
        rank_correlation=float(known.mean()) if len(known) else None,
        opinions=float(np.mean([each[number] for each in seen.opinions[warm_up:]])),
        turnover=float(np.mean([each[number] for each in seen.turned[warm_up:]])) * bars_a_day,
    )


def _daily(results: Floats, bars_a_day: int) -> Floats:
    whole = len(results) // bars_a_day * bars_a_day
    sums: Floats = results[:whole].reshape(-1, bars_a_day).sum(axis=1)
    return sums
