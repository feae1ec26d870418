"""What the API says of the features of the classifiers in service."""

from collections.abc import Sequence

from shared_events.payloads import Prediction
from signal_system.api.schemas import FeatureImportance, LiveAttribution
from signal_system.directions import ROLES, Directions
from signal_system.predicting import Predictor


def feature_importances(
    directions: Directions, predictor: Predictor
) -> Sequence[FeatureImportance]:
    """Return what was measured when each was trained, and what spoke for its last answer.

    Champions first, by name; a version whose trees are not here yet is left out.
    """
    found = []
    for name, role, version in sorted(
        (each.name, each.role, each.version) for each in directions.serving.values()
    ):
        model = predictor.held.get((name, version))
        if model is not None:
            found.append(
                FeatureImportance(
                    model=name,
                    coin=model.parameters.coin,
                    role=role,
                    horizon_seconds=model.parameters.horizon_seconds,
                    model_version=version,
                    spec_hash=model.parameters.spec_hash,
                    importances=model.importances,
                    live=_live(predictor.last(name, version)),
                )
            )
    return sorted(found, key=lambda each: ROLES.index(each.role))


def _live(told: Prediction | None) -> LiveAttribution | None:
    if told is None or told.bar_closed_at is None or told.predicted is None:
        return None
    if told.calibrated_probability is None:
        return None
    return LiveAttribution(
        bar_closed_at=told.bar_closed_at,
        predicted=told.predicted,
        probability=told.calibrated_probability,
        explains=told.explains or "raw_margin",
        reasons=list(told.reasons),
    )
