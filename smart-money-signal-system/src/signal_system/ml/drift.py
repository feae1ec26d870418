"""Whether a version still sees the world it was taught: its features, and what its errors cost.

Features: the population stability index of the newest rows against those of training (Siddiqi,
Credit Risk Scorecards, 2006). Without drift it is about chi-square over the number of rows (Yurdakul
2018), and rows that resemble each other count as fewer: so its limit follows from how many there
are, and a change must last for two windows. Losses: ADWIN (Bifet and Gavalda 2007), which raises
false alarms on anything autocorrelated and therefore is shown losses that do not overlap.

Drift proposes to train anew; it promotes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from math import sqrt
from statistics import NormalDist, fmean
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from signal_system.ml.direction import DirectionParameters, Seen
from signal_system.ml.model_record import KEPT_ROWS, MISSING, Loss, ModelRecord

WINDOW_ROWS = KEPT_ROWS // 2
LEAST_PSI = 0.1
"""Below it a change is none to care about, however many rows show it."""

FALSE_ALARMS = 0.01
"""How often any column may be named although nothing changed."""

ADWIN_DELTA = 0.002
_LARGEST_LOSS = 3.0
_FEWEST_LOSSES = 30

Role = Literal["champion", "challenger"]
Bins = NDArray[np.int64]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnDrift(_Part):
    """One column in the newest window.

    Parameters
    ----------
    psi
        Population stability index against the rows of training.
    limit
        What chance makes of as many rows, and at least `LEAST_PSI`.
    effective_rows
        How many independent rows the window amounts to.
    drifted
        Whether this window and the one before are both beyond their limits.
    """

    name: str
    psi: float
    limit: float
    effective_rows: float
    drifted: bool


class LossDrift(_Part):
    """What the errors cost; None where too few predictions matured.

    Parameters
    ----------
    losses
        How many that do not overlap are known.
    risen_at
        When ADWIN found that the mean had risen; None if it has not.
    """

    losses: int
    before: float | None
    since: float | None
    risen_at: datetime | None


class DriftReport(_Part):
    """Everything that was found of one version; `proposal` says why to train anew, None: no reason."""

    name: str
    version: str
    role: Role
    judged_at: datetime
    rows: int
    rows_needed: int = KEPT_ROWS
    columns: tuple[ColumnDrift, ...]
    loss: LossDrift
    matured: int
    mean_log_loss: float | None
    base_rate_log_loss: float | None
    proposal: str | None


class Subject(NamedTuple):
    """Which version is judged."""

    name: str
    role: Role
    version: str


class Stability(NamedTuple):
    """A column in one window: its index, the limit, how many independent rows there were."""

    psi: float
    limit: float
    effective_rows: float


def judged(
    subject: Subject, record: ModelRecord, parameters: DirectionParameters, at: datetime
) -> DriftReport:
    """Return what `record` says of drift from what `parameters` say of training."""
    seen, taught = parameters.seen, parameters.rows
    columns = _columns(record.rows, seen, taught) if len(record.rows) >= KEPT_ROWS else ()
    loss = losses(record.windows)
    return DriftReport(
        name=subject.name,
        version=subject.version,
        role=subject.role,
        judged_at=at,
        rows=len(record.rows),
        columns=columns,
        loss=loss,
        matured=record.matured,
        mean_log_loss=record.mean_log_loss,
        base_rate_log_loss=record.base_rate_log_loss,
        proposal=_proposal(columns, loss),
    )


def stability(bins: Bins, seen: Seen, taught: int, columns: int = 1) -> Stability:
    """Return how far the values in `bins` are from those of training.

    Parameters
    ----------
    columns
        Among how many the false alarms are to be shared.

    Examples
    --------
    >>> seen = Seen(name="a", edges=(0.0,), shares=(0.5, 0.5), missing=0.0)
    >>> stability(np.array([0, 1] * 50), seen, 10_000).psi
    0.0
    >>> found = stability(np.random.default_rng(0).permutation([0] * 90 + [1] * 10), seen, 10_000)
    >>> found.psi > found.limit
    True
    """
    expected = np.array([*(share * (1 - seen.missing) for share in seen.shares), seen.missing])
    count = len(expected)
    places = np.where(bins == MISSING, count - 1, np.minimum(bins, count - 1))
    found = np.bincount(places, minlength=count) / len(places)
    used = (expected > 0) | (found > 0)
    least = 0.5 / len(places)  # of a bin that nothing fell into
    old, new = (np.maximum(each[used], least) for each in (expected, found))
    psi = float(((new - old) * np.log(new / old)).sum())
    kept = _independent_share(places)
    effective = len(places) * kept
    noise = 1 / effective + 1 / max(taught * kept, 1.0)
    free = int(used.sum()) - 1
    limit = max(LEAST_PSI, noise * _chi_square(free, 1 - FALSE_ALARMS / columns)) if free else 1.0
    return Stability(psi, limit, effective)


def losses(windows: Sequence[Loss]) -> LossDrift:
    """Return whether losses that do not overlap have risen."""
    values = [each.log_loss for each in windows]
    if len(values) < _FEWEST_LOSSES:
        return LossDrift(losses=len(values), before=None, since=None, risen_at=None)
    risen = None
    adwin = import_module("river.drift").ADWIN(delta=ADWIN_DELTA)
    for number, value in enumerate(values):
        before = adwin.estimation
        adwin.update(min(value, _LARGEST_LOSS) / _LARGEST_LOSS)
        if adwin.drift_detected and adwin.estimation > before:
            risen = windows[number].at
    start = len(values) - int(adwin.width) if risen is not None else 0
    earlier = fmean(values[:start]) if start else None
    return LossDrift(
        losses=len(values),
        before=earlier,
        since=fmean(values[start:]),
        risen_at=risen,
    )


def _columns(rows: Sequence[bytes], seen: Sequence[Seen], taught: int) -> tuple[ColumnDrift, ...]:
    table = np.array([np.frombuffer(row, np.uint8) for row in rows], np.int64)
    earlier, newest = table[-KEPT_ROWS:-WINDOW_ROWS], table[-WINDOW_ROWS:]
    found = []
    for place, each in enumerate(seen):
        if not each.shares:
            continue
        before = stability(earlier[:, place], each, taught, len(seen))
        now = stability(newest[:, place], each, taught, len(seen))
        found.append(
            ColumnDrift(
                name=each.name,
                psi=now.psi,
                limit=now.limit,
                effective_rows=now.effective_rows,
                drifted=now.psi > now.limit and before.psi > before.limit,
            )
        )
    return tuple(sorted(found, key=lambda column: -column.psi / column.limit))


def _independent_share(places: Bins) -> float:
    """Return which part of rows that follow each other counts as independent: (1 - r) / (1 + r)."""
    spread = float(places.std())
    if not spread:
        return 1 / len(places)
    centred = places - places.mean()
    alike = float((centred[1:] * centred[:-1]).mean()) / spread**2
    alike = min(max(alike, 0.0), 1 - 2 / len(places))
    return (1 - alike) / (1 + alike)


def _chi_square(free: int, probability: float) -> float:
    """Return the quantile, as Wilson and Hilferty (1931) approximate it.

    Examples
    --------
    >>> round(_chi_square(9, 0.99), 1)
    21.7
    """
    z, part = NormalDist().inv_cdf(probability), 2 / (9 * free)
    return free * (1 - part + z * sqrt(part)) ** 3


def _proposal(columns: Sequence[ColumnDrift], loss: LossDrift) -> str | None:
    drifted = [each.name for each in columns if each.drifted]
    reasons = []
    if drifted:
        more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""  # noqa: PLR2004
        reasons.append(f"features left the range they were taught: {', '.join(drifted[:3])}{more}")
    if loss.risen_at is not None:
        reasons.append(f"losses have risen, found on {loss.risen_at:%Y-%m-%d}")
    return "; ".join(reasons) or None
