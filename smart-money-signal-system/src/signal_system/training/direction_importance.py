"""Asks what each feature was worth on the tests of a walk, of trees that learned noise along."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xgboost

from signal_system.ml.arrays import Floats, Matrix
from signal_system.ml.direction import calibrated
from signal_system.ml.feature_importance import FeatureImportanceAnalyzer, Fold
from signal_system.ml.importances import Importances
from signal_system.ml.splits import Split
from signal_system.ml.standing import STATES
from signal_system.training.classifiers import grown
from signal_system.training.direction_data import DirectionData
from signal_system.training.direction_plan import Plan, folded
from signal_system.training.ensembles import SEED, Shape

FOLDS = 8


def importances(
    data: DirectionData, reported: Sequence[Split], shape: Shape, plan: Plan
) -> Importances:
    """Return the worth of each feature on the rows that `reported` tested, in a few longer folds."""
    analyzer = FeatureImportanceAnalyzer(data.spec.names, data.features, SEED)
    noisy = replace(data, features=analyzer.with_controls(data.features))
    for fold in folded(data, plan, min(FOLDS, len(reported)), int(reported[0].test[0])):
        trees, beta, _ = grown(noisy, fold.train, plan, shape)
        analyzer.add(
            Fold(
                answer=_answer(trees, beta),
                contributions=_contributions(trees),
                rows=noisy.features[fold.test],
                classes=data.classes[fold.test],
                markets=[STATES[market] for market in data.markets[fold.test]],
                moments=data.labels.began[fold.test],
            )
        )
    return analyzer.importances()


def _answer(trees: xgboost.Booster, beta: float) -> Callable[[Matrix], Floats]:
    return lambda rows: calibrated(
        np.asarray(trees.inplace_predict(rows, validate_features=False), dtype=float), beta
    )


def _contributions(trees: xgboost.Booster) -> Callable[[Matrix], Matrix]:
    return lambda rows: np.asarray(
        trees.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True, strict_shape=True)
    )
