"""``train-regime``: fit the regime model, say what it is worth, register it as a candidate."""

import sys
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
from shared_events.runtime.clock import SystemClock
from signal_system.config import Settings
from signal_system.ml.data_quality import require_fresh
from signal_system.ml.jump_regime import JumpInterval
from signal_system.ml.model_registry import Candidate, ModelRegistry, regime_name
from signal_system.training.datasets import Dataset, from_file, from_journal
from signal_system.training.provenance import origin
from signal_system.training.regime_candidate import candidate
from signal_system.training.regime_plan import plan_for
from signal_system.training.regime_report import report
from signal_system.training.regime_training import JUMP, Outcome, train
from signal_system.training.resampling import Estimate
from signal_system.training.ways import CHALLENGERS

_HELP = """
Fit the regime model of a coin and register it as a candidate.

A statistical jump model is chosen on the first part of a walk through the
candles and judged on the rest, refit by refit, beside a moving-average
band, a rule of volatility and trend, Gaussian mixtures and a hidden Markov
model. The report (JSON, and a page with plots) and the model become a
version in the registry; it serves once it is promoted, and it can be
promoted if its gates are open.

    train-regime --coin BTC --interval 1h --data btc_1h.parquet
    signal-system models promote regime-BTC

DATA is a Parquet or CSV file with the columns open_time (UTC, milliseconds
since 1970), open, high, low, close, volume. Data with faults is refused,
and it is said which rows.
"""

_PIPE_WIDTH = 120
_STEPS = ("features", "choice", JUMP, *CHALLENGERS, "judgement", "gates")

_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")

CoinName = Annotated[str, typer.Option(help="Whose candles they are.")]
IntervalName = Annotated[str, typer.Option(help="1h or 1d.", metavar="1h|1d")]
DataFile = Annotated[Path | None, typer.Option("--data", exists=True, dir_okay=False)]
Journal = Annotated[
    Path | None, typer.Option("--from-journal", help="A journal's folder; the service's own.")
]
Registry = Annotated[Path | None, typer.Option(help="Where versions of models are kept.")]
Cost = Annotated[float, typer.Option(min=0, max=0.1, help="Of a round trip, as a fraction.")]
WindowDays = Annotated[int, typer.Option(min=60, help="What a refit learns from.")]
RefitDays = Annotated[int | None, typer.Option(min=7, help="How often; 30 for 1h, 91 for 1d.")]
ExpiryDays = Annotated[int, typer.Option(min=1, help="How long after its data it is believed.")]
FreshDays = Annotated[int | None, typer.Option(min=1, help="Refuse data that ended before.")]


@_app.command(help=_HELP)
def command(  # noqa: PLR0913 -- each is an option
    *,
    coin: CoinName = "BTC",
    interval: IntervalName = "1h",
    data: DataFile = None,
    from_journal: Journal = None,
    registry: Registry = None,
    cost: Cost = 0.001,
    window_days: WindowDays = 730,
    refit_days: RefitDays = None,
    expires_after_days: ExpiryDays = 90,
    fresh_within_days: FreshDays = None,
) -> None:
    """Read, train, register, report."""
    settings, now = Settings.read(), SystemClock().now()
    dataset = _read(data, from_journal, settings, coin, _interval(interval))
    if fresh_within_days is not None:
        within = timedelta(days=fresh_within_days)
        require_fresh(dataset.source, dataset.quality, now, within)
    step = None if refit_days is None else timedelta(days=refit_days)
    outcome = _trained(dataset, timedelta(days=window_days), step, cost)
    models = ModelRegistry(registry or settings.registry)
    made = candidate(
        dataset,
        outcome,
        report(dataset, outcome, cost),
        origin(),
        models.aliases(regime_name(coin)).champion,
        timedelta(days=expires_after_days),
    )
    version = models.add(_made_at(made, now))
    _say(dataset, outcome, models.root / regime_name(coin) / version, now)


def main() -> None:
    """Run the command line; input that cannot be used ends it with one sentence and exit code 78."""
    try:
        _app()
    except (ConfigError, DataError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)


