"""``signal-system evaluate``: what weighting schemes are worth where the truth is known."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer
from msgspec import MsgspecError, json
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared_events.errors import ConfigError
from signal_system.config import Settings
from signal_system.evaluation.contest import WARM_UP_DAYS, Contested, Scored, contested
from signal_system.evaluation.panel import judged_panel, markdown as panel_page
from signal_system.evaluation.standings import Result, markdown, standings
from signal_system.evaluation.worlds import World, generated, removed
from signal_system.fold import FoldConfig
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.schemes import ScoreOver100

POPULATIONS = (0.05, 0.02, 0.0)

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


@app.command()
def contest(
    out: Annotated[
        Path, typer.Option(help="Keep results here; what was judged before is not done again.")
    ],
    seeds: Annotated[str, typer.Option(help="Which worlds: 1-10, or 1,4,7.")] = "1-10",
    skilled: Annotated[
        list[float] | None,
        typer.Option(help="Share of skilled traders, as often as you like: 0.05, 0.02 and 0."),
    ] = None,
    days: Annotated[int, typer.Option(min=2 * WARM_UP_DAYS + 1, help="Length of a world.")] = 300,
    traders: Annotated[int, typer.Option(min=20, help="Ranked accounts of a world.")] = 600,
    *,
    keep_journals: Annotated[
        bool, typer.Option(help="Leave the worlds where they were generated, 0.2 GB each.")
    ] = False,
) -> None:
    """Generate worlds in which some, few or none are skilled, and judge every scheme in each.

    Writes contest.json and contest.md into --out. May be stopped: the same command goes on where it was.
    """
    config = Settings.read().fold_config()
    worlds = [
        World(seed, share, days, traders)
        for seed in _seeds(seeds)
        for share in skilled or POPULATIONS
    ]
    results = list[Result]()
    with _progress() as bar:
        whole = bar.add_task("worlds", total=len(worlds))
        for world in worlds:
            found = _judged_world(world, config, out, bar, keep=keep_journals)
            results.append(Result(world.name, world.seed, world.skilled, found))
            bar.advance(whole)
            _write(results, config, out)
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(
        markdown(standings(results)), soft_wrap=True
    )


@app.command()
def panel(
    journal: Annotated[
        Path, typer.Option(help="What market-scraper replay FOLDER --journal wrote.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write panel.json and panel.md into this folder.")
    ] = None,
) -> None:
    """Hold every scheme's stances on a recorded panel of traders against later returns, by coin."""
    config = Settings.read().fold_config()
    with _progress() as bar:
        found = judged_panel(journal, config, _shown(bar, journal.name))
    page = panel_page(found)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "panel.json").write_bytes(json.format(json.encode(found)))
        (out / "panel.md").write_text(page)
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(page, soft_wrap=True)


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
    kept = out and _kept(journal.name, config, out)
    if kept and kept.exists():
        return _read(kept)
    with _progress() as bar:
        found = contested(journal, truth, config, _shown(bar, journal.name))
    if kept:
        _keep(found, kept)
    return found


def _judged_world(
    world: World, config: FoldConfig, out: Path, bar: Progress, *, keep: bool
) -> Contested:
    kept = _kept(world.name, config, out)
    if kept.exists():
        return _read(kept)
    task = bar.add_task(f"generating {world.name}", total=None)
    journal = generated(world, out / "worlds")
    bar.remove_task(task)
    found = contested(journal, journal / "truth.json", config, _shown(bar, world.name))
    _keep(found, kept)
    if not keep:
        removed(journal)
    return found


def _kept(name: str, config: FoldConfig, out: Path) -> Path:
    return out / f"{name}.{config.hash}.json"


def _read(kept: Path) -> Contested:
    try:
        return json.decode(kept.read_bytes(), type=Contested)
    except MsgspecError as e:
        raise ConfigError(f"{kept} cannot be read ({e}): remove it to judge anew") from e


def _keep(found: Contested, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(json.encode(found))


def _write(results: Sequence[Result], config: FoldConfig, out: Path) -> None:
    """Write what is known so far: whoever stops the run has a report of what was done."""
    found = standings(results)
    whole = {"config_hash": config.hash, "standings": found, "results": results}
    (out / "contest.json").write_bytes(json.format(json.encode(whole)))
    (out / "contest.md").write_text(markdown(found))


def _seeds(told: str) -> list[int]:
    """Return the numbers that a list of numbers and ranges names.

    Examples
    --------
    >>> _seeds("1-3,7")
    [1, 2, 3, 7]
    """
    seeds = list[int]()
    for part in told.split(","):
        first, dash, last = part.partition("-")
        try:
            seeds += range(int(first), int(last if dash else first) + 1)
        except ValueError as e:
            raise ConfigError(f"--seeds: {part!r} is neither 7 nor 1-10") from e
    return seeds


def _shown(bar: Progress, name: str) -> Callable[[int], None]:
    """Return what shows how far the fold of `name` has come; gone once the bar goes on without it."""
    for finished in [each.id for each in bar.tasks if each.total is None]:
        bar.remove_task(finished)
    task = bar.add_task(f"records of {name}", total=None)

    def show(position: int) -> None:
        if position % _EVERY == 0:
            bar.update(task, completed=position)

    return show


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
