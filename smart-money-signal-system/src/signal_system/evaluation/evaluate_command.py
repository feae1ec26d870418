"""``signal-system evaluate``: what weighting schemes are worth where the truth is known."""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer
from msgspec import MsgspecError, json
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared_events.errors import ConfigError
from signal_system.config import Settings
from signal_system.evaluation.contest import Contested, Scored, contested
from signal_system.fold import FoldConfig
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.schemes import ScoreOver100

_EVERY = 1_000
_PIPE_WIDTH = 120

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def evaluate() -> None:
    """Judge what the system does by what is known to be true."""


@app.command()
def schemes(
    journal: Annotated[
        list[Path],
        typer.Option(help="A folder of hyperliquid-simulator generate; as often as you like."),
    ],
    truth: Annotated[
        list[Path] | None,
        typer.Option(help="The truth of each journal; without it, truth.json beside its segments."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Keep results in this folder; a journal judged before is not folded again."
        ),
    ] = None,
) -> None:
    """Run every scheme on paper over journals whose truth is known, side by side.

    Constants are those of the settings. A long run may be stopped: with --out it goes on where it was.
    """
    config = Settings.read().fold_config()
    truths = truth or [folder / "truth.json" for folder in journal]
    if len(truths) != len(journal):
        raise ConfigError("--truth: give as many as --journal, in the same order, or none")
    found = [
        _judged(folder, known, config, out) for folder, known in zip(journal, truths, strict=True)
    ]
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table(found))


def table(found: Sequence[Contested]) -> Table:
    """Return the schemes side by side, means over all journals."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("scheme")
    titles = ("net Sharpe", "95 % (mean)", "own", "beats score/100", "rank corr.", "opinions")
    for title in (*titles, "turnover/day"):
        shown.add_column(title, justify="right")
    for name in ACCOUNTS:
        shown.add_row(name, *_cells(name, found))
    shown.caption = f"{len(found)} journals; mean regret {fmean(each.regret for each in found):.1f}"
    return shown


def _cells(name: str, found: Sequence[Contested]) -> tuple[str, ...]:
    scored = [each.schemes[name] for each in found]
    base = [each.schemes[ScoreOver100.name] for each in found]
    better = sum(mine.sharpe > its.sharpe for mine, its in zip(scored, base, strict=True))
    ranks = [each.rank_correlation for each in scored if each.rank_correlation is not None]
    return (
        f"{_mean(scored, 'sharpe'):+.2f}",
        f"{_mean(scored, 'low'):+.2f} to {_mean(scored, 'high'):+.2f}",
        f"{_mean(scored, 'own_sharpe'):+.2f}",
        "" if name == ScoreOver100.name else f"{better} of {len(found)}",
        f"{fmean(ranks):+.3f}" if ranks else "",
        f"{_mean(scored, 'opinions'):.1%}",
        f"{_mean(scored, 'turnover'):.2f}",
    )


def _mean(scored: Sequence[Scored], name: str) -> float:
    return fmean(getattr(each, name) for each in scored)


def _judged(journal: Path, truth: Path, config: FoldConfig, out: Path | None) -> Contested:
    kept = out and out / f"{journal.name}.{config.hash}.json"
    if kept and kept.exists():
        try:
            return json.decode(kept.read_bytes(), type=Contested)
        except MsgspecError as e:
            raise ConfigError(f"{kept} cannot be read ({e}): remove it to judge anew") from e
    with _progress() as bar:
        task = bar.add_task(journal.name, total=None)

        def show(position: int) -> None:
            if position % _EVERY == 0:
                bar.update(task, completed=position)

        found = contested(journal, truth, config, show)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(json.encode(found))
    return found


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} records of {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
