"""What a closed bar costs: all 28 features of 300 coins, streamed and as people usually do it.

    uv run python benchmarks/features.py

The same bars for all: `streamed` is what the service runs, one bar into states that are kept;
`TA-Lib` recomputes its functions on the last 1,000 bars in numpy arrays (19 of the 28 columns);
`pandas` recomputes all of them on a frame of 1,000 bars and takes the last row, its VPIN the simple
one over bars. Before anything is timed, the columns of `pandas` that have the same formula are
compared with ours. Takes about a minute.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from time import perf_counter

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import talib
from rich.console import Console
from rich.table import Table

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import History
from signal_system.ml.features.registry import classifier
from signal_system.ml.features.series import FeatureSeries, rows
from signal_system.testing.bars import walk

SPEC = classifier("1h")
WINDOW = SPEC.warm_up_bars
MORE = 2 * SPEC.reopen_every_bars
OTHER_FORMULA = {"vpin_50"}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--coins", type=int, default=300)
    coins = options.parse_args().coins
    console = Console(width=110)
    markets = [walk(seed, WINDOW + MORE) for seed in range(coins)]
    console.print(f"largest difference from pandas: {difference(markets[0]):.1e} (relative)")
    series = [FeatureSeries.open(SPEC, bars[:WINDOW]) for bars in markets]
    frames = [frame(bars[:WINDOW]) for bars in markets]
    arrays = [History(bars[:WINDOW]) for bars in markets]
    streamed = rounds(series, markets)
    rivals = {
        "TA-Lib, 19 columns": seconds(lambda: [library(each) for each in arrays]),
        "pandas": seconds(lambda: [usual(each) for each in frames]),
    }
    console.print(table(coins, streamed, rivals))
    restart(series, console)


def rounds(series: Sequence[FeatureSeries], markets: Sequence[Sequence[Bar]]) -> list[float]:
    """Return the seconds that each further bar of all coins took."""
    times = []
    for number in range(WINDOW, WINDOW + MORE):
        began = perf_counter()
        for each, bars in zip(series, markets, strict=True):
            each.update(bars[number])
        times.append(perf_counter() - began)
    return times


def table(coins: int, streamed: Sequence[float], rivals: dict[str, float]) -> Table:
    lines = Table("", f"{coins} coins, ms", "per coin, us", "streamed is", box=None, pad_edge=False)
    for column in lines.columns[1:]:
        column.justify = "right"
    mean = sum(streamed) / len(streamed)
    cuts = quantiles(streamed, n=100)
    for name, took in (
        ("streamed, mean", mean),
        ("streamed, median", median(streamed)),
        ("streamed, p99", cuts[98]),
        ("streamed, all states opened anew", max(streamed)),
        *rivals.items(),
    ):
        faster = f"{took / mean:,.0f} x faster" if name in rivals else ""
        lines.add_row(name, f"{1e3 * took:,.1f}", f"{1e6 * took / coins:,.1f}", faster)
    return lines


def restart(series: Sequence[FeatureSeries], console: Console) -> None:
    began = perf_counter()
    saved = [each.snapshot() for each in series]
    kept = perf_counter()
    for each in saved:
        FeatureSeries.restore(SPEC, each)
    console.print(
        f"snapshots of all coins {1e3 * (kept - began):.1f} ms, restored in"
        f" {1e3 * (perf_counter() - kept):,.0f} ms"
    )


def seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def difference(bars: Sequence[Bar]) -> float:
    """Return how far the last row by pandas is from ours, the worst column of one formula."""
    (*_, (_, _, values)) = rows(SPEC, bars)
    theirs = usual(frame(bars[-WINDOW:]))
    worst: float = max(
        abs(theirs[name] - ours) / max(abs(ours), 1e-3)
        for name, ours in zip(SPEC.names, values.tolist(), strict=True)
        if name not in OTHER_FORMULA
    )
    return worst


def frame(bars: Sequence[Bar]) -> pd.DataFrame:
    columns = ("open", "high", "low", "close", "volume", "buy_volume", "sell_volume")
    opened = pd.to_datetime([bar.open_ms for bar in bars], unit="ms", utc=True)
    return pd.DataFrame({name: [getattr(bar, name) for bar in bars] for name in columns}, opened)


def library(history: History) -> list[float]:
    """Recompute what the library has, once for each column that comes of it."""
    high, low, close = history.high, history.low, history.close
    said = [talib.EMA(close, period) for period in (9, 21, 50)]
    said += [talib.ROCP(close, period) for period in (1, 5, 20, 10)]
    said += [talib.RSI(close, 14), talib.RSI(close, 7), talib.MACD(close)[2]]
    said += talib.STOCH(high, low, close, 14, 3)
    said += [talib.ATR(high, low, close, 14), *talib.BBANDS(close, 20)]
    said += [
        function(high, low, close, 14) for function in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    ]
    return [float(each[-1]) for each in said]


def usual(bars: pd.DataFrame) -> dict[str, float]:
    """Recompute all columns on the frame and take the last row of each."""
    close, high, low, volume = bars["close"], bars["high"], bars["low"], bars["volume"]
    columns: dict[str, pd.Series] = {}
    averages = {span: close.ewm(span=span, adjust=False).mean() for span in (9, 21, 50)}
    for span, average in averages.items():
        columns[f"price_to_ema_{span}"] = close / average - 1
    columns["ema_alignment"] = (
        np.sign(averages[9] - averages[21]) + np.sign(averages[21] - averages[50])
    ) / 2
    side = np.sign(close - averages[21])
    columns["bars_above_ema_21"] = side * (
        side.groupby((side != side.shift()).cumsum()).cumcount() + 1
    )
    for name, span in (("return", 1), ("return", 5), ("return", 20), ("momentum", 10)):
        columns[f"{name}_{span}"] = close.pct_change(span)
    columns |= oscillators(close, high, low)
    columns |= ranges(close, high, low)
    columns |= volumes(bars, volume)
    hour = 2 * np.pi * (bars.index.hour + bars.index.minute / 60) / 24
    day = 2 * np.pi * bars.index.day_of_week / 7 + hour / 7
    for name, angle in (("hour", hour), ("weekday", day)):
        columns[f"{name}_sin"] = pd.Series(np.sin(angle), bars.index)
        columns[f"{name}_cos"] = pd.Series(np.cos(angle), bars.index)
    return {name: float(values.iloc[-1]) for name, values in columns.items()}


def oscillators(close: pd.Series, high: pd.Series, low: pd.Series) -> dict[str, pd.Series]:
    columns, change = {}, close.diff()
    for period in (14, 7):
        rises, falls = wilder(change.clip(lower=0), period), wilder(-change.clip(upper=0), period)
        columns[f"rsi_{period}"] = 100 * rises / (rises + falls)
    line = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    columns["macd_histogram"] = (line - line.ewm(span=9, adjust=False).mean()) / close
    lowest, highest = low.rolling(14).min(), high.rolling(14).max()
    columns["stochastic_k"] = (100 * (close - lowest) / (highest - lowest)).rolling(3).mean()
    columns["stochastic_d"] = columns["stochastic_k"].rolling(3).mean()
    return columns


def ranges(close: pd.Series, high: pd.Series, low: pd.Series) -> dict[str, pd.Series]:
    before = close.shift()
    reach = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(axis=1)
    mean, spread = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    up, down = high.diff(), -low.diff()
    average = wilder(reach, 14)
    plus = 100 * wilder(up.where((up > down) & (up > 0), 0.0), 14) / average
    minus = 100 * wilder(down.where((down > up) & (down > 0), 0.0), 14) / average
    return {
        "atr_percent_14": 100 * average / close,
        "bollinger_position": (close - mean + 2 * spread) / (4 * spread),
        "bollinger_width": 4 * spread / mean,
        "adx_14": wilder(100 * (plus - minus).abs() / (plus + minus), 14),
        "di_plus_14": plus,
        "di_minus_14": minus,
    }


def volumes(bars: pd.DataFrame, volume: pd.Series) -> dict[str, pd.Series]:
    mean, spread = volume.rolling(20).mean(), volume.rolling(20).std(ddof=0)
    lean = bars["buy_volume"] - bars["sell_volume"]
    return {
        "volume_ratio": volume / mean,
        "volume_z": (volume - mean) / spread,
        "trade_imbalance": lean / volume,
        "vpin_50": lean.abs().rolling(50).sum() / volume.rolling(50).sum(),
    }


def wilder(values: pd.Series, period: int) -> pd.Series:
    return values.ewm(alpha=1 / period, adjust=False).mean()


if __name__ == "__main__":
    main()
