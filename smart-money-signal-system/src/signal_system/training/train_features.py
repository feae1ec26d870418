"""``train-features``: fit the classifier of a coin, say what it and its features are worth."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # with scikit-learn

from shared_events.errors import EXIT_CONFIG, ConfigError, DataError
from shared_events.payloads.market import Interval
from shared_events.runtime.clock import SystemClock
from signal_system.config import Settings
from signal_system.ml.data_quality import require_fresh
from signal_system.ml.features.registry import SPECS
from signal_system.ml.features.series import Row
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.model_registry import ModelRegistry, direction_name
from signal_system.training.classifiers import TREES
from signal_system.training.datasets import Dataset, from_file, from_journal
from signal_system.training.direction_candidate import candidate
from signal_system.training.direction_data import direction_data
from signal_system.training.direction_plan import Plan
from signal_system.training.direction_report import report
from signal_system.training.direction_training import STEPS, Outcome, train
from signal_system.training.feature_build import (
    bars_of,
    from_bars,
    from_journal as rows_of_journal,
)
from signal_system.training.provenance import origin
from signal_system.training.resampling import Estimate

_HELP = """
Fit the classifier of a coin, measure its features, register a challenger.

Boosted trees learn what came of deciding at each close: whether the price
rose by a volatility first, fell by one, or did neither within the horizon.
They walk forward through the candles, refit by refit, beside logistic
regression, the reversal of the last bar and the base rate. The report
(JSON, and a page with plots) says what each was worth with intervals, what
acting on it paid after costs, and what each feature was worth beside
random ones; what is worth no more than noise is listed for removal.

    train-features --coin BTC --interval 1h --horizon 4 --data btc_1h.csv
    signal-system models show direction-4h-BTC challenger

DATA is a Parquet or CSV file with the columns open_time (UTC, milliseconds
since 1970), open, high, low, close, volume. Data with faults is refused,
and it is said which rows. A journal knows more: who bought and who sold,
and what the tracked traders held (--features smart_money).

