"""What was forecast, and what became of it: every hash and every score recomputed from what was kept.

Forecasts are numbered from 0, and each names the hash of the one before it: none can be changed,
added or left out without showing. Scores follow from the two bodies alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log
from statistics import fmean

import numpy as np
from msgspec import Raw, Struct, json

from shared_events.codec import decode
from shared_events.errors import DataError
from shared_events.payloads import Odds, Outcome, Signal
from shared_events.types import Action
from signal_system.domain.claims import window_of
from signal_system.signal_generation.calibration import chance_of
from signal_system.signal_generation.chain import GENESIS, is_intact
from signal_system.signal_generation.outcomes import came_true
from signal_system.storage.port import KeptForecast

BINS = 10

_DRAWS = 200
_ACTIONS: tuple[Action, ...] = ("BUY", "SELL", "NEUTRAL")
_EXACT = Decimal("1E-8")


class _Envelope(Struct):
    data: Raw


@dataclass(frozen=True, slots=True)
class Judged:
    """One forecast and what came true; `realised` is None while open, or if it never will be known."""

    signal: Signal
    realised: Action | None
    open: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where 95 % of those lie that whole windows drawn anew lead to."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The forecasts of a tenth of the confidences: how many, how sure, how often right."""

    forecasts: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Score:
    """What the forecasts of one group were worth, beside the base rates they were made from.

    Attributes
    ----------
    forecasts, resolved, open
        All; those whose outcome is known; those whose horizon is not over. The rest is unresolved.
    windows
        In which the resolved ones lie: coins of one window are not independent.
    sides, hit_rate, base_hit_rate
        How many were BUY or SELL, how often these were right, and how often the base rates
        expected it; None without any.
    brier, base_brier
        Mean squared error over the three classes, in [0, 2]; lower is better.
    log_score, base_log_score
        Mean negative logarithm of the probability of what came true.
    skill
        Base rates' squared error less the forecasts', window by window: above 0 is skill.
    calibration_error
        Mean distance of confidence and hit rate over `bins`, weighted by their forecasts.
    """

    forecasts: int
    resolved: int
    open: int
    windows: int
    sides: int
    hit_rate: float | None
    base_hit_rate: float | None
    brier: float | None
    base_brier: float | None
    log_score: float | None
    base_log_score: float | None
    skill: Interval | None
    calibration_error: float | None
    bins: tuple[Bin, ...]


def judged(kept: Iterable[KeptForecast]) -> Iterator[Judged]:
    """Yield the forecasts, each checked against its hash, the one before it and its outcome.

    Raises
    ------
    DataError
        At the first that does not fit, saying which and why.
    """
    number, before = 0, GENESIS
    for each in kept:
        signal = _forecast(each)
        where = f"forecast {each.number} ({signal.subject} of {signal.as_of:%Y-%m-%d %H:%M:%S})"
        if each.number != number or signal.forecast_number != number:
            raise DataError(f"{where}: number {number} was to follow")
        if signal.forecast_prev_hash != before:
            raise DataError(f"{where}: it does not name the hash of the forecast before it")
        if not is_intact(bytes(json.decode(each.raw, type=_Envelope).data)):
            raise DataError(f"{where}: its hash is not that of its content")
        number, before = number + 1, signal.hash
        yield _matched(each, signal, where)


def scored(forecasts: Sequence[Judged], horizon_seconds: int, coin: str | None = None) -> Score:
    """Return what the forecasts over a horizon were worth, those of one coin or of all."""
    ours = [
        each
        for each in forecasts
        if each.signal.horizon_seconds == horizon_seconds and coin in (None, each.signal.coin)
    ]
    known = [(each.signal, each.realised) for each in ours if each.realised is not None]
    pairs = [(signal, realised) for signal, realised in known if signal.probabilities]
    sides = [(signal, realised) for signal, realised in pairs if signal.action != "NEUTRAL"]
    gains = dict[int, list[float]]()
    for signal, realised in pairs:
        window = window_of(signal.as_of, horizon_seconds)
        gain = _brier(signal.base_rates, realised) - _brier(signal.probabilities, realised)
        gains.setdefault(window, []).append(gain)
    bins = _bins(pairs)
    return Score(
        forecasts=len(ours),
        resolved=len(pairs),
        open=sum(each.open for each in ours),
        windows=len(gains),
        sides=len(sides),
        hit_rate=_mean(float(signal.action == realised) for signal, realised in sides),
        base_hit_rate=_mean(_chance(signal.action, signal.base_rates) for signal, _ in sides),
        brier=_mean(_brier(signal.probabilities, realised) for signal, realised in pairs),
        base_brier=_mean(_brier(signal.base_rates, realised) for signal, realised in pairs),
        log_score=_mean(_log(signal.probabilities, realised) for signal, realised in pairs),
        base_log_score=_mean(_log(signal.base_rates, realised) for signal, realised in pairs),
        skill=_interval(list(gains.values())),
        calibration_error=_mean(
            abs(each.confidence - each.right) for each in bins for _ in range(each.forecasts)
        ),
        bins=bins,
    )


def _forecast(each: KeptForecast) -> Signal:
    event = decode(each.raw)
    if event.id != each.signal_id or not isinstance(event.data, Signal):
        raise DataError(f"forecast {each.number}: what is kept is not the event {each.signal_id}")
    return event.data


def _matched(each: KeptForecast, signal: Signal, where: str) -> Judged:
    if each.outcome is None:
        return Judged(signal, None, open=True)
    told = decode(each.outcome).data
    if not isinstance(told, Outcome) or told.signal_id != each.signal_id:
        raise DataError(f"{where}: the outcome kept with it is of another signal")
    if (told.action, told.reference_price, told.resolved_at) != (
        signal.action,
        signal.reference_price,
        signal.valid_until,
    ):
        raise DataError(f"{where}: its outcome is scored from what it does not say")
    realised = came_true(told)
    if told.outcome_price is not None and signal.reference_price is not None:
        change = (told.outcome_price / signal.reference_price - 1).quantize(_EXACT)
        if change != told.price_change or told.right != (realised == signal.action):
            raise DataError(f"{where}: its outcome does not follow from the prices")
    return Judged(signal, realised, open=False)


def _chance(action: Action, odds: Odds | None) -> float:
    return 1 / 3 if odds is None else chance_of(action, odds)


def _brier(odds: Odds | None, realised: Action) -> float:
    return sum((_chance(action, odds) - (action == realised)) ** 2 for action in _ACTIONS)


def _log(odds: Odds | None, realised: Action) -> float:
    return -log(max(_chance(realised, odds), 1e-12))


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None


def _bins(pairs: Sequence[tuple[Signal, Action]]) -> tuple[Bin, ...]:
    filled = dict[int, list[tuple[float, bool]]]()
    for signal, realised in pairs:
        place = min(int(signal.confidence * BINS), BINS - 1)
        filled.setdefault(place, []).append((signal.confidence, signal.action == realised))
    return tuple(
        Bin(len(each), fmean(sure for sure, _ in each), fmean(right for _, right in each))
        for _, each in sorted(filled.items())
    )


def _interval(windows: Sequence[Sequence[float]]) -> Interval | None:
    """Return the mean over all, and its spread when whole windows are drawn with replacement."""
    if not windows:
        return None
    sums = np.array([sum(each) for each in windows])
    counts = np.array([len(each) for each in windows])
    drawn = np.random.default_rng(0).integers(0, len(windows), (_DRAWS, len(windows)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))
