"""What each feature was worth to a classifier, as the registry keeps it and the API serves it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared_events.types import UtcDatetime


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Spread(_Part):
    """A mean over folds with the interval that covers it with 95 %."""

    value: float
    low: float
    high: float


class ColumnImportance(_Part):
    """One column of the features.

    Parameters
    ----------
    permutation
        By how much log loss rose on unseen rows when the column was shuffled, in thousandths of a
        nat; below 0 it did better without.
    shap
        Mean absolute contribution to the raw margins, over rows and classes.
    above_control
        Whether it was worth more than the best of the random columns, on the mean over the folds.
    folds_above
        In which share of the folds it was.
    cluster
        Number of the group of columns that say much the same.
    by_fold
        The permutation importance in each fold, in order of time.
    by_regime
        The same in each regime of the market.
    """

    name: str
    permutation: Spread
    shap: float = Field(ge=0)
    above_control: bool
    folds_above: float = Field(ge=0, le=1)
    cluster: int = Field(ge=0)
    by_fold: tuple[float, ...]
    by_regime: dict[str, float]


class ClusterImportance(_Part):
    """Columns that say much the same, shuffled together."""

    columns: tuple[str, ...]
    permutation: Spread
    above_control: bool


class Importances(_Part):
    """Everything that was measured, on rows that the trees had not seen.

    Parameters
    ----------
    control
        The permutation importance of the best random column.
    rank_agreement
        Mean rank correlation of the columns' order between one fold and the next; None if there
        was one fold.
    remove
        Columns not worth more than the control; the best of a cluster that is worth more as a whole
        stays.
    unknown
        Columns that the data did not know at all: nothing can be said of them.
    """

    explains: Literal["raw_margin"] = "raw_margin"
    rows: int = Field(ge=1)
    folds: int = Field(ge=1)
    first: UtcDatetime
    last: UtcDatetime
    control: float
    rank_agreement: float | None
    columns: tuple[ColumnImportance, ...] = Field(min_length=1)
    clusters: tuple[ClusterImportance, ...] = Field(min_length=1)
    remove: tuple[str, ...]
    unknown: tuple[str, ...]
