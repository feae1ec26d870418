"""What must hold before a classifier may serve: each gate says what was measured and how much is asked."""

from dataclasses import dataclass

import numpy as np
import xgboost

from signal_system.evaluation.deflated_sharpe import Deflated
from signal_system.ml.arrays import Matrix
from signal_system.ml.bars import Bars
from signal_system.ml.direction import CLASSES, PARITY
from signal_system.ml.features.checks import Shuffled
from signal_system.ml.features.series import rows
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.manifest import Gate
from signal_system.ml.trees import Booster, Graph
from signal_system.training.direction_data import DirectionData, direction_data
from signal_system.training.direction_judge import Verdict
from signal_system.training.direction_plan import Plan
from signal_system.training.ensembles import as_onnx, as_ubj
from signal_system.training.feature_build import bars_of
from signal_system.training.resampling import Estimate

CALIBRATION_ERROR = 0.02
SKILL = 0.9
TOO_GOOD_AUC, TOO_GOOD_SHARPE = 0.65, 3.0
ADDITIVITY = 1e-4

_LOOKED_BACK = 4_000
_CUTS = (0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Seams:
    """How far the forms of one model are apart, at most: None where one could not be made.

    Attributes
    ----------
    parity
        Probabilities of the ONNX graph and of the trees.
    additivity
        The sum of a row's reasons and its margin.
    """

    parity: float | None
    additivity: float


def seams(trees: xgboost.Booster, some: Matrix) -> Seams:
    """Measure them on `some` rows, on the forms that the registry keeps."""
    truth, graph = Booster(as_ubj(trees), some.shape[1], len(CLASSES)), as_onnx(trees)
    told = truth.contributions(some).sum(axis=2)
    parity = None
    if graph is not None:
        served, true = Graph(graph).probabilities(some), truth.probabilities(some)
        parity = float(np.abs(served - true).max())
    return Seams(parity, float(np.abs(told - truth.margins(some)).max()))


def exact_prefixes(bars: Bars, spec: FeatureSpec, plan: Plan) -> float:
    """Return the share of rows that stay as they were if later bars are other ones, or none.

    Features, outcomes and all, bit for bit; of the newest bars.
    """
    tail = bars.rows(slice(max(0, len(bars) - _LOOKED_BACK), len(bars)))
    whole, same = _made(tail, spec, plan), list[np.ndarray]()
    for share in _CUTS:
        cut = int(len(tail) * share)
        until = tail.closed[cut - 1]
        moved = tail.closes.copy()
        moved[cut:] = moved[cut:][::-1] * 1.5
        for other in (tail.rows(slice(cut)), _repriced(tail, moved)):
            same.append(_unchanged(whole, _made(other, spec, plan), until))
    together = np.concatenate(same)
    return float(together.mean()) if len(together) else 0.0


def gates_of(
    verdict: Verdict,
    against_logistic: Estimate,
    shuffled: Shuffled,
    luck: Deflated | None,
    exact: float,
    forms: Seams,
) -> list[Gate]:
    """Return every gate of a candidate."""
    chance = abs(shuffled.mean - 0.5) / shuffled.error
    best = max(verdict.gated.net.value or 0.0, verdict.followed.net.value or 0.0)
    return [
        _at_least(
            "prefix invariance", "share of rows that later bars leave as they were", exact, 1
        ),
        _at_least(
            "base rate", "gain over it in thousandths of a nat, at its least", verdict.gain.low, 0
        ),
        _at_least(
            "logistic regression", "gain over it in the same, at its least", against_logistic.low, 0
        ),
        _at_least("direction", "area under the curve, at its least", verdict.auc.low, 0.5),
        _at_most(
            "calibration",
            "what was said less what came, at most",
            verdict.calibration_error,
            CALIBRATION_ERROR,
        ),
        _at_least(
            "deflated Sharpe",
            "chance that the net return is more than luck",
            None if luck is None else luck.probability,
            SKILL,
        ),
        _at_most("shuffled labels", "standard errors from one half, at most", chance, 3),
        _at_most(
            "too good: direction", "area under the curve, at most", verdict.auc.value, TOO_GOOD_AUC
        ),
        _at_most("too good: return", "net Sharpe ratio, at most", best, TOO_GOOD_SHARPE),
        _at_most("parity", "ONNX against the trees, at most", forms.parity, PARITY),
        _at_most("additivity", "reasons against the margin, at most", forms.additivity, ADDITIVITY),
    ]


def _at_least(name: str, says: str, value: float | None, threshold: float) -> Gate:
    passed = value is not None and value >= threshold
    return Gate(name=name, says=says, value=value, threshold=threshold, passed=passed)


def _at_most(name: str, says: str, value: float | None, threshold: float) -> Gate:
    passed = value is not None and value <= threshold
    return Gate(name=name, says=says, value=value, threshold=threshold, passed=passed)


def _made(bars: Bars, spec: FeatureSpec, plan: Plan) -> DirectionData:
    told = list(rows(spec, bars_of(bars)))
    return direction_data(bars, told, spec, plan.horizon, plan.barriers)


def _repriced(bars: Bars, closes: np.ndarray) -> Bars:
    other = bars.with_closes(closes)
    highs, lows = np.maximum(bars.highs, closes), np.minimum(bars.lows, closes)
    changed = bars.closes != closes
    return Bars(
        other.length,
        other.opened,
        other.opens,
        np.where(changed, highs, bars.highs),
        np.where(changed, lows, bars.lows),
        closes,
        other.volumes,
    )


def _unchanged(whole: DirectionData, other: DirectionData, until: int) -> np.ndarray:
    """Tell which rows settled by `until` are the same in both; a lost one is not."""
    settled = np.flatnonzero(whole.labels.ended <= until)
    _, at_whole, at_other = np.intersect1d(
        whole.labels.began[settled], other.labels.began, return_indices=True
    )
    same = np.zeros(len(settled), dtype=bool)
    a, b = settled[at_whole], at_other
    bits = whole.features[a].view(np.int32) == other.features[b].view(np.int32)
    same[at_whole] = (
        bits.all(axis=1)
        & (whole.classes[a] == other.classes[b])
        & (whole.labels.ended[a] == other.labels.ended[b])
        & (whole.labels.returns[a] == other.labels.returns[b])
    )
    return same
