"""Fits jump models on many windows side by side, and names their states by how the price moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.features.regime import regime
from signal_system.ml.jump_model import cheapest, fitted, losses_of, values_of
from signal_system.ml.jump_regime import JumpInterval, JumpParameters, JumpState
from signal_system.ml.standing import RegimeState
from signal_system.training.regime_data import RegimeData
from signal_system.training.regime_plan import Plan, Window

CLIP = 4.0
DIRECTION: dict[JumpInterval, str] = {"1h": "trend_168", "1d": "sortino_60"}
"""The feature that says where the price has been going: states are named by it."""

_CLEAR = 0.5
_RISEN = 0.25
_AT_ONCE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Centres in standard units, one row for each state, from the most fallen to the most risen."""

    penalty: float
    means: Floats
    scales: Floats
    centres: Floats
    names: tuple[RegimeState, ...]

    @classmethod
    def of(cls, model: JumpParameters) -> "Fit":
        """Return the fit that `model` was made of."""
        return cls(
            penalty=model.penalty,
            means=np.array(model.means),
            scales=np.array(model.scales),
            centres=np.array([state.centre for state in model.states]),
            names=tuple(state.name for state in model.states),
        )

    @property
    def raw(self) -> Floats:
        """The centres in the features' own units."""
        return np.asarray(self.means + self.scales * self.centres)

    def standardised(self, features: Floats) -> Floats:
        """Return `features` in scales from the means, clipped: as the service does it."""
        return np.clip((features - self.means) / self.scales, -CLIP, CLIP)


def fit_all(
    data: RegimeData, windows: Sequence[Window], plan: Plan, penalties: Sequence[float]
) -> list[list[Fit]]:
    """Return for each of `penalties` the fits on the training rows of all `windows`."""
    jobs = [(penalty, window) for penalty in penalties for window in windows]
    fits = []
    for first in range(0, len(jobs), _AT_ONCE):
        fits += _fit_some(data, jobs[first : first + _AT_ONCE], plan)
    count = len(windows)
    return [fits[first : first + count] for first in range(0, len(fits), count)]


def online(data: RegimeData, windows: Sequence[Window], fits: Sequence[Fit]) -> list[Ints]:
    """Return the causal state numbers of all rows of each window, as the service would have them."""
    rows = [
        f.standardised(data.features[w.start : w.end]) for w, f in zip(windows, fits, strict=True)
    ]
    centres = np.stack([f.centres for f in fits], axis=-1)
    losses = losses_of(np.stack(rows, axis=-1), centres)
    penalties = np.array([f.penalty for f in fits])
    return list(cheapest(values_of(losses, penalties)).T)


def named(centres: Floats, scale: float) -> tuple[RegimeState, ...]:
    """Name states by their mean `DIRECTION`, in raw units and ascending; `scale` is its spread.

    The most fallen is bear, the most risen bull, what lies between neutral. Where two of them are
    hardly apart, or the first has risen, or the last has not, a name would say more than is known.

    Examples
    --------
    >>> named(np.array([-0.06, 0.01, 0.12]), scale=0.05)
    ('bear', 'neutral', 'bull')
    >>> named(np.array([0.03, 0.05, 0.12]), scale=0.05)
    ('unknown', 'unknown', 'bull')
    """
    places = centres / scale
    names: list[RegimeState] = ["bear", *["neutral"] * (len(places) - 2), "bull"]  # type: ignore[list-item]  # mypy widens the repeated literal
    if places[0] > _RISEN:
        names[0] = "unknown"
    if places[-1] < _RISEN:
        names[-1] = "unknown"
    for low, high in pairwise(range(len(places))):
        if places[high] - places[low] < _CLEAR:
            names[low] = names[high] = "unknown"
    return tuple(names)


def matched(fit: Fit, previous: Fit) -> tuple[int, ...]:
    """Return for each state of `fit` the state of `previous` that it continues.

    The pairing whose centres are least apart in all, in the features' own units, each over its
    spread: numbers alone mean nothing across refits.
    """
    apart = ((fit.raw[:, None] - previous.raw) / previous.scales) ** 2
    distances = apart.sum(axis=-1)
    numbers = range(len(distances))
    return min(
        permutations(numbers),
        key=lambda order: sum(distances[state, other] for state, other in enumerate(order)),
    )


def parameters(fit: Fit, data: RegimeData, rows: slice, coin: str, plan: Plan) -> JumpParameters:
    """Return the artefact of `fit`, with what its states were on the `rows` it was fitted on."""
    count = len(data.features[rows])
    numbers = online(data, [Window(rows.start, rows.stop, rows.stop)], [fit])[0]
    states = [
        JumpState(
            name=name,
            centre=tuple(centre.tolist()),
            share=float(np.mean(numbers == state)) if count else 0.0,
            mean_return=_mean(data.returns[rows][numbers == state]),
            volatility=_mean(data.returns[rows][numbers == state] ** 2) ** 0.5,
        )
        for state, (name, centre) in enumerate(zip(fit.names, fit.centres, strict=True))
    ]
    return JumpParameters(
        coin=coin,
        interval=plan.interval,
        spec_hash=regime(plan.interval).hash,
        means=tuple(fit.means.tolist()),
        scales=tuple(fit.scales.tolist()),
        clip=CLIP,
        penalty=fit.penalty,
        dwell_bars=plan.dwell_bars,
        states=tuple(states),
    )


def _fit_some(data: RegimeData, jobs: Sequence[tuple[float, Window]], plan: Plan) -> list[Fit]:
    taught = [data.features[window.start : window.split] for _, window in jobs]
    means, scales = (
        [rows.mean(axis=0) for rows in taught],
        [rows.std(axis=0).clip(1e-12) for rows in taught],
    )
    rows = [
        np.clip((raw - mean) / scale, -CLIP, CLIP)
        for raw, mean, scale in zip(taught, means, scales, strict=True)
    ]
    penalties = np.array([penalty for penalty, _ in jobs])
    centres = fitted(np.stack(rows, axis=-1), plan.states, penalties)
    return [
        _fit(penalty, means[job], scales[job], centres[..., job], plan.interval)
        for job, penalty in enumerate(penalties)
    ]


def _fit(
    penalty: float, means: Floats, scales: Floats, centres: Floats, interval: JumpInterval
) -> Fit:
    column = regime(interval).names.index(DIRECTION[interval])
    centres = centres[centres[:, column].argsort(kind="stable")]
    direction = means[column] + scales[column] * centres[:, column]
    return Fit(float(penalty), means, scales, centres, named(direction, scales[column]))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
