"""The fitted jump model as an artefact: what `train-regime` writes and the service judges by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, isfinite
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.regime import regime
from signal_system.ml.features.series import FeatureSeries
from signal_system.ml.jump_model import Values, nearness, step
from signal_system.ml.standing import RegimeState, Sight

JumpInterval = Literal["1h", "1d"]
Row = Annotated[tuple[float, ...], Field(min_length=1, max_length=20)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JumpState(_Part):
    """One state: its place among standardised features, its name, and what it was seen to be.

    ``share`` is of the bars it was fitted on, ``mean_return`` and ``volatility`` are of one bar's
    log return among them.
    """

    name: RegimeState
    centre: Row
    share: float = Field(ge=0, le=1)
    mean_return: float
    volatility: float = Field(ge=0)


class JumpParameters(_Part):
    """Everything that decides a state, and nothing else: the content of ``model.json``.

    Parameters
    ----------
    spec_hash
        Names the features, in the order of the numbers here.
    means, scales
        What a feature is standardised by; beyond `clip` of these scales it counts as that far.
    penalty
        The price of a change, in half squared scales.
    dwell_bars
        For how many bars a state must show before it is said.
    """

    kind: Literal["regime-jump"] = "regime-jump"
    coin: str = Field(min_length=1, max_length=64)
    interval: JumpInterval
    spec_hash: str = Field(min_length=64, max_length=64)
    means: Row
    scales: Row
    clip: float = Field(gt=0)
    penalty: float = Field(gt=0)
    dwell_bars: int = Field(ge=1, le=100)
    states: tuple[JumpState, ...] = Field(min_length=2, max_length=6)

    @model_validator(mode="after")
    def _fits_together(self) -> "JumpParameters":
        lengths = {len(row) for row in (self.means, self.scales, *(s.centre for s in self.states))}
        if lengths != {len(regime(self.interval).names)}:
            raise ValueError("means, scales and centres must have one number for each feature")
        if min(self.scales) <= 0:
            raise ValueError("scales must be above 0")
        if self.spec_hash != regime(self.interval).hash:
            raise ValueError("it was fitted on other features than this build computes: train anew")
        return self


@dataclass(frozen=True)
class JumpRegime:
    """A version of the model, ready to judge.

    A probability is the softmax of the negative values over half the penalty: how clearly the path
    that ends in a state is the cheapest, not how often that was right.
    """

    version: str
    parameters: JumpParameters

    @property
    def interval(self) -> JumpInterval:
        """Length of the bars it is told."""
        return self.parameters.interval

    @property
    def kept_bars(self) -> int:
        """How many bars a row of features follows from."""
        return regime(self.interval).kept_bars

    @property
    def dwell_bars(self) -> int:
        """For how many bars a state must show before it is said."""
        return self.parameters.dwell_bars

    def view(self, closes: Sequence[tuple[int, float]]) -> "_Features":
        """Return the view of one who has seen `closes`."""
        return _Features(self.interval, closes)

    def judge(self, memory: Values, row: Sequence[float]) -> tuple[Values, Sight]:
        """Return what a bar with these features looks like after the bars in `memory`."""
        model = self.parameters
        losses = nearness(self.standardised(row), self._centres)
        values = step(memory or (0.0,) * len(model.states), losses, model.penalty)
        return values, self._sight(values)

    def standardised(self, row: Sequence[float]) -> Values:
        """Return `row` in scales from the means, clipped."""
        model = self.parameters
        return tuple(
            min(model.clip, max(-model.clip, (x - mean) / scale))
            for x, mean, scale in zip(row, model.means, model.scales, strict=True)
        )

    @cached_property
    def _centres(self) -> Sequence[Sequence[float]]:
        return [state.centre for state in self.parameters.states]

    def _sight(self, values: Values) -> Sight:
        states = self.parameters.states
        weights = [exp(-2 * value / self.parameters.penalty) for value in values]
        whole = sum(weights)
        shares: dict[str, float] = {state.name: 0.0 for state in states}
        for state, weight in zip(states, weights, strict=True):
            shares[state.name] += weight / whole
        return Sight(states[values.index(min(values))].name, shares)


class _Features:
    """The regime's features of closing prices; None while they are not known."""

    def __init__(self, interval: JumpInterval, closes: Sequence[tuple[int, float]]) -> None:
        self._series = FeatureSeries.open(regime(interval), (priced(*bar) for bar in closes))

    def see(self, opened_ms: int, price: float) -> Sequence[float] | None:
        self._series.update(priced(opened_ms, price))
        values = self._series.values
        row = None if values is None else values.tolist()
        return row if row is not None and all(map(isfinite, row)) else None


def priced(opened_ms: int, price: float) -> Bar:
    """Return a bar of which only the close is known: all that the regime's features look at."""
    return Bar(opened_ms, price, price, price, price, 0.0)