def _interval(name: str) -> JumpInterval:
    known: dict[str, JumpInterval] = {"1h": "1h", "1d": "1d"}
    if name in known:
        return known[name]
    raise ConfigError(f"--interval is {name!r}: regimes are fitted on bars of 1h or 1d")


def _read(
    data: Path | None, journal: Path | None, settings: Settings, coin: str, interval: JumpInterval
) -> Dataset:
    if data is not None and journal is not None:
        raise ConfigError("give --data or --from-journal, not both")
    if data is not None:
        return from_file(data, coin, interval)
    return from_journal(journal or settings.journal, coin, interval)


def _trained(dataset: Dataset, window: timedelta, step: timedelta | None, cost: float) -> Outcome:
    plan = plan_for(_interval(dataset.interval), window, step)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(_STEPS[0], total=len(_STEPS))

        def step_done(name: str) -> None:
            following = [*_STEPS, "report"][_STEPS.index(name) + 1]
            bar.update(task, advance=1, description=following)

        with threadpool_limits(1):  # small matrices: more threads wait for each other
            return train(dataset.bars, dataset.coin, plan, cost=cost, progress=step_done)


def _made_at(made: Candidate, now: datetime) -> Candidate:
    return replace(made, manifest=made.manifest.model_copy(update={"created_at": now}))


def _say(dataset: Dataset, outcome: Outcome, folder: Path, now: datetime) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    first, last = outcome.reported_on[0].split, outcome.reported_on[-1].end - 1
    when = outcome.data.closed[[first, last]].astype("datetime64[ms]").astype("datetime64[D]")
    console.print(
        f"{len(dataset.bars):,} bars of {dataset.coin}, {dataset.interval}; out of sample from"
        f" {when[0]} to {when[1]}, {len(outcome.reported_on)} refits; 95 % intervals in brackets"
    )
    for finding in dataset.quality.findings:
        console.print(f"[dim]{finding.verdict}: {finding}[/dim]")
    console.print(_table(outcome))
    console.print(
        f"Volatility R2 without any state: {_number(outcome.without_states)}. The penalty"
        f" {outcome.penalty:g} was chosen among {len(outcome.trials)}, on the bars before."
    )
    for gate in outcome.gates:
        verdict = "[green]passed[/green]" if gate.passed else "[red]failed[/red]"
        value = "unknown" if gate.value is None else f"{gate.value:.3f}"
        console.print(f"gate {gate.name}: {value} against {gate.threshold:g}, {verdict}")
    console.print(f"candidate: {folder}\nreport: {folder / 'report.html'}", soft_wrap=True)
    _advise(dataset, outcome, console, now)


def _advise(dataset: Dataset, outcome: Outcome, console: Console, now: datetime) -> None:
    name, last = regime_name(dataset.coin), dataset.quality.last
    if not all(gate.passed for gate in outcome.gates):
        console.print("It cannot be promoted: the moving-average band stays the better choice.")
    else:
        console.print(f"It may serve: signal-system models promote {name}", soft_wrap=True)
    if last is not None and now - last > timedelta(days=30):
        console.print(f"[yellow]Its data ended {(now - last).days} days ago.[/yellow]")


def _table(outcome: Outcome) -> Table:
    table = Table("", box=None, pad_edge=False, header_style="dim")
    for title in ("switches/y", "run", "refits agree", "volatility R2", "Matthews 40/40"):
        table.add_column(title, justify="right")
    for name, way in outcome.verdicts.items():
        table.add_row(
            name,
            f"{way.switches_per_year:.0f}",
            f"{way.median_dwell_bars:.0f}",
            f"{way.agreement_mean or 0:.2f} ({way.agreement_least or 0:.2f})",
            _number(way.volatility_r2),
            _number(way.noticed["40/40"].matthews),
        )
    return table


def _number(each: Estimate) -> str:
    if each.value is None:
        return "-"
    return f"{each.value:.2f} \\[{each.low:.2f}, {each.high:.2f}]"
