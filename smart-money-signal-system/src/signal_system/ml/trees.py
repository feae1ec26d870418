"""Tree ensembles as the service asks them: XGBoost's own form, and the ONNX graph made of it.

Both libraries are loaded with this module, so it is imported with the first classifier and not
before. One thread each: a single row is slower with more, and much slower when they have to wait.
"""

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # no stubs
import xgboost
from onnxruntime.capi import (  # type: ignore[import-untyped]  # no stubs
    onnxruntime_pybind11_state as failures,
)

from signal_system.ml.arrays import Matrix
from signal_system.ml.onnx_graph import require_plain
from signal_system.ml.ubj import require_trees

ROWS, PROBABILITIES = "rows", "probabilities"

_ERRORS = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NotImplemented,
    failures.RuntimeException,
)
_QUIET = 3


class Booster:
    """The truth: an ensemble in XGBoost's UBJ.

    Parameters
    ----------
    raw
        Read without running anything in it.
    features, classes
        How many it must have.

    Raises
    ------
    ValueError
        If it is none, or not of that shape.
    """

    def __init__(self, raw: bytes, features: int, classes: int) -> None:
        require_trees(raw, features, classes)
        self._booster = xgboost.Booster()
        try:
            self._booster.load_model(bytearray(raw))
        except xgboost.core.XGBoostError as e:
            raise ValueError("the trees cannot be read as UBJ") from e
        self._booster.set_param({"nthread": 1})

    def probabilities(self, rows: Matrix) -> Matrix:
        """Return the probability of each class, of shape (rows, classes)."""
        return np.asarray(self._booster.inplace_predict(rows, validate_features=False))

    def contributions(self, rows: Matrix) -> Matrix:
        """Return what each feature adds to each class's margin, and last what all start from.

        Exact TreeSHAP (Lundberg et al., Nature Machine Intelligence 2, 2020), of shape (rows,
        classes, features + 1). They add up to the margin, of which the softmax is the probability.
        """
        told = xgboost.DMatrix(rows, nthread=1)
        return np.asarray(self._booster.predict(told, pred_contribs=True, strict_shape=True))

    def margins(self, rows: Matrix) -> Matrix:
        """Return the margin of each class, of shape (rows, classes)."""
        told = xgboost.DMatrix(rows, nthread=1)
        return np.asarray(self._booster.predict(told, output_margin=True, strict_shape=True))


class Graph:
    """What is asked instead, because it answers one row many times faster.

    Raises
    ------
    ValueError
        If it is anything but one tree ensemble.
    """

    def __init__(self, raw: bytes) -> None:
        require_plain(raw)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        try:
            self._session = onnxruntime.InferenceSession(
                raw, options, providers=["CPUExecutionProvider"]
            )
        except _ERRORS as e:
            raise ValueError("the ONNX graph cannot be loaded") from e

    def probabilities(self, rows: Matrix) -> Matrix:
        """Return the probability of each class, of shape (rows, classes).

        Raises
        ------
        ValueError
            If it does not take such rows.
        """
        try:
            return np.asarray(self._session.run([PROBABILITIES], {ROWS: rows})[0])
        except (*_ERRORS, ValueError) as e:
            raise ValueError("the ONNX graph does not take these rows") from e
