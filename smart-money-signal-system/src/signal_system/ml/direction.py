"""Which side may pay: the classifier as an artefact, and as what answers.

Made by ``train-features``, judged by the registry, and a challenger until its gates pass. Its
probabilities are those of the triple-barrier labels it was taught: that the price rises by the
barrier's distance first (``buy``), falls by it first (``sell``), or does neither in time (``hold``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared_events.errors import ConfigError
from shared_events.payloads.market import Interval
from signal_system.ml.arrays import Floats, Matrix
from signal_system.ml.features.registry import SPECS
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.importances import Importances

DirectionClass = Literal["buy", "sell", "hold"]
CLASSES: tuple[DirectionClass, ...] = get_args(DirectionClass)

PARITY = 1e-5
"""How far the served probabilities may be from those of the trees that they were made of."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Seen(_Part):
    """How a column was distributed while training: what drift is measured against.

    Parameters
    ----------
    edges
        Between the bins, ascending; a value on an edge lies above it.
    shares
        Of the known values in each bin: one more than there are edges, none if none was known.
    missing
        Share of the rows in which it was not known.
    """

    name: str
    edges: tuple[float, ...] = Field(max_length=100)
    shares: tuple[float, ...] = Field(max_length=101)
    missing: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _fits_together(self) -> "Seen":
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"the edges of {self.name} must ascend")
        if self.shares and len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{self.name} needs one share for each bin")
        return self


class Barriers(_Part):
    """The rule of the labels: see `signal_system.ml.labels.triple_barrier`."""

    width: float = Field(gt=0)
    half_life_bars: float = Field(gt=0)
    floor: float = Field(ge=0)


class DirectionParameters(_Part):
    """Everything beside the trees: the content of ``model.json``.

    Parameters
    ----------
    spec, spec_hash
        Which features, in which order, by name in `SPECS` and by the hash of their definition.
    beta
        One over the temperature: probabilities to its power, made to add up to 1, are calibrated.
    seen
        The columns while training.
    rows
        How many taught the trees.
    """

    kind: Literal["direction-trees"] = "direction-trees"
    coin: str = Field(min_length=1, max_length=64)
    interval: Interval
    horizon_seconds: int = Field(ge=60, le=30 * 86_400)
    spec: str
    spec_hash: str = Field(min_length=64, max_length=64)
    classes: tuple[DirectionClass, ...] = CLASSES
    barriers: Barriers
    beta: float = Field(gt=0, le=10)
    rows: int = Field(ge=1)
    seen: tuple[Seen, ...]

    @property
    def features(self) -> FeatureSpec:
        """What a row holds."""
        return SPECS[self.spec](self.interval)

    @model_validator(mode="after")
    def _fits_this_build(self) -> "DirectionParameters":
        if self.classes != CLASSES:
            raise ValueError(f"the classes must be {', '.join(CLASSES)}, in this order")
        try:
            spec = self.features
        except (KeyError, ConfigError) as e:
            raise ValueError(f"this build has no features {self.spec!r} on {self.interval}") from e
        if self.spec_hash != spec.hash:
            raise ValueError("it was fitted on other features than this build computes: train anew")
        if tuple(each.name for each in self.seen) != spec.names:
            raise ValueError("it must say of each feature, in order, how it was seen")
        return self


class Probabilities(NamedTuple):
    """Answers to rows, each of shape (rows, classes): as the trees give them, and calibrated."""

    raw: Floats
    calibrated: Floats


class _Served(Protocol):
    def probabilities(self, rows: Matrix) -> Matrix: ...


class _Truth(_Served, Protocol):
    def contributions(self, rows: Matrix) -> Matrix: ...


@dataclass(frozen=True)
class Direction:
    """A version of the classifier, ready to answer.

    Attributes
    ----------
    truth
        The trees themselves.
    graph
        What answers in their place if it is there.
    """

    version: str
    parameters: DirectionParameters
    importances: Importances
    truth: _Truth
    graph: _Served | None

    @cached_property
    def spec(self) -> FeatureSpec:
        """What a row holds."""
        return self.parameters.features

    def probabilities(self, rows: Matrix) -> Probabilities:
        """Return what is likely after each of `rows`, float32 of shape (rows, features).

        NaN is "not known", and the trees know what to do then. Ask for all coins at once.
        """
        raw = np.asarray((self.graph or self.truth).probabilities(rows), dtype=float)
        return Probabilities(raw, calibrated(raw, self.parameters.beta))

    def contributions(self, rows: Matrix) -> Matrix:
        """Return what each feature adds to each class's raw margin; the last is the start.

        Of shape (rows, classes, features + 1). Calibration is monotone: what speaks for a class
        before it does so after it.
        """
        return self.truth.contributions(rows)

    def require_parity(self, rows: Matrix) -> None:
        """Return if what is served is what the trees say.

        Raises
        ------
        ValueError
            If it is further from it than `PARITY` anywhere.
        """
        if self.graph is None:
            return
        served, true = self.graph.probabilities(rows), self.truth.probabilities(rows)
        apart = float(np.abs(served - true).max()) if served.shape == true.shape else np.inf
        if not apart < PARITY:
            raise ValueError(f"the ONNX graph is {apart:.2g} from the trees it was made of")


def calibrated(raw: Floats, beta: float) -> Floats:
    """Return probabilities to the power of `beta`, made to add up to 1 in each row.

    Temperature scaling (Guo, Pleiss, Sun and Weinberger, ICML 2017) on probabilities: `beta` is
    one over the temperature, below 1 if the raw ones are too sure.

    Examples
    --------
    >>> calibrated(np.array([[0.64, 0.16, 0.2]]), beta=0.5).round(3)
    array([[0.486, 0.243, 0.271]])
    """
    powers = np.maximum(raw, np.finfo(np.float32).tiny) ** beta
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=float)


def matrix(rows: Sequence[Sequence[float | None]]) -> Matrix:
    """Return plain `rows` as a matrix; None is not known."""
    return np.array([[np.nan if x is None else x for x in row] for row in rows], np.float32)