Expect little: for Bitcoin an area under the curve of 0.53 to 0.56 is what
there is, and costs take more than it pays. A gate stays shut on anything
better than can be true.
"""

_PIPE_WIDTH = 120
_BARS: tuple[Interval, ...] = ("15m", "1h", "4h", "1d")
_OLD = timedelta(days=30)

_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")

CoinName = Annotated[str, typer.Option(help="Whose candles they are.")]
IntervalName = Annotated[str, typer.Option(help="Length of a bar.", metavar="|".join(_BARS))]
Horizon = Annotated[int, typer.Option(min=1, max=168, help="In hours; signals have 1, 4 and 24.")]
DataFile = Annotated[Path | None, typer.Option("--data", exists=True, dir_okay=False)]
Journal = Annotated[
    Path | None, typer.Option("--from-journal", help="A journal's folder; the service's own.")
]
Features = Annotated[str, typer.Option(help="Which list: signal-system features list.")]
Registry = Annotated[Path | None, typer.Option(help="Where versions of models are kept.")]
Cost = Annotated[float, typer.Option(min=0, max=0.1, help="Of a round trip, as a fraction.")]
WindowDays = Annotated[int, typer.Option(min=20, help="What a refit learns from.")]
RefitDays = Annotated[int, typer.Option(min=5, help="How often.")]
ExpiryDays = Annotated[int, typer.Option(min=1, help="How long after its data it is believed.")]
FreshDays = Annotated[int | None, typer.Option(min=1, help="Refuse data that ended before.")]


@_app.command(help=_HELP)
def command(  # noqa: PLR0913 -- each is an option
    *,
    coin: CoinName = "BTC",
    interval: IntervalName = "1h",
    horizon: Horizon = 4,
    data: DataFile = None,
    from_journal: Journal = None,
    features: Features = "classifier",
    registry: Registry = None,
    cost: Cost = 0.001,
    window_days: WindowDays = 730,
    refit_days: RefitDays = 30,
    expires_after_days: ExpiryDays = 30,
    fresh_within_days: FreshDays = None,
) -> None:
    """Read, train, register, report."""
    settings, now = Settings.read(), SystemClock().now()
    spec = _spec(features, interval)
    plan = Plan(
        timedelta(hours=horizon), timedelta(days=window_days), timedelta(days=refit_days), cost
    )
    _require_horizon(plan, spec)
    if data is not None and from_journal is not None:
        raise ConfigError("give --data or --from-journal, not both")
    dataset, rows = _read(data, from_journal or settings.journal, spec, coin)
    if fresh_within_days is not None:
        require_fresh(dataset.source, dataset.quality, now, timedelta(days=fresh_within_days))
    outcome = _trained(dataset, rows, spec, plan)
    models, name = ModelRegistry(registry or settings.registry), direction_name(coin, plan.horizon)
    made = candidate(
        dataset,
        outcome,
        report(dataset, outcome),
        origin(),
        models.aliases(name).champion,
        timedelta(days=expires_after_days),
    )
    manifest = made.manifest.model_copy(update={"created_at": now})
    version = models.add(replace(made, manifest=manifest))
    _say(dataset, outcome, models.root / name / version, now)


def main() -> None:
    """Run the command line; input that cannot be used ends it with one sentence and exit code 78."""
    try:
        _app()
    except (ConfigError, DataError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)


def _spec(features: str, interval: str) -> FeatureSpec:
    known = next((each for each in _BARS if each == interval), None)
    if known is None:
        raise ConfigError(f"--interval is {interval!r}: one of {', '.join(_BARS)}")
    if features not in SPECS:
        raise ConfigError(f"--features is {features!r}: one of {', '.join(SPECS)}")
    return SPECS[features](known)


def _require_horizon(plan: Plan, spec: FeatureSpec) -> None:
    if plan.horizon < timedelta(milliseconds=spec.interval_ms):
        raise ConfigError(f"a horizon of {plan.horizon} is shorter than a bar of {spec.interval}")


def _read(
    data: Path | None, journal: Path, spec: FeatureSpec, coin: str
) -> tuple[Dataset, Sequence[Row]]:
    """Return the bars, and the features that were known of them."""
    if data is not None:
        dataset = from_file(data, coin, spec.interval)
        built = from_bars([spec], coin, bars_of(dataset.bars))
    else:
        dataset = from_journal(journal, coin, spec.interval)
        built = rows_of_journal([spec], journal, [coin])
    return dataset, next((each.rows for each in built), ())


def _trained(dataset: Dataset, rows: Sequence[Row], spec: FeatureSpec, plan: Plan) -> Outcome:
    data = direction_data(dataset.bars, rows, spec, plan.horizon, plan.barriers)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(STEPS[0], total=len(STEPS))

        def step_done(name: str) -> None:
            bar.update(task, advance=1, description=[*STEPS, "report"][STEPS.index(name) + 1])

        with threadpool_limits(1):  # small matrices: more threads wait for each other
            return train(dataset.bars, data, plan, progress=step_done)


def _say(dataset: Dataset, outcome: Outcome, folder: Path, now: datetime) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    when = outcome.data.labels.began[outcome.reported_on[[0, -1]]].astype("datetime64[ms]")
    first, last = when.astype("datetime64[D]")
    console.print(
        f"{len(dataset.bars):,} bars of {dataset.coin}, {dataset.interval}; out of sample from"
        f" {first} to {last}, {outcome.refits} refits; 95 % intervals in brackets"
    )
    for finding in dataset.quality.findings:
        console.print(f"[dim]{finding.verdict}: {finding}[/dim]")
    console.print(_table(outcome))
    console.print(
        f"Chosen: {outcome.shape}, among {len(outcome.trials)} on the rows before."
        f" {outcome.variants} variants in all. Over logistic regression it gains"
        f" {_number(outcome.against_logistic, 1)} thousandths of a nat a row."
    )
    removed = ", ".join(outcome.importances.remove) or "none"
    console.print(f"Columns worth no more than noise: {removed}")
    for gate in outcome.gates:
        verdict = "[green]passed[/green]" if gate.passed else "[red]failed[/red]"
        value = "unknown" if gate.value is None else f"{gate.value:.4g}"
        console.print(f"gate {gate.name}: {value} against {gate.threshold:g}, {verdict}")
    console.print(f"challenger: {folder}\nreport: {folder / 'report.html'}", soft_wrap=True)
    _advise(dataset, outcome, console, now)


def _advise(dataset: Dataset, outcome: Outcome, console: Console, now: datetime) -> None:
    name, last = direction_name(dataset.coin, outcome.plan.horizon), dataset.quality.last
    if all(gate.passed for gate in outcome.gates):
        console.print(f"It may serve: signal-system models promote {name}", soft_wrap=True)
    else:
        console.print("It cannot be promoted: no signal listens to it.")
    if last is not None and now - last > _OLD:
        console.print(f"[yellow]Its data ended {(now - last).days} days ago.[/yellow]")


def _table(outcome: Outcome) -> Table:
    table = Table("", box=None, pad_edge=False, header_style="dim")
    for title in (
        "gain, mnat",
        "AUC",
        "Matthews",
        "Sharpe, no costs",
        "net",
        "net, gated",
        "trades/y",
    ):
        table.add_column(title, justify="right")
    for name, way in outcome.verdicts.items():
        table.add_row(
            f"[bold]{name}[/bold]" if name == TREES else name,
            _number(way.gain, 1),
            _number(way.auc, 3),
            _number(way.auc_of_sign, 3),
            _plain(way.followed.gross),
            _plain(way.followed.net),
            _number(way.gated.net),
            f"{way.gated.trades_per_year:,.0f}",
        )
    return table


def _plain(each: Estimate) -> str:
    return "-" if each.value is None else f"{each.value:.2f}"


def _number(each: Estimate, digits: int = 2) -> str:
    if each.value is None:
        return "-"
    return f"{each.value:.{digits}f} \\[{each.low:.{digits}f},{each.high:.{digits}f}]"
