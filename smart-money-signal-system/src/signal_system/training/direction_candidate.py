"""Turns what training a classifier brought into what the registry keeps."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import orjson

from signal_system.ml.arrays import Floats, Matrix
from signal_system.ml.direction import CLASSES, DirectionParameters, Seen
from signal_system.ml.manifest import DataRange, Manifest, Origin, Signature, canonical
from signal_system.ml.model_kinds import GRAPH, IMPORTANCES, MODEL, TREES as TREES_FILE
from signal_system.ml.model_registry import Candidate, direction_name
from signal_system.training.classifiers import TREES
from signal_system.training.datasets import Dataset
from signal_system.training.direction_page import page
from signal_system.training.direction_training import Outcome
from signal_system.training.ensembles import SEED, as_onnx, as_ubj
from signal_system.training.regime_report import Report, moment

_EXAMPLE_ROWS = 32
_BINS = 10


def candidate(
    dataset: Dataset,
    outcome: Outcome,
    told: Report,
    made_by: Origin,
    parent: str | None,
    expires_after: timedelta,
) -> Candidate:
    """Return the version to be: manifest, model, report and page, and what it is asked at load."""
    bars, spec = dataset.bars, outcome.data.spec
    until = moment(bars.closed[-1])
    parameters = _parameters(dataset, outcome)
    manifest = Manifest(
        name=direction_name(dataset.coin, outcome.plan.horizon),
        kind=parameters.kind,
        created_at=until,
        data_until=until,
        expires_at=until + expires_after,
        signature=Signature(
            features_hash=spec.hash,
            features=spec.names,
            classes=CLASSES,
            output="probability of each class",
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
        trials=outcome.variants,
        parent=parent,
        files={},
    )
    graph = as_onnx(outcome.trees)
    files = {
        MODEL: canonical(parameters.model_dump(mode="json")),
        TREES_FILE: as_ubj(outcome.trees),
        IMPORTANCES: canonical(outcome.importances.model_dump(mode="json")),
        "report.json": orjson.dumps(told, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2),
        "report.html": page(told).encode(),
    }
    if graph is not None:
        files[GRAPH] = graph
    return Candidate(manifest, files, plain(outcome.data.features[-_EXAMPLE_ROWS:]))


def plain(rows: Matrix) -> list[list[float | None]]:
    """Return `rows` as JSON has them; None is not known."""
    return [[None if np.isnan(x) else float(x) for x in row] for row in rows]


def seen(names: Sequence[str], rows: Matrix) -> tuple[Seen, ...]:
    """Return how each column is distributed over `rows`, in at most ten bins of equally many."""
    return tuple(_seen(name, column) for name, column in zip(names, rows.T, strict=True))


def _seen(name: str, column: Floats | Matrix) -> Seen:
    known = column[~np.isnan(column)].astype(float)
    missing = 1 - len(known) / max(1, len(column))
    if not len(known):
        return Seen(name=name, edges=(), shares=(), missing=missing)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    edges = edges[edges > known.min()]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    shares = tuple((counts / len(known)).tolist())
    return Seen(name=name, edges=tuple(edges.tolist()), shares=shares, missing=missing)


def _parameters(dataset: Dataset, outcome: Outcome) -> DirectionParameters:
    spec, rows = outcome.data.spec, outcome.data.features[outcome.taught]
    return DirectionParameters(
        coin=dataset.coin,
        interval=spec.interval,
        horizon_seconds=round(outcome.plan.horizon.total_seconds()),
        spec=spec.name,
        spec_hash=spec.hash,
        barriers=outcome.plan.barriers,
        beta=outcome.beta,
        rows=len(rows),
        seen=seen(spec.names, rows),
    )


def _metrics(outcome: Outcome) -> dict[str, float | None]:
    """Return the numbers that versions are compared by, out of sample."""
    own = outcome.verdicts[TREES]
    return {
        "log_loss": own.log_loss.value,
        "brier": own.brier.value,
        "gain_mnat": own.gain.value,
        "auc": own.auc.value,
        "auc_of_sign": own.auc_of_sign.value,
        "matthews": own.matthews.value,
        "calibration_error": own.calibration_error,
        "net_sharpe": own.gated.net.value,
        "trades_per_year": own.gated.trades_per_year,
    }
