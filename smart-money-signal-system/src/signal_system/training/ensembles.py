"""Fits tree ensembles and writes them in the two forms that the registry keeps."""

from dataclasses import dataclass
from importlib.util import find_spec

import xgboost

from signal_system.ml.arrays import Floats, Ints, Matrix
from signal_system.ml.direction import CLASSES
from signal_system.ml.trees import ROWS

SEED = 0

_GRAPH_NAME = "direction"  # by default a random one: the same trees must give the same bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """What an ensemble may grow to; depth is at most 4, so that exact reasons stay cheap.

    Attributes
    ----------
    rounds
        Trees for each class.
    least_weight
        Of the rows in a leaf, in the unit of the rows' weights times p (1 - p).
    """

    depth: int
    rounds: int
    learning_rate: float = 0.05
    least_weight: float = 20.0
    rows_share: float = 0.7
    columns_share: float = 0.7
    ridge: float = 5.0

    def __str__(self) -> str:
        return f"depth {self.depth}, {self.rounds} rounds"


def fitted(rows: Matrix, classes: Ints, weights: Floats, shape: Shape) -> xgboost.Booster:
    """Return trees that tell `classes` (places in `CLASSES`) apart; one thread, so always the same."""
    table = xgboost.QuantileDMatrix(rows, classes, weight=weights, nthread=1)
    return xgboost.train(
        {
            "objective": "multi:softprob",
            "num_class": len(CLASSES),
            "max_depth": shape.depth,
            "eta": shape.learning_rate,
            "min_child_weight": shape.least_weight,
            "subsample": shape.rows_share,
            "colsample_bytree": shape.columns_share,
            "lambda": shape.ridge,
            "tree_method": "hist",
            "seed": SEED,
            "nthread": 1,
        },
        table,
        shape.rounds,
    )


def as_ubj(trees: xgboost.Booster) -> bytes:
    """Return `trees` in XGBoost's own form: the same trees give the same bytes."""
    return bytes(trees.save_raw("ubj"))


def as_onnx(trees: xgboost.Booster) -> bytes | None:
    """Return `trees` as an ONNX graph; None where the converter (extra ``train``) is not installed."""
    if find_spec("onnxmltools") is None:
        return None
    from onnxmltools import convert_xgboost  # type: ignore[import-untyped]  # noqa: PLC0415 -- extra
    from onnxmltools.convert.common.data_types import (  # type: ignore[import-untyped]  # noqa: PLC0415 -- extra
        FloatTensorType,
    )

    wide = FloatTensorType([None, trees.num_features()])
    model = convert_xgboost(trees, initial_types=[(ROWS, wide)], name=_GRAPH_NAME)
    return bytes(model.SerializeToString(deterministic=True))
