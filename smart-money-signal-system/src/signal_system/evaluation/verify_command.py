"""``signal-system verify-track-record``: every hash and every score, recomputed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared_events.errors import ConfigError
from signal_system.app import open_store
from signal_system.config import Settings
from signal_system.domain.moves import HORIZONS
from signal_system.evaluation.track_record import Score, judged, scored
from signal_system.storage.port import KeptForecast, Store

_AT_ONCE = 1_000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify_track_record(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the journal and the store.")
    ] = None,
) -> None:
    """Recompute every hash and every score of the forecasts that are kept; name the first misfit."""
    settings = Settings.read(data_dir=data)
    if not settings.database.exists():
        raise ConfigError(f"there is no {settings.database}: name the folder with --data")
    with closing(open_store(settings)) as store:
        forecasts = list(judged(kept(store)))
    table = Table(
        "horizon", "coin", "forecasts", "resolved", "windows", "hit rate", "Brier", "base"
    )
    for horizon in HORIZONS:
        coins = sorted({each.signal.coin for each in forecasts})
        for coin in (None, *coins):
            _add(table, f"{horizon // 3600} h", coin, scored(forecasts, horizon, coin))
    console = Console()
    console.print(table)
    console.print(f"{len(forecasts)} forecasts: every hash and every score fits.")


def kept(store: Store) -> Iterator[KeptForecast]:
    """Yield every forecast in order, read in pieces."""
    number = 0
    while batch := store.forecasts(number, _AT_ONCE):
        yield from batch
        number = batch[-1].number + 1


def _add(table: Table, horizon: str, coin: str | None, score: Score) -> None:
    numbers = (score.forecasts, score.resolved, score.windows)
    shares = (score.hit_rate, score.brier, score.base_brier)
    table.add_row(
        horizon,
        coin or "all",
        *map(str, numbers),
        *("" if each is None else f"{each:.3f}" for each in shares),
    )
