"""``signal-system features``: build them, list them, check them, audit what was served."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared_events.errors import ConfigError, DataError
from shared_events.payloads.market import Interval
from signal_system.config import Settings
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.checks import WARM_UPS, Broken
from signal_system.ml.features.reference import markdown
from signal_system.ml.features.regime import REGIME_INTERVALS
from signal_system.ml.features.registry import SPECS
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.features.view import view
from signal_system.storage.served_features import ServedFeatures
from signal_system.training.datasets import from_file
from signal_system.training.feature_audit import Audit, audit as audited
from signal_system.training.feature_build import (
    Built,
    bars_of,
    from_bars,
    from_journal,
    recorded_bars,
)
from signal_system.training.feature_check import Checked, checked
from signal_system.training.feature_table import OfflineFeatures

_PIPE_WIDTH = 120
_EVERY = 500

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""What models see: build it, look at it, prove that it does not look ahead.

    A feature is defined once and computed bar by bar; what is built here is what is served.
    """,
)

Coins = Annotated[list[str] | None, typer.Option("--coin", help="Repeat for more; none: all.")]
Coin = Annotated[str, typer.Option("--coin", help="Whose candles these are.")]
Length = Annotated[str, typer.Option("--interval", help=f"One of {', '.join(get_args(Interval))}.")]
Specs = Annotated[
    list[str] | None,
    typer.Option("--view", help=f"One of {', '.join(SPECS)}; repeat for more; none: all."),
]
Candles = Annotated[
    Path | None,
    typer.Option(
        "--data", exists=True, dir_okay=False, help="Parquet or CSV of candles: open_time, OHLCV."
    ),
]
Journal = Annotated[
    Path | None, typer.Option("--journal", help="A journal's folder; none: the service's own.")
]
Out = Annotated[Path, typer.Option(help="Folder of the files.")]


@app.command()
def build(
    coin: Coins = None,
    interval: Length = "1h",
    spec: Specs = None,
    data: Candles = None,
    journal: Journal = None,
    out: Out = Path("var/features"),
) -> None:
    """Build feature files from candles (--data) or from what the service recorded (--journal)."""
    specs = _specs(spec, interval, recorded=data is None)
    if data is not None:
        if coin is None or len(coin) != 1:
            raise ConfigError("say whose candles these are: --coin BTC")
        read = from_file(data, coin[0], interval)
        with _progress("bars", len(read.bars)) as show_progress:
            built = from_bars(specs, coin[0], bars_of(read.bars), show_progress)
        source = f"{read.source} sha256:{read.digest}"
    else:
        folder = journal or Settings.read().journal
        with _progress("records", None) as show_progress:
            built = from_journal(specs, folder, coin or (), show_progress)
        source = f"journal {folder}"
    _report_built(built, OfflineFeatures(out), source)


@app.command("list")
def show(
    interval: Length = "1h",
    out: Out = Path("var/features"),
    *,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference page instead.")
    ] = False,
) -> None:
    """List the features, the hash of every spec, and the coins that files were built for."""
    if as_markdown:
        sys.stdout.write(markdown())
        return
    store, console = OfflineFeatures(out), _console()
    for spec in _specs(None, interval):
        coins = ", ".join(store.coins(view(spec))) or "none"
        console.print(f"[bold]{view(spec).name}[/bold] {spec.hash[:16]}, built for: {coins}")
        table = _table("column", "formula", "unit")
        for column in spec.columns:
            table.add_row(column.name, column.formula, column.unit)
        console.print(table)


@app.command()
def check(
    coin: Coin = "BTC",
    interval: Length = "1h",
    spec: Specs = None,
    data: Candles = None,
    journal: Journal = None,
) -> None:
    """Prove on candles (--data) or a journal that no feature looks ahead.

    Prefix invariance: a history that ends at a bar gives what a longer one gives there. Future
    perturbation: another market afterwards changes nothing. Restarts: snapshot and restore change
    no bit. Shuffled labels: nothing can be learned from them. Ends with code 1 if one of these
    fails. The table says how far from the truth a column is when it is opened on few bars.
    """
    specs, failed = _specs(spec, interval, recorded=data is None), False
    bars = _bars(data, journal, coin, specs[0].interval)
    for each in specs:
        with _progress(f"{each.name}: bars", len(bars)) as show_progress:
            found = checked(each, bars, show_progress)
        _report_checked(each, found)
        failed |= not found.is_good
    raise typer.Exit(code=int(failed))


