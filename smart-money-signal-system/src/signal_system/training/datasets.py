"""Where candles for training come from: a file or a journal; read, checked, and named by content."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

from shared_events.errors import DataError
from shared_events.journal import Tick, decode_record, read
from shared_events.payloads import Candle
from signal_system.ml.arrays import Ints
from signal_system.ml.bars import MILLISECOND, Bars
from signal_system.ml.data_quality import Quality, inspected, require_good
from signal_system.ml.features.bar import INTERVAL_MS
from signal_system.price_history import is_final

_TIMES = ("open_time", "timestamp_ms", "timestamp", "time", "date", "datetime")
_COLUMNS = ("open", "high", "low", "close", "volume")
_MILLISECONDS_FROM, _SECONDS_FROM = 10**11, 10**8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS: dict[str, timedelta] = {name: ms * MILLISECOND for name, ms in INTERVAL_MS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Bars that may be learned from.

    Attributes
    ----------
    source
        What they were read from.
    digest
        SHA-256 of the bars that are used: equal for equal bars, whatever file they came in.
    """

    coin: str
    interval: str
    source: str
    bars: Bars
    quality: Quality
    digest: str


def from_file(path: Path, coin: str, interval: str) -> Dataset:
    """Read the bars in a parquet or CSV file.

    Columns: an opening time (`open_time` in milliseconds since 1970, UTC; seconds and ISO 8601
    are recognised), open, high, low, close and volume. Shorter bars are put together.

    Raises
    ------
    DataError
        Saying what is wrong, and with which rows.
    """
    frame = _frame(path)
    missing = [name for name in _COLUMNS if name not in frame.columns]
    times = next((name for name in _TIMES if name in frame.columns), None)
    if missing or times is None:
        named = ", ".join(missing or [_TIMES[0]])
        raise DataError(f"{path} has no column {named}: it has {', '.join(map(str, frame))}")
    columns = [pd.to_numeric(frame[name], errors="coerce").to_numpy(float) for name in _COLUMNS]
    opened = _moments(frame[times], path)
    bars = Bars(_length(opened, path), opened, *columns)
    return _checked(bars, coin, interval, path.name)


def from_journal(directory: Path, coin: str, interval: str) -> Dataset:
    """Collect the final candles of `coin` that a journal recorded; a correction counts.

    Where the journal holds no bars so long, they are put together from hours: a bar of which the
    last hour is missing is missing itself.

    Raises
    ------
    DataError
        If it holds none, or what it holds may not be learned from.
    """
    found: dict[str, dict[datetime, Candle]] = {interval: {}, "1h": {}}
    for _, raw in read(directory):
        record = decode_record(raw)
        if isinstance(record, Tick) or not isinstance(record.data, Candle):
            continue
        candle = record.data
        if (
            candle.coin == coin
            and candle.interval in found
            and is_final(candle, record.recorded_at)
        ):
            found[candle.interval][candle.open_time] = candle
    candles = list((found[interval] or found["1h"]).values())
    if not candles:
        raise DataError(f"the journal in {directory} holds no {interval} candles of {coin}")
    return _checked(_bars(candles), coin, interval, f"journal {directory}")


def joined(bars: Bars, length: timedelta) -> Bars:
    """Return the longer bars that `bars`, in order, add up to; whose end is missing are left out."""
    step, part = length // MILLISECOND, bars.length // MILLISECOND
    group = bars.opened // step
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(bars)) - 1
    whole = Bars(
        length=length,
        opened=group[first] * step,
        opens=bars.opens[first],
        highs=np.maximum.reduceat(bars.highs, first),
        lows=np.minimum.reduceat(bars.lows, first),
        closes=bars.closes[last],
        volumes=np.add.reduceat(bars.volumes, first),
    )
    return whole.rows(np.flatnonzero(bars.opened[last] == (group[last] + 1) * step - part))


def _checked(bars: Bars, coin: str, interval: str, source: str) -> Dataset:
    if bars.length > _LENGTHS[interval] or _LENGTHS[interval] % bars.length:
        raise DataError(f"{source} holds bars of {bars.length}, which make no {interval}")
    used, quality = inspected(bars)
    require_good(source, quality)
    if bars.length < _LENGTHS[interval]:
        used = joined(used, _LENGTHS[interval])
    columns = (used.opened, used.opens, used.highs, used.lows, used.closes, used.volumes)
    digest = sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in columns)).hexdigest()
    return Dataset(coin, interval, source, used, quality, digest)


def _bars(candles: list[Candle]) -> Bars:
    columns = [np.array([float(getattr(candle, name)) for candle in candles]) for name in _COLUMNS]
    opened = np.array([(candle.open_time - _EPOCH) // MILLISECOND for candle in candles])
    return Bars(candles[0].close_time - candles[0].open_time, opened, *columns)


def _length(opened: Ints, path: Path) -> timedelta:
    """Return how far apart most bars are."""
    steps = np.diff(np.unique(opened))
    if not len(steps):
        raise DataError(f"{path} needs at least two bars")
    lengths, counts = np.unique(steps, return_counts=True)
    return int(lengths[np.argmax(counts)]) * MILLISECOND


def _frame(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as e:
        raise DataError(f"{path} cannot be read as parquet or CSV: {e}") from e


def _moments(times: pd.Series, path: Path) -> Ints:
    try:
        if pd.api.types.is_numeric_dtype(times):
            return _milliseconds(times, path)
        moments = pd.to_datetime(times, utc=True, format="ISO8601")
        naive = moments.dt.tz_localize(None).to_numpy("datetime64[ms]")
        return np.asarray(naive, dtype=np.int64)
    except (ValueError, OverflowError, TypeError) as e:
        raise DataError(f"{path}: a time cannot be read: {str(e).splitlines()[0]}") from e


def _milliseconds(times: pd.Series, path: Path) -> Ints:
    if times.isna().any() or times.max() < _SECONDS_FROM:
        raise DataError(f"{path}: the times are neither seconds nor milliseconds since 1970")
    factor = 1 if times.max() > _MILLISECONDS_FROM else 1_000
    return np.asarray(np.round(times.to_numpy() * factor), dtype=np.int64)
