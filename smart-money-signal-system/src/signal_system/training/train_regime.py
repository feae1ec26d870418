"""``train-regime``: fit the regime's band on a candle file and say what it is worth."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from shared_events.errors import EXIT_CONFIG, ConfigError, DataError
from signal_system.training.datasets import Candles, read_candles
from signal_system.training.regime_fit import Fit, Fold, Plan, Scores, fit, model_of

_HELP = """
Fit the band that tells bull from bear on CANDLES, a parquet or CSV file of 1 h, 4 h or 1 d bars.

The band is a moving average of [bold]window[/bold] closes, [bold]width[/bold] to either side. It
is chosen by walk-forward: each of the folds picks the band that agreed best with the bull and bear
markets known by then (Lunde and Timmermann's dating, turns of --swing), and is judged on the bars
after it. The result stands beside the published band (100 bars, 2 %), holding for ever, and the
price a year ago.

Writes one JSON file: the model that the service loads, the metrics, where the data came from.

    train-regime btc_1d.parquet --out var/regime.json
    SIGNAL_SYSTEM_REGIME_MODEL=var/regime.json signal-system run

Columns: an opening time (timestamp_ms, open_time, timestamp, time or date) and close.
"""

_PIPE_WIDTH = 110

_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")

CandleFile = Annotated[
    Path, typer.Argument(metavar="CANDLES", exists=True, dir_okay=False, help="Parquet or CSV.")
]
Out = Annotated[Path, typer.Option(help="Where the artefact goes.")]
Swing = Annotated[
    float, typer.Option(min=0.01, max=2, help="Turn that ends a market: 0.4 is 40 %.")
]
Cost = Annotated[float, typer.Option(min=0, max=0.1, help="Of a round trip, as a fraction.")]
Folds = Annotated[int, typer.Option(min=2, max=50, help="Steps of the walk.")]


@_app.command(help=_HELP)
def train(
    candles: CandleFile,
    out: Out = Path("var/models/regime.json"),
    swing: Swing = 0.4,
    cost: Cost = 0.001,
    folds: Folds = 6,
) -> None:
    """Fit, report, write."""
    plan, data = Plan(swing, cost, folds), read_candles(candles)
    if len(data.closes) < plan.least_bars:
        raise DataError(f"{candles} has {len(data.closes)} bars, {plan.least_bars} are needed")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("bands", total=len(plan.bands))
        fitted = fit(data, plan, lambda: bar.update(task, advance=1))
    _write(out, _artefact(fitted, data, plan))
    _report(fitted, data, out)


def main() -> None:
    """Run the command line; input that cannot be used ends it with one sentence and exit code 78."""
    try:
        _app()
    except (ConfigError, DataError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)


def _artefact(fitted: Fit, data: Candles, plan: Plan) -> dict[str, Any]:
    return {
        "kind": "regime-band",
        "model": model_of(fitted, data).model_dump(),
        "beats_published_band": fitted.is_better,
        "metrics": {name: asdict(scores) for name, scores in fitted.scores.items()},
        "walk_forward": [_step(fold, data) for fold in fitted.folds],
        "reference": {
            "dating": "Lunde-Timmermann",
            "swing": plan.swing,
            "labelled_bars": fitted.labelled,
            "turns": fitted.turns,
        },
        "round_trip_cost": plan.cost,
        "bands_tried": len(plan.bands),
        "years_judged": fitted.years,
        "sharpe_standard_error": fitted.sharpe_error,
        "data": {
            "file": data.name,
            "sha256": data.digest,
            "bars": len(data.closes),
            "missing_bars": data.missing,
            "first": data.opened[0].isoformat(),
            "last": data.opened[-1].isoformat(),
        },
    }


def _step(fold: Fold, data: Candles) -> dict[str, Any]:
    return {
        "from": data.opened[fold.start].isoformat(),
        "to": data.opened[fold.end - 1].isoformat(),
        "window": fold.band[0],
        "width": fold.band[1],
        "matthews_in_training": fold.trained,
    }


def _write(out: Path, artefact: dict[str, Any]) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(
            orjson.dumps(artefact, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    except OSError as e:
        raise ConfigError(f"cannot write {out} ({e.strerror}): name another file with --out") from e


def _report(fitted: Fit, data: Candles, out: Path) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    first = data.opened[fitted.folds[0].start]
    console.print(
        f"{len(data.closes):,} bars of {data.interval}, {data.missing:,} missing; judged from "
        f"{first:%Y-%m-%d} to {data.opened[-1]:%Y-%m-%d}, out of sample"
    )
    console.print(_table(fitted.scores))
    console.print(
        f"{fitted.turns} turns in {fitted.years:.1f} years to judge by; a Sharpe ratio is known to "
        f"about ±{2 * fitted.sharpe_error:.2f} (two standard errors). The published band was chosen "
        "in hindsight: for it, no bar of Bitcoin's past is out of sample."
    )
    window, width = fitted.band
    console.print(f"fitted on everything: window {window}, width {width:.0%} -> {out}")
    if not fitted.is_better:
        console.print(
            "[yellow]Choosing the band did not beat the published one (100, 2 %): prefer the default "
            "over this artefact.[/yellow]"
        )


def _table(scores: dict[str, Scores]) -> Table:
    table = Table("", box=None, pad_edge=False, header_style="dim")
    for title in ("Matthews", "switches/year", "Sharpe", "deepest fall", "return"):
        table.add_column(title, justify="right")
    for name, each in scores.items():
        table.add_row(
            name,
            _number(each.matthews),
            f"{each.switches_per_year:.1f}",
            _number(each.sharpe),
            f"{each.fall:.0%}",
            f"{each.paid:+.0%}",
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
