"""What is wrong with a stretch of candles, which rows, and whether anything may be learned from it.

A few faults are in every long history and harmless if set aside; more of them, or one that would
teach something false, and training refuses the data as a whole. Adding a check: one function, one
line in `CHECKS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np

from shared_events.errors import DataError
from signal_system.ml.arrays import Flags, Ints
from signal_system.ml.bars import MILLISECOND, Bars

Verdict = Literal["noted", "set aside", "refused"]

_NAMED = 5
_ROUNDING = 1e-9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LONG_GAP_BARS: Final = 100
_FROZEN_BARS: Final = 24
_SPIKE: Final = 0.25
_RETURNED: Final = 0.25
_JUMP: Final = 12.0
_JUMP_MEMORY: Final = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of fault.

    Attributes
    ----------
    count
        How many faults each row has, of rows sorted by time.
    tolerated
        The share of all rows up to which the data may still be used.
    sets_aside
        Whether the rows it finds are left out then.
    """

    name: str
    says: str
    count: Callable[[Bars], Ints | Flags]
    tolerated: float = 0.0
    sets_aside: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Faults of one kind; `rows` are the first few of them, counted from 0 as they came."""

    check: str
    says: str
    verdict: Verdict
    faults: int
    tolerated: float
    rows: tuple[int, ...]
    moments: tuple[datetime, ...]

    def __str__(self) -> str:
        where = ", ".join(
            f"row {row} ({moment:%Y-%m-%d %H:%M})"
            for row, moment in zip(self.rows, self.moments, strict=True)
        )
        more = ", ..." if self.faults > len(self.rows) else ""
        return f"{self.faults} {self.says}: {where}{more}"


@dataclass(frozen=True, slots=True)
class Quality:
    """What was looked at and what was found; `used` rows are left."""

    rows: int
    used: int
    first: datetime | None
    last: datetime | None
    missing: int
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> Sequence[Finding]:
        """What forbids to learn from it; nothing if it may be used."""
        return [finding for finding in self.findings if finding.verdict == "refused"]


def inspected(bars: Bars) -> tuple[Bars, Quality]:
    """Return `bars` in order, less what is set aside, and what was found.

    Rows may come in any order.
    """
    order = np.argsort(bars.opened, kind="stable")
    ordered = bars.rows(order)
    kept, findings = np.ones(len(bars), dtype=bool), []
    for check in CHECKS:
        counts = np.asarray(check.count(ordered), dtype=np.int64)
        finding = _finding(check, counts, order, ordered)
        if finding is not None:
            findings.append(finding)
        if check.sets_aside:
            kept &= counts == 0
    used = ordered.rows(np.flatnonzero(kept))
    quality = Quality(
        rows=len(bars),
        used=len(used),
        first=_moment(used.opened[0]) if len(used) else None,
        last=_moment(used.opened[-1]) if len(used) else None,
        missing=used.missing,
        findings=tuple(findings),
    )
    return used, quality


def require_good(name: str, quality: Quality) -> None:
    """Return if something may be learned from the data called `name`.

    Raises
    ------
    DataError
        Saying which rows are wrong and how.
    """
    if not quality.used:
        raise DataError(f"{name} has no usable bar")
    if quality.refused:
        faults = "; ".join(map(str, quality.refused))
        raise DataError(f"nothing may be learned from {name}: {faults}. Correct these rows first.")


def require_fresh(name: str, quality: Quality, now: datetime, within: timedelta) -> None:
    """Return if the newest bar is not older than `within`.

    Raises
    ------
    DataError
        Saying how old it is.
    """
    if quality.last is None or now - quality.last > within:
        raise DataError(
            f"the newest bar of {name} opened at {quality.last}, longer ago than"
            f" {within.days} days: bring newer data, or allow it with --fresh-within-days"
        )


def _finding(check: Check, counts: Ints, order: Ints, bars: Bars) -> Finding | None:
    faults, found = int(counts.sum()), np.flatnonzero(counts)
    if not faults:
        return None
    verdict: Verdict = "set aside" if check.sets_aside else "noted"
    named = found[:_NAMED]
    return Finding(
        check=check.name,
        says=check.says,
        verdict="refused" if faults > check.tolerated * len(bars) else verdict,
        faults=faults,
        tolerated=check.tolerated,
        rows=tuple(int(row) for row in order[named]),
        moments=tuple(_moment(at) for at in bars.opened[named]),
    )


def _is_unusable(bars: Bars) -> Flags:
    prices = np.stack([bars.opens, bars.highs, bars.lows, bars.closes])
    good = np.isfinite(prices).all(axis=0) & (prices > 0).all(axis=0)
    return ~(good & np.isfinite(bars.volumes) & (bars.volumes >= 0))


def _is_impossible(bars: Bars) -> Flags:
    top, bottom = np.maximum(bars.opens, bars.closes), np.minimum(bars.opens, bars.closes)
    too_low, too_high = bars.highs < top * (1 - _ROUNDING), bars.lows > bottom * (1 + _ROUNDING)
    return np.asarray(too_low | too_high)


def _is_contradicted(bars: Bars) -> Flags:
    return _repeats(bars) & ~_equals_the_one_before(bars)


def _is_repeated(bars: Bars) -> Flags:
    return _repeats(bars) & _equals_the_one_before(bars)


def _is_off_grid(bars: Bars) -> Flags:
    return np.asarray(bars.opened % (bars.length // MILLISECOND) != 0)


def _missing_before(bars: Bars) -> Ints:
    steps = np.diff(bars.opened, prepend=bars.opened[:1]) // (bars.length // MILLISECOND)
    return np.asarray(np.maximum(steps - 1, 0))


def _follows_a_long_gap(bars: Bars) -> Flags:
    return np.asarray(_missing_before(bars) > _LONG_GAP_BARS)


def _is_a_spike(bars: Bars) -> Flags:
    """Tell which closes jumped far and were back a bar later."""
    returns = _returns(bars)
    after = np.append(returns[1:], 0.0)
    left = np.abs(np.expm1(returns)) > _SPIKE
    return np.asarray(left & (np.abs(returns + after) < _RETURNED * np.abs(returns)))


def _is_a_jump(bars: Bars) -> Flags:
    """Tell which returns are beyond anything of the bars before."""
    size = np.abs(_returns(bars))
    sums = np.concatenate([[0.0], np.cumsum(size**2)])
    found = np.zeros(len(bars), dtype=bool)
    if len(bars) > _JUMP_MEMORY:
        usual = np.sqrt((sums[_JUMP_MEMORY:-1] - sums[: -_JUMP_MEMORY - 1]) / _JUMP_MEMORY)
        found[_JUMP_MEMORY:] = size[_JUMP_MEMORY:] > _JUMP * usual
    return found


def _is_frozen(bars: Bars) -> Flags:
    """Tell which bars repeat the price of a day of bars before, nothing having been traded."""
    still = (bars.volumes == 0) & (bars.highs == bars.lows) & (_returns(bars) == 0)
    last_move = np.maximum.accumulate(np.where(still, -1, np.arange(len(bars))))
    return np.asarray(np.arange(len(bars)) - last_move >= _FROZEN_BARS)


def _returns(bars: Bars) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = bars.log_returns()
    return np.where(np.isfinite(returns), returns, 0.0)


def _repeats(bars: Bars) -> Flags:
    return np.append(False, bars.opened[1:] == bars.opened[:-1])[: len(bars)]


def _equals_the_one_before(bars: Bars) -> Flags:
    table = np.stack([bars.opens, bars.highs, bars.lows, bars.closes, bars.volumes])
    return np.append(False, (table[:, 1:] == table[:, :-1]).all(axis=0))[: len(bars)]


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + int(milliseconds) * MILLISECOND


CHECKS: tuple[Check, ...] = (
    Check("unusable", "rows hold no positive price or no volume", _is_unusable),
    Check("impossible", "rows have a high below or a low above their body", _is_impossible),
    Check("contradicted", "rows differ from one of the same moment", _is_contradicted),
    Check("repeated", "rows repeat the one before", _is_repeated, 1.0, sets_aside=True),
    Check("off grid", "bars begin between two", _is_off_grid, 0.002, sets_aside=True),
    Check("gaps", "bars are missing before", _missing_before, tolerated=0.01),
    Check("long gap", f"gaps are longer than {_LONG_GAP_BARS} bars", _follows_a_long_gap),
    Check("spike", f"closes jump by {_SPIKE:.0%} and are back a bar later", _is_a_spike),
    Check("jump", f"returns are {_JUMP:.0f} times the usual", _is_a_jump, tolerated=0.001),
    Check("frozen", f"bars stand still for {_FROZEN_BARS} bars", _is_frozen, tolerated=0.01),
)
