from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from shared_events.codec import encode
from shared_events.errors import DataError
from shared_events.journal import JournalWriter, encode_tick
from shared_events.testing.factories import NOON
from signal_system.testing.events import candle, price
from signal_system.training.datasets import Dataset, from_file, from_journal

HOUR_MS = 3_600_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def a_table(count: int = 48, step_ms: int = HOUR_MS) -> pd.DataFrame:
    closes = 100 + np.sin(np.arange(count))
    return pd.DataFrame(
        {
            "open_time": round(START.timestamp() * 1000) + np.arange(count) * step_ms,
            "open": closes,
            "high": closes + 1,
            "low": closes - 1,
            "close": closes,
            "volume": np.ones(count),
        }
    )


def csv(tmp_path: Path, table: pd.DataFrame) -> Path:
    path = tmp_path / "candles.csv"
    table.to_csv(path, index=False)
    return path


def test_one_table_is_one_dataset_whatever_file_and_clock_it_is_told_in(tmp_path: Path) -> None:
    table = a_table()
    table.to_parquet(tmp_path / "a.parquet")
    seconds = table.assign(open_time=table["open_time"] // 1000)
    moments = pd.to_datetime(table["open_time"], unit="ms", utc=True)
    words = table.assign(open_time=moments.map(lambda at: at.isoformat()))
    other = table.rename(columns={"open_time": "timestamp_ms"})

    digests = {from_file(tmp_path / "a.parquet", "BTC", "1h").digest}
    for each in (table, seconds, words, other, table.iloc[::-1]):
        digests.add(from_file(csv(tmp_path, each), "BTC", "1h").digest)

    assert len(digests) == 1


def test_another_price_is_another_dataset(tmp_path: Path) -> None:
    table = a_table()
    first = from_file(csv(tmp_path, table), "BTC", "1h").digest
    table.loc[7, "close"] += 0.001

    assert from_file(csv(tmp_path, table), "BTC", "1h").digest != first


def test_short_bars_make_long_ones_and_a_day_without_its_end_is_left_out(tmp_path: Path) -> None:
    table = a_table(24 * 3 - 1)

    days = from_file(csv(tmp_path, table), "BTC", "1d").bars

    assert len(days) == 2
    assert days.closes.tolist() == table["close"][[23, 47]].tolist()
    assert days.highs.tolist() == [table["high"][:24].max(), table["high"][24:48].max()]
    assert days.lows[1] == table["low"][24:48].min()
    assert days.opens[1] == table["open"][24]
    assert days.volumes.tolist() == [24, 24]
    assert days.length == timedelta(days=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "no column open, high, low, close, volume"),
        ("open,high,low,close,volume\n1,1,1,1,1\n", "no column open_time"),
        ("", "cannot be read"),
        ("open_time,open,high,low,close,volume\n", "at least two bars"),
        ("open_time,open,high,low,close,volume\nsoon,1,1,1,1,1\n", "a time cannot be read"),
        ("open_time,open,high,low,close,volume\n1,1,1,1,1,1\n2,1,1,1,1,1\n", "neither seconds"),
        (
            "open_time,open,high,low,close,volume\n1600000000,1,1,1,1,1\n1600086400,1,1,1,1,1\n",
            "make no 1h",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "candles.csv"
    path.write_text(content)

    with pytest.raises(DataError, match=said):
        from_file(path, "BTC", "1h")


def test_bad_rows_are_named(tmp_path: Path) -> None:
    table = a_table()
    table["close"] = table["close"].astype(object)
    table.loc[7, "close"] = "n/a"

    with pytest.raises(DataError, match="row 7"):
        from_file(csv(tmp_path, table), "BTC", "1h")


def journal(tmp_path: Path) -> Dataset:
    """Read a journal that holds two days of hours, one of them corrected, and other things."""
    hours = [candle("BTC", n, 100 + n) for n in range(-12, 36)]
    noise = [candle("ETH", 0, 7), price("BTC", 3), candle("BTC", 36, 9, closed=False)]
    records = [encode(event) for event in (*hours, *noise, candle("BTC", 3, 110, second=200_000))]
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append([*records, encode_tick(NOON)])
    return from_journal(tmp_path / "journal", "BTC", "1h")


def test_a_journal_gives_the_final_candles_of_one_coin_as_they_were_corrected(
    tmp_path: Path,
) -> None:
    bars = journal(tmp_path).bars

    assert len(bars) == 48
    assert bars.closes[15] == 110
    assert bars.closes[16] == 104
    assert bars.missing == 0


def test_days_are_put_together_from_a_journals_hours(tmp_path: Path) -> None:
    journal(tmp_path)

    days = from_journal(tmp_path / "journal", "BTC", "1d").bars

    assert days.closes.tolist() == [111, 135]


def test_a_journal_without_candles_is_nothing_to_learn_from(tmp_path: Path) -> None:
    journal(tmp_path)

    with pytest.raises(DataError, match="no 1h candles of SOL"):
        from_journal(tmp_path / "journal", "SOL", "1h")