@app.command()
def audit(
    served: Annotated[
        Path | None,
        typer.Option("--served", help="The folder of what was served; none: the service's own."),
    ] = None,
    journal: Journal = None,
    interval: Length = "1h",
) -> None:
    """Work out again what was served, from the journal, and say which share is equal to the bit.

    Ends with code 1 unless every row that the journal leads to is.
    """
    settings = Settings.read()
    folder, served = journal or settings.journal, served or settings.served
    specs = _specs(None, interval)
    with _progress("records", None) as show_progress:
        found = audited(folder, ServedFeatures(served).read(), specs, show_progress)
    names = {each.hash: view(each).name for each in specs}
    table = _table("view", "served", "not in the journal", "equal", "columns that differ")
    for spec_hash, each in found.items():
        table.add_row(names.get(spec_hash, spec_hash[:16]), *_audit_cells(each))
    _console().print(table)
    if not found:
        raise DataError(f"nothing was served according to {served}: name another folder")
    raise typer.Exit(code=int(any(each.share not in {None, 1.0} for each in found.values())))


def _report_checked(spec: FeatureSpec, found: Checked) -> None:
    console = _console()
    console.print(f"[bold]{view(spec).name}[/bold] {spec.hash[:16]}: {found.rows:,} rows")
    for name, broken in found.broken.items():
        console.print(f"  {name}: {_verdict(broken)}")
    shuffled = found.shuffled
    console.print(
        f"  shuffled labels: {'ok' if shuffled.is_chance else 'FAILED'}, mean AUC"
        f" {shuffled.mean:.4f} ± {shuffled.error:.4f} over {shuffled.runs} runs"
    )
    console.print(_sensitivity(found))


def _sensitivity(found: Checked) -> Table:
    table = _table("opened on", *(f"{size} bars" for size in WARM_UPS))
    cells: dict[str, dict[int, float | None]] = {}
    for column, size, percent in found.sensitivity:
        cells.setdefault(column, {})[size] = percent
    for column, by_size in cells.items():
        table.add_row(column, *(_percent(by_size.get(size)) for size in WARM_UPS))
    return table


def _specs(
    names: Sequence[str] | None, interval: str, *, recorded: bool = True
) -> Sequence[FeatureSpec]:
    """Return the specs of these names on bars of `interval`, or all that can be told.

    Parameters
    ----------
    recorded
        Whether the events are there that say who holds what; plain candles do not.
    """
    length = next((each for each in get_args(Interval) if each == interval), None)
    if length is None:
        raise ConfigError(f"--interval {interval}: choose one of {', '.join(get_args(Interval))}")
    unknown = set(names or ()) - SPECS.keys()
    if unknown:
        raise ConfigError(f"--view {unknown.pop()}: choose one of {', '.join(SPECS)}")
    able = [
        name
        for name in SPECS
        if (recorded or name != "smart_money") and (name != "regime" or length in REGIME_INTERVALS)
    ]
    return [SPECS[name](length) for name in names or able]


def _bars(data: Path | None, journal: Path | None, coin: str, interval: Interval) -> Sequence[Bar]:
    if data is not None:
        return list(bars_of(from_file(data, coin, interval).bars))
    with _progress("records", None) as show_progress:
        return recorded_bars(journal or Settings.read().journal, coin, interval, show_progress)


def _report_built(built: Sequence[Built], store: OfflineFeatures, source: str) -> None:
    table = _table("view", "coin", "rows", "bars", "file")
    for each in built:
        path = store.write(view(each.spec), each.coin, each.rows, source) if each.rows else None
        heard = ", ".join(f"{count:,} {what}" for what, count in sorted(each.heard.items()))
        place = "too few bars" if path is None else str(path)
        table.add_row(view(each.spec).name, each.coin, f"{len(each.rows):,}", heard, place)
    if not built:
        raise DataError(f"{source} holds no closed candles of that interval: record some first")
    _console().print(table)


def _audit_cells(found: Audit) -> Sequence[str]:
    share = "-" if found.share is None else f"{found.share:.4%}"
    differ = ", ".join(f"{name} {count:,}" for name, count in sorted(found.columns.items()))
    return f"{found.served:,}", f"{found.missing:,}", share, differ or "none"


def _verdict(broken: Sequence[Broken]) -> str:
    if not broken:
        return "ok"
    columns = ", ".join(sorted({each.column for each in broken}))
    return f"FAILED in {len(broken):,} values of {columns}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e} %" if value else "0"


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, pad_edge=False, header_style="dim")
    for column in table.columns[1:]:
        column.overflow = "fold"
    return table


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def show_progress(number: int) -> None:
            if number % _EVERY == 0:
                bar.update(task, completed=number)

        yield show_progress


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
