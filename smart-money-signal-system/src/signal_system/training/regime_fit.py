"""Fits the regime's band by walk-forward, beside baselines that cost nothing to think of.

A fold chooses the band by what was known when it begins and is judged on the bars after it. The
states compared are those the running service would have had: bar by bar, by the same function.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import sqrt

from signal_system.evaluation.metrics import (
    compounded,
    deepest_fall,
    long_or_flat,
    matthews,
    sharpe,
    switches,
)
from signal_system.ml.regime_detection import RegimeModel, Standing
from signal_system.ml.turning_points import swings
from signal_system.training.datasets import Candles

WINDOWS = (20, 50, 75, 100, 150, 200)
WIDTHS = (0.0, 0.01, 0.02, 0.03, 0.05)
PUBLISHED = (100, 0.02)

Band = tuple[int, float]
States = Sequence[bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to walk: the share of the bars before the first fold, the number of folds after it."""

    swing: float
    cost: float
    folds: int = 6
    first_share: float = 0.4
    windows: Sequence[int] = WINDOWS
    widths: Sequence[float] = WIDTHS

    @property
    def bands(self) -> list[Band]:
        """Every band that is tried."""
        return list(product(self.windows, self.widths))

    @property
    def least_bars(self) -> int:
        """With fewer bars a fold would be judged on next to nothing."""
        return int(max(self.windows) * 2 / self.first_share)


@dataclass(frozen=True, slots=True)
class Fold:
    """One step: trained on the bars before `start`, judged on those up to `end`."""

    start: int
    end: int
    band: Band
    trained: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """How one way of telling bull from bear did on the bars of all folds together.

    Attributes
    ----------
    matthews
        Correlation with the reference; None where one of the two never varied.
    sharpe, fall, paid
        Of holding the coin in bull markets alone, acted on one bar late, costs taken off.
    """

    matthews: float | None
    switches_per_year: float
    sharpe: float | None
    fall: float
    paid: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What came out: the band fitted on everything, and what choosing that way was worth."""

    band: Band
    folds: Sequence[Fold]
    scores: dict[str, Scores]
    labelled: int
    turns: int
    years: float

    @property
    def sharpe_error(self) -> float:
        """The standard error of a small Sharpe ratio: one by the root of the years (Lo, 2002)."""
        return 1 / sqrt(self.years)

    @property
    def is_better(self) -> bool:
        """Whether walking forward beat the published band, on the correlation it was fitted for.

        By the number alone: whether the difference means anything is another question.
        """
        walked = self.scores["walk-forward"].matthews
        published = self.scores["published band"].matthews
        return walked is not None and (published is None or walked > published)


def fit(candles: Candles, plan: Plan, on_progress: Callable[[], None] = lambda: None) -> Fit:
    """Return the band that fits `candles`, and how honest walking forward to it would have done."""
    paths = {}
    for band in dict.fromkeys([*plan.bands, PUBLISHED]):
        paths[band] = states(candles.closes, *band)
        on_progress()
    folds = list(_folds(candles.closes, paths, plan))
    start, reference = folds[0].start, swings(candles.closes, plan.swing)
    walked = [paths[fold.band][bar] for fold in folds for bar in range(fold.start, fold.end)]
    ways: dict[str, States] = {
        "walk-forward": walked,
        "published band": paths[PUBLISHED][start:],
        "always bull": [True] * len(walked),
        "above a year ago": _momentum(candles)[start:],
    }
    judge = _Judge(candles.closes[start:], reference[start:], candles.bars_per_year, plan.cost)
    return Fit(
        band=_best(candles.closes, paths, plan, len(candles.closes))[0],
        folds=folds,
        scores={name: judge.scores(said) for name, said in ways.items()},
        labelled=sum(label is not None for label in reference[start:]),
        turns=switches([label for label in reference[start:] if label is not None]),
        years=len(walked) / candles.bars_per_year,
    )


def states(closes: Sequence[float], window: int, width: float) -> list[bool]:
    """Return whether the service would have said bull after each bar."""
    standing, said = Standing(), [False] * min(window - 1, len(closes))
    for last in range(window, len(closes) + 1):
        standing = standing.after(closes[last - window : last], width)
        said.append(standing.state == "bull")
    return said


def model_of(fitted: Fit, candles: Candles) -> RegimeModel:
    """Return what the service loads."""
    window, width = fitted.band
    version = f"ma-band-{window}-{width * 100:.1f}-{candles.digest[:8]}"
    return RegimeModel.model_validate(
        {"version": version, "interval": candles.interval, "window": window, "width": width}
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    closes: Sequence[float]
    reference: Sequence[bool | None]
    bars_per_year: float
    cost: float

    def scores(self, said: States) -> Scores:
        returns = long_or_flat(said, self.closes, cost=self.cost)
        return Scores(
            matthews=_correlation(said, self.reference),
            switches_per_year=switches(said) / len(said) * self.bars_per_year,
            sharpe=sharpe(returns, self.bars_per_year),
            fall=deepest_fall(returns),
            paid=compounded(returns),
        )


def _folds(closes: Sequence[float], paths: dict[Band, list[bool]], plan: Plan) -> Iterator[Fold]:
    first = int(len(closes) * plan.first_share)
    cuts = [first + (len(closes) - first) * n // plan.folds for n in range(plan.folds + 1)]
    for start, end in pairwise(cuts):
        band, trained = _best(closes, paths, plan, start)
        yield Fold(start, end, band, trained)


def _best(
    closes: Sequence[float], paths: dict[Band, list[bool]], plan: Plan, until: int
) -> tuple[Band, float | None]:
    """Return the band that fits the bars before `until` best, by labels that only those give."""
    first, reference = max(plan.windows), swings(closes[:until], plan.swing)
    fits = {band: _correlation(paths[band][first:until], reference[first:]) for band in plan.bands}
    known = {band: value for band, value in fits.items() if value is not None}
    if not known:
        return PUBLISHED, None
    best = max(known, key=lambda band: (known[band], -band[0], -band[1]))
    return best, known[best]


def _correlation(said: States, reference: Sequence[bool | None]) -> float | None:
    pairs = [(s, r) for s, r in zip(said, reference, strict=True) if r is not None]
    return matthews([s for s, _ in pairs], [r for _, r in pairs])


def _momentum(candles: Candles) -> list[bool]:
    year = int(candles.bars_per_year)
    closes = candles.closes
    return [bar >= year and closes[bar] > closes[bar - year] for bar in range(len(closes))]
