"""Turns what training brought into what the registry keeps."""

from datetime import timedelta

import numpy as np
import orjson

from signal_system.ml.features.regime import regime
from signal_system.ml.manifest import DataRange, Manifest, Origin, Signature, canonical
from signal_system.ml.model_registry import Candidate, regime_name
from signal_system.ml.standing import STATES
from signal_system.training.datasets import Dataset
from signal_system.training.regime_page import page
from signal_system.training.regime_report import Report, moment
from signal_system.training.regime_training import JUMP, Outcome
from signal_system.training.turns import TABLES

SEED = 0
_EXAMPLE_ROWS = 48


def candidate(
    dataset: Dataset,
    outcome: Outcome,
    told: Report,
    made_by: Origin,
    parent: str | None,
    expires_after: timedelta,
) -> Candidate:
    """Return the version to be: manifest, model, report and page, and what it is asked at load."""
    bars, spec = dataset.bars, regime(outcome.plan.interval)
    until = moment(bars.closed[-1])
    manifest = Manifest(
        name=regime_name(dataset.coin),
        kind=outcome.parameters.kind,
        created_at=until,
        data_until=until,
        expires_at=until + expires_after,
        signature=Signature(
            features_hash=spec.hash,
            features=spec.names,
            classes=STATES,
            output="state and probabilities after each bar",
        ),
        data=(
            DataRange(
                source=dataset.source,
                sha256=dataset.digest,
                first=moment(bars.opened[0]),
                last=moment(bars.opened[-1]),
                rows=len(bars),
                missing=bars.missing,
            ),
        ),
        metrics=_metrics(outcome),
        gates=tuple(outcome.gates),
        origin=made_by,
        seed=SEED,
        trials=len(outcome.trials),
        parent=parent,
        files={},
    )
    files = {
        "model.json": canonical(outcome.parameters.model_dump(mode="json")),
        "report.json": orjson.dumps(told, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2),
        "report.html": page(told).encode(),
    }
    rows = outcome.data.features[-_EXAMPLE_ROWS:]
    return Candidate(manifest, files, np.asarray(rows).tolist())


def _metrics(outcome: Outcome) -> dict[str, float | None]:
    """Return the numbers that versions are compared by, out of sample."""
    verdict = outcome.verdicts[JUMP]
    return {
        "volatility_r2": verdict.volatility_r2.value,
        "refit_agreement_mean": verdict.agreement_mean,
        "refit_agreement_least": verdict.agreement_least,
        "switches_per_year": verdict.switches_per_year,
        "median_dwell_bars": verdict.median_dwell_bars,
        **{f"matthews_{table}": verdict.noticed[table].matthews.value for table in TABLES},
    }
