"""The report of a classifier as plain values: what `report.json` holds and the page shows."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from signal_system.ml.arrays import Ints
from signal_system.training.datasets import Dataset
from signal_system.training.direction_training import Outcome
from signal_system.training.regime_report import Report, moment

_DAYS_PER_POINT = 7


def report(dataset: Dataset, outcome: Outcome) -> Report:
    """Return everything that came out, numbers with their intervals, ready for JSON."""
    data, plan = outcome.data, outcome.plan
    verdicts = {name: asdict(verdict) for name, verdict in outcome.verdicts.items()}
    return {
        "coin": dataset.coin,
        "interval": dataset.interval,
        "horizon_hours": plan.horizon.total_seconds() / 3600,
        "data": {
            "source": dataset.source,
            "sha256": dataset.digest,
            "bars": len(dataset.bars),
            "first": moment(dataset.bars.opened[0]),
            "last": moment(dataset.bars.opened[-1]),
            "missing": dataset.bars.missing,
        },
        "quality": asdict(dataset.quality),
        "rows": len(data),
        "shares": _shares(data.classes),
        "reach": float(np.median(data.labels.reach)),
        "barriers": plan.barriers.model_dump(),
        "round_trip_cost": plan.cost,
        "window_days": plan.window.days,
        "refit_days": plan.step.days,
        "chosen_on": _span(outcome, outcome.chosen_on),
        "reported_on": _span(outcome, outcome.reported_on),
        "refits": outcome.refits,
        "trials": [
            {"shape": str(each.shape), "log_loss": each.log_loss} for each in outcome.trials
        ],
        "shape": str(outcome.shape),
        "variants_tried": outcome.variants,
        "ways": verdicts,
        "against_logistic": asdict(outcome.against_logistic),
        "shuffled_labels": {
            "mean": outcome.shuffled.mean,
            "error": outcome.shuffled.error,
            "runs": outcome.shuffled.runs,
        },
        "deflated_sharpe": {name: asdict(each) for name, each in outcome.deflated.items()},
        "beta": outcome.beta,
        "gates": [gate.model_dump() for gate in outcome.gates],
        "importances": outcome.importances.model_dump(mode="json"),
        "equity": _equity(outcome),
    }


def _shares(classes: Ints) -> Mapping[str, float]:
    counts = np.bincount(classes, minlength=3) / max(1, len(classes))
    return dict(zip(("buy", "sell", "hold"), counts.tolist(), strict=True))


def _span(outcome: Outcome, rows: Ints) -> Mapping[str, Any]:
    began = outcome.data.labels.began[rows]
    return {"from": moment(began[0]), "to": moment(began[-1]), "rows": len(rows)}


def _equity(outcome: Outcome) -> Mapping[str, Any]:
    """Return what one unit became in each way's gated trades, once a week."""
    first = outcome.data.days[outcome.reported_on[0]]
    size = len(next(iter(outcome.daily.values())))
    days = np.arange(0, size, _DAYS_PER_POINT)
    lines = {
        name: np.cumprod(1 + daily)[days].tolist()
        for name, daily in outcome.daily.items()
        if daily.any()
    }
    return {"day": [str(np.datetime64(int(first + day), "D")) for day in days], "lines": lines}
