"""What became of a version's predictions, and what it was shown lately."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import log

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from signal_system.ml.direction import CLASSES, Seen
from signal_system.ml.features.series import Vector

KEPT_LOSSES = 2_000
KEPT_ROWS = 336
MISSING = 255
"""The bin of a value that is not known."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST = 1e-12

Edges = Sequence[NDArray[np.float32]]


class Loss(Struct, frozen=True, array_like=True):
    """The log loss of one prediction: the only one counted in a window of the horizon's length."""

    at: datetime
    log_loss: float
    realised: str


class ModelRecord(Struct):
    """What a version of a classifier was worth since it came into service.

    Attributes
    ----------
    matured, right
        Predictions whose outcome is known, and those whose likeliest class it was.
    log_loss
        Sum over them, of the calibrated probabilities.
    realised
        How often each class came true.
    windows
        Losses that do not overlap: the newest of them.
    rows
        The bins that the features of the newest rows fell into, one byte for each column.
    """

    matured: int = 0
    right: int = 0
    log_loss: float = 0.0
    realised: dict[str, int] = {}
    window: int = -1
    windows: list[Loss] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)

    def score(
        self, realised: str, probabilities: Mapping[str, float], due: datetime, horizon: timedelta
    ) -> None:
        """Take that `realised` came true of what was said for the horizon that ended at `due`."""
        loss = -log(max(probabilities.get(realised, 0.0), _LEAST))
        self.matured += 1
        self.right += max(CLASSES, key=lambda each: probabilities.get(each, 0.0)) == realised
        self.log_loss += loss
        self.realised[realised] = self.realised.get(realised, 0) + 1
        window = (due - _EPOCH) // horizon
        if window > self.window:
            self.window = window
            self.windows.append(Loss(due, loss, realised))
            del self.windows[:-KEPT_LOSSES]

    def show(self, values: Vector, edges: Edges) -> None:
        """Take a row that the version was shown."""
        self.rows.append(
            bytes(
                MISSING if np.isnan(value) else int(np.searchsorted(each, value, side="right"))
                for value, each in zip(values, edges, strict=True)
            )
        )
        del self.rows[:-KEPT_ROWS]

    @property
    def mean_log_loss(self) -> float | None:
        """None until something matured."""
        return self.log_loss / self.matured if self.matured else None

    @property
    def base_rate_log_loss(self) -> float | None:
        """What always saying how often each class came true would have cost: known afterwards only."""
        if not self.matured:
            return None
        shares = [count / self.matured for count in self.realised.values()]
        return -sum(share * log(share) for share in shares)


def edges_of(seen: Sequence[Seen]) -> Edges:
    """Return the edges between the bins of every column."""
    return [np.array(each.edges, np.float32) for each in seen]
