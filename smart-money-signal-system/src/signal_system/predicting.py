"""Answers what the fold asks of classifiers: here are their trees."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np

from shared_events.envelope import StandardEvent, event
from shared_events.payloads import Prediction
from signal_system.directions import Asked
from signal_system.ml.arrays import Floats
from signal_system.ml.direction import CLASSES, Direction, DirectionClass
from signal_system.ml.features.series import Vector

MAX_REASONS = 5
EXPLAINS = "raw_margin"

_DTYPE = np.dtype("<f4")


class Predictor:
    """Holds the trees of the versions in service.

    Everything an answer says follows from the question and the version, down to the event's id:
    asked again after a kill, it says the same.

    Parameters
    ----------
    source
        What its events say they come from.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._models: dict[tuple[str, str], Direction] = {}
        self._last: dict[tuple[str, str], Prediction] = {}

    @property
    def held(self) -> Mapping[tuple[str, str], Direction]:
        """The versions whose trees are here, by name and version."""
        return self._models

    def hold(self, name: str, model: Direction) -> None:
        """Be ready to answer for `model`."""
        self._models[name, model.version] = model

    def keep_only(self, wanted: set[tuple[str, str]]) -> None:
        """Let go of all other versions."""
        for key in self._models.keys() - wanted:
            del self._models[key]
            self._last.pop(key, None)

    def last(self, name: str, version: str) -> Prediction | None:
        """Return what that version last answered; None if it was not asked since the start."""
        return self._last.get((name, version))

    def answer(self, asked: Asked) -> StandardEvent[Any] | None:
        """Return the prediction; None if its trees are not here."""
        model = self._models.get((asked.name, asked.version))
        if model is None:
            return None
        told = self._last[asked.name, asked.version] = predicted(model, asked)
        return event(told, source=self._source, time=asked.at, recorded_at=asked.at)


def predicted(model: Direction, asked: Asked) -> Prediction:
    """Return what `model` says to the row it is asked about, and which columns spoke for it."""
    row = np.frombuffer(asked.values, _DTYPE)
    said = model.probabilities(row[None, :])
    raw, calibrated = (_by_class(each[0]) for each in said)
    likeliest = max(CLASSES, key=calibrated.__getitem__)
    return Prediction(
        model=asked.name,
        model_version=asked.version,
        coin=asked.coin,
        at=asked.at,
        horizon_seconds=asked.horizon_seconds,
        features_hash=sha256(asked.values).hexdigest(),
        raw_probability=raw[likeliest],
        calibrated_probability=calibrated[likeliest],
        reasons=reasons(model, row, likeliest),
        predicted=likeliest,
        raw_probabilities=raw,
        calibrated_probabilities=calibrated,
        explains=EXPLAINS,
        spec_hash=asked.spec_hash,
        bar_closed_at=asked.bar_closed_at,
        role=asked.role,
        decides=asked.decides,
        reference_price=asked.reference_price,
        above=asked.above,
        below=asked.below,
    )


def reasons(model: Direction, row: Vector, said: DirectionClass) -> tuple[tuple[str, float], ...]:
    """Return the columns that moved the margin of `said` most, the largest first."""
    parts = model.contributions(row[None, :])[0, CLASSES.index(said), :-1]
    largest = np.argsort(-np.abs(parts), kind="stable")[:MAX_REASONS]
    return tuple((model.spec.names[place], float(parts[place])) for place in largest)


def _by_class(probabilities: Floats) -> dict[str, float]:
    told = np.clip(probabilities, 0.0, 1.0).tolist()
    return dict(zip(CLASSES, told, strict=True))
