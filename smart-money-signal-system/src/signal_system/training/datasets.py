"""Candle files: what they must hold, and what is refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

from shared_events.errors import DataError

_TIMES = ("timestamp_ms", "open_time", "timestamp", "time", "date", "datetime", "t")
_CLOSES = ("close", "Close", "c")
_INTERVALS = {timedelta(hours=1): "1h", timedelta(hours=4): "4h", timedelta(days=1): "1d"}
_MILLISECONDS_FROM, _SECONDS_FROM = 10**11, 10**8


@dataclass(frozen=True, slots=True)
class Candles:
    """Closing prices of equally long bars, oldest first; gaps are allowed and counted.

    Attributes
    ----------
    digest
        SHA-256 of the file they came from.
    """

    name: str
    digest: str
    interval: str
    opened: tuple[datetime, ...]
    closes: tuple[float, ...]
    missing: int

    @property
    def bars_per_year(self) -> float:
        """How many bars a year has."""
        lengths = {name: length for length, name in _INTERVALS.items()}
        return timedelta(days=365.25) / lengths[self.interval]


def read_candles(path: Path) -> Candles:
    """Read a parquet or CSV file with a column of opening times and one of closes.

    Times are ISO 8601, or seconds or milliseconds since 1970, in UTC.

    Raises
    ------
    DataError
        Saying what is wrong with the file.
    """
    frame = _frame(path)
    times, closes = _column(frame, _TIMES, path), _column(frame, _CLOSES, path)
    table = pd.DataFrame({"opened": _moments(times, path), "close": closes})
    table = table.dropna().drop_duplicates("opened", keep="last").sort_values("opened")
    if not pd.api.types.is_numeric_dtype(table["close"]) or not (table["close"] > 0).all():
        raise DataError(f"{path}: every close must be a number above 0")
    steps = table["opened"].diff().dropna()
    interval = _INTERVALS.get(steps.median().to_pytimedelta()) if len(steps) else None
    if interval is None:
        raise DataError(f"{path}: bars must be 1 hour, 4 hours or 1 day apart")
    length = steps.median()
    return Candles(
        name=path.name,
        digest=sha256(path.read_bytes()).hexdigest(),
        interval=interval,
        opened=tuple(moment.to_pydatetime() for moment in table["opened"]),
        closes=tuple(float(close) for close in table["close"]),
        missing=int((steps / length - 1).clip(lower=0).round().sum()),
    )


def _frame(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as e:
        raise DataError(f"{path} cannot be read as parquet or CSV: {e}") from e


def _column(frame: pd.DataFrame, names: tuple[str, ...], path: Path) -> pd.Series:
    for name in names:
        if name in frame.columns:
            return frame[name]
    raise DataError(f"{path} has none of the columns {', '.join(names)}: {list(frame.columns)}")


def _moments(times: pd.Series, path: Path) -> pd.Series:
    try:
        if not pd.api.types.is_numeric_dtype(times):
            return pd.to_datetime(times, utc=True, format="ISO8601")
        largest = times.max()
        unit = "ms" if largest > _MILLISECONDS_FROM else "s" if largest > _SECONDS_FROM else None
        if unit is None:
            raise DataError(f"{path}: the times are neither seconds nor milliseconds since 1970")
        return pd.to_datetime(times, unit=unit, utc=True)
    except (ValueError, OverflowError) as e:
        raise DataError(f"{path}: a time cannot be read: {str(e).splitlines()[0]}") from e
