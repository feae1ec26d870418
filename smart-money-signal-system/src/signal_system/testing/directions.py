"""A small classifier that is right about one column, and versions of it in a registry."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from signal_system.ml.arrays import Matrix
from signal_system.ml.direction import CLASSES, Barriers, DirectionParameters, Seen
from signal_system.ml.features.registry import classifier
from signal_system.ml.importances import (
    ClusterImportance,
    ColumnImportance,
    Importances,
    Spread,
)
from signal_system.ml.manifest import DataRange, Gate, Manifest, Origin, Signature, canonical
from signal_system.ml.model_kinds import GRAPH, IMPORTANCES, MODEL, TREES
from signal_system.ml.model_registry import Candidate, ModelRegistry, direction_name
from signal_system.training.ensembles import Shape, as_onnx, as_ubj, fitted

CUTOFF = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = timedelta(hours=4)
_NOWHERE = Spread(value=0.0, low=-0.1, high=0.1)


def made_up_rows(count: int, seed: int = 0) -> Matrix:
    """Return rows of the classifier's columns, one value in twenty not known."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, len(classifier("1h").names))).astype(np.float32)
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows


@cache
def direction_files(
    *, coin: str = "BTC", rounds: int = 20, graph: bool = True
) -> Mapping[str, bytes]:
    """Return the files of trees that call rows with a high first column "buy", a low one "sell"."""
    rows = made_up_rows(600)
    first = np.nan_to_num(rows[:, 0])
    classes = np.select([first > 0.5, first < -0.5], [0, 1], 2)
    shape = Shape(depth=2, rounds=rounds, least_weight=1.0)
    trees = fitted(rows, classes, np.ones(len(rows)), shape)
    converted = as_onnx(trees) if graph else None
    derived = {} if converted is None else {GRAPH: converted}
    return {
        MODEL: canonical(direction_parameters(coin=coin).model_dump(mode="json")),
        TREES: as_ubj(trees),
        IMPORTANCES: canonical(importances().model_dump(mode="json")),
        **derived,
    }


def direction_parameters(*, coin: str = "BTC", beta: float = 0.8) -> DirectionParameters:
    """Return everything beside the trees."""
    spec = classifier("1h")
    return DirectionParameters(
        coin=coin,
        interval="1h",
        horizon_seconds=round(HORIZON.total_seconds()),
        spec=spec.name,
        spec_hash=spec.hash,
        barriers=Barriers(width=1.0, half_life_bars=24, floor=0.001),
        beta=beta,
        rows=600,
        seen=tuple(
            Seen(name=name, edges=(-0.5, 0.5), shares=(0.3, 0.4, 0.3), missing=0.05)
            for name in spec.names
        ),
    )


def importances() -> Importances:
    """Return that the first column decides and the rest does not."""
    names = classifier("1h").names
    columns = tuple(
        ColumnImportance(
            name=name,
            permutation=Spread(value=9.0, low=8.0, high=10.0) if place == 0 else _NOWHERE,
            shap=0.3 if place == 0 else 0.0,
            above_control=place == 0,
            folds_above=1.0 if place == 0 else 0.2,
            cluster=place,
            by_fold=(8.0, 9.0, 10.0) if place == 0 else (-0.1, 0.0, 0.1),
            by_regime={"bull": 9.0} if place == 0 else {"bull": 0.0},
        )
        for place, name in enumerate(names)
    )
    return Importances(
        rows=600,
        folds=3,
        first=CUTOFF - timedelta(days=25),
        last=CUTOFF,
        control=0.1,
        rank_agreement=0.9,
        columns=columns,
        clusters=tuple(
            ClusterImportance(
                columns=(each.name,), permutation=each.permutation, above_control=each.above_control
            )
            for each in columns
        ),
        remove=names[1:],
        unknown=(),
    )


def a_direction_candidate(
    *, coin: str = "BTC", rounds: int = 20, graph: bool = True, passed: bool = True, **manifest: Any
) -> Candidate:
    """Return a version of the small classifier to be, with fields of its manifest set."""
    spec = classifier("1h")
    given: dict[str, Any] = {
        "name": direction_name(coin, HORIZON),
        "kind": "direction-trees",
        "created_at": CUTOFF,
        "data_until": CUTOFF,
        "expires_at": None,
        "signature": Signature(
            features_hash=spec.hash,
            features=spec.names,
            classes=CLASSES,
            output="probability of each class",
        ),
        "data": (
            DataRange(
                source="made up", sha256="0" * 64, first=CUTOFF, last=CUTOFF, rows=1, missing=0
            ),
        ),
        "metrics": {"log_loss": 0.9},
        "gates": (Gate(name="any", says="a gate", value=1.0, threshold=0.5, passed=passed),),
        "origin": Origin(package="0.1.0", git_commit=None, pins_sha256="0" * 64, libraries={}),
        "seed": 0,
        "trials": 1,
        "parent": None,
        "files": {},
    }
    files = direction_files(coin=coin, rounds=rounds, graph=graph)
    inputs = [[None if np.isnan(x) else float(x) for x in row] for row in made_up_rows(32, seed=1)]
    return Candidate(Manifest(**given | manifest), dict(files), inputs)


def a_direction_champion(root: Path, *, now: datetime = CUTOFF, **fields: Any) -> str:
    """Register the small classifier in `root`, make it champion, and return its version."""
    registry, candidate = ModelRegistry(root), a_direction_candidate(**fields)
    version = registry.add(candidate)
    registry.promote(candidate.manifest.name, version, now)
    return version
