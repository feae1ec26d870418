"""What one feature is: named columns, and a handle that is opened on history and fed bar by bar."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from signal_system.ml.features.bar import Bar

Values = tuple[float, ...]
"""One number per column; NaN where it is not known or not defined, never a made-up zero."""

NAN = float("nan")


class Column(NamedTuple):
    """One number of a feature, as the reference tells it; `low` and `high` bound it, None: nothing."""

    name: str
    formula: str
    unit: str
    low: float | None = None
    high: float | None = None


class Handle(Protocol):
    """One feature of one coin at one bar."""

    def update(self, bar: Bar) -> Values:
        """Take the bar that closed next and return the values after it."""
        ...

    def peek(self, bar: Bar) -> Values:
        """Return what `update` would, and change nothing: for a bar that is still forming."""
        ...


class History:
    """Consecutive bars as columns, each made once however many features read it."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.bars = bars

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """Highest prices."""
        return np.array([bar.high for bar in self.bars])

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """Lowest prices."""
        return np.array([bar.low for bar in self.bars])

    @cached_property
    def close(self) -> NDArray[np.float64]:
        """Last prices."""
        return np.array([bar.close for bar in self.bars])


@dataclass(frozen=True)
class Feature(ABC):
    """A definition; its fields are its parameters and enter the hash of every spec that holds it.

    Attributes
    ----------
    version
        Raised whenever the same bars would give other values than before.
    library
        What computes it, with its version, if that is not this package.
    source
        Where the formula is from.
    """

    version: ClassVar[int] = 1
    library: ClassVar[str | None] = None
    source: ClassVar[str]

    @property
    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """What it says, in order."""

    @property
    @abstractmethod
    def lookback(self) -> int:
        """How many bars of history `open` needs."""

    @abstractmethod
    def open(self, history: History) -> Handle:
        """Return the handle as it is after the last bar of `history`."""

    def definition(self) -> dict[str, Any]:
        """Return all that decides its values, ready for JSON."""
        parameters = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            "feature": type(self).__name__,
            "version": self.version,
            "columns": [column.name for column in self.columns],
            "parameters": parameters,
        }


def ratio(part: float, whole: float) -> float:
    """Return `part` / `whole`, NaN where that is not defined.

    Examples
    --------
    >>> ratio(1.0, 4.0), ratio(1.0, 0.0)
    (0.25, nan)
    """
    return part / whole if whole else NAN
