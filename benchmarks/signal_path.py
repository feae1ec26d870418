"""What one changed position costs: decode, journal, apply, decide, at 500 and at 5,000 traders.

    uv run python benchmarks/signal_path.py

Every event is a `trader_positions` of one changed coin among twelve; whole books, roster, prices
and a week of candles were folded before. Takes under a minute. Times are microseconds an event,
but for the last two columns.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table

from shared_events.codec import decode, encode
from shared_events.journal import JournalWriter
from signal_system.fold import Fold, FoldConfig
from signal_system.rows import Rows
from signal_system.testing.day import changes, opening

BATCH = 500
COLUMNS = ("traders", "events/s", "cpu", "decode", "journal", "apply+decide", "p50", "p99", "max")
EXTRA = ("issued", "snapshot ms", "list ms")


@dataclass(slots=True)
class Times:
    """What was measured, in seconds."""

    seconds: float = 0.0
    cpu: float = 0.0
    decode: float = 0.0
    journal: float = 0.0
    events: list[float] = field(default_factory=list)
    issued: int = 0


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--events", type=int, default=50_000)
    options.add_argument("--traders", type=int, nargs="+", default=[500, 5_000])
    given = options.parse_args()
    table = Table(*COLUMNS, *EXTRA, box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for traders in given.traders:
        random, fold = Random(1), Fold(FoldConfig())
        for position, event in enumerate(opening(random, traders)):
            fold.apply(position, event)
        raws = [encode(event) for event in changes(random, traders, given.events)]
        table.add_row(f"{traders:,}", *cells(measured(fold, raws), fold))
    Console(width=130).print(table)


def measured(fold: Fold, raws: Sequence[bytes]) -> Times:
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    times, began, cpu = Times(), perf_counter(), process_time()
    with tempfile.TemporaryDirectory() as folder, JournalWriter(Path(folder)) as journal:
        for start in range(0, len(raws), BATCH):
            take(fold, journal, raws[start : start + BATCH], times)
    times.seconds, times.cpu = perf_counter() - began, process_time() - cpu
    return times


def take(fold: Fold, journal: JournalWriter, batch: Sequence[bytes], times: Times) -> None:
    began = perf_counter()
    events = [decode(raw) for raw in batch]
    decoded = perf_counter()
    journal.append(batch)
    before = written = perf_counter()
    for event in events:
        times.issued += len(fold.apply(fold.position + 1, event))
        now = perf_counter()
        times.events.append(now - before)
        before = now
    times.decode += decoded - began
    times.journal += written - decoded


def cells(times: Times, fold: Fold) -> list[str]:
    count, cuts = len(times.events), quantiles(times.events, n=100)
    totals = (times.cpu, times.decode, times.journal, sum(times.events))
    micro = [each / count for each in totals] + [cuts[49], cuts[98], max(times.events)]
    return [
        f"{count / times.seconds:,.0f}",
        *(f"{1e6 * each:.1f}" for each in micro),
        f"{times.issued:,}",
        f"{1e3 * seconds(fold.snapshot):.1f}",
        f"{1e3 * seconds(Rows(fold).encoded):.1f}",
    ]


def seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    main()
