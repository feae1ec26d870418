"""The report of a training as plain values: what `report.json` holds and the page shows."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from signal_system.evaluation.deflated_sharpe import Deflated
from signal_system.ml.arrays import Ints
from signal_system.ml.standing import STATES
from signal_system.training.datasets import Dataset
from signal_system.training.regime_training import JUMP, Outcome

Report = Mapping[str, Any]

SHOWN = (JUMP, "moving-average band (100 d, 2 %)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def report(dataset: Dataset, outcome: Outcome, cost: float) -> Report:
    """Return everything that came out, numbers with their intervals, ready for JSON."""
    verdicts = {name: asdict(verdict) for name, verdict in outcome.verdicts.items()}
    return {
        "coin": dataset.coin,
        "interval": dataset.interval,
        "data": {
            "source": dataset.source,
            "sha256": dataset.digest,
            "bars": len(dataset.bars),
            "first": moment(dataset.bars.opened[0]),
            "last": moment(dataset.bars.opened[-1]),
            "missing": dataset.bars.missing,
        },
        "quality": asdict(dataset.quality),
        "plan": asdict(outcome.plan),
        "round_trip_cost": cost,
        "chosen_on": _span(outcome, outcome.chosen_on[0].split, outcome.chosen_on[-1].end),
        "reported_on": _span(outcome, outcome.reported_on[0].split, outcome.reported_on[-1].end),
        "refits": len(outcome.reported_on),
        "trials": [asdict(trial) for trial in outcome.trials],
        "variants_tried": len(outcome.trials),
        "penalty": outcome.penalty,
        "numbers_kept": outcome.numbers_kept,
        "ways": verdicts,
        "volatility_r2_without_states": asdict(outcome.without_states),
        "deflated_sharpe": {name: _deflated(each) for name, each in outcome.deflated.items()},
        "states": [state.model_dump() for state in outcome.parameters.states],
        "gates": [gate.model_dump() for gate in outcome.gates],
        "days": _days(outcome),
    }


def moment(milliseconds: int) -> datetime:
    """Return the moment so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def _span(outcome: Outcome, first: int, end: int) -> dict[str, datetime]:
    closed = outcome.data.closed
    return {"from": moment(closed[first]), "to": moment(closed[end - 1])}


def _deflated(each: Deflated) -> dict[str, float]:
    return {**asdict(each)}


def _days(outcome: Outcome) -> dict[str, Any]:
    """Return the last bar of each reported day: when, the price, and what was said."""
    rows = slice(outcome.reported_on[0].split, outcome.reported_on[-1].end)
    days = outcome.data.days[rows]
    last = np.flatnonzero(np.diff(days, append=days[-1] + 1))
    return {
        "day": [str(np.datetime64(int(day), "D")) for day in days[last]],
        "close": outcome.data.closes[rows][last].tolist(),
        **{name: _names(outcome.codes[name][last]) for name in SHOWN},
    }


def _names(codes: Ints) -> list[str]:
    return [STATES[code] for code in codes]
