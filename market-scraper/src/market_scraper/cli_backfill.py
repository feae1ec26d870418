"""``market-scraper backfill``: ask the venue for the past, and go on where that was left."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from market_scraper.backfill.series import (
    CandleSeries,
    FillSeries,
    FundingSeries,
    Series,
    flow_series,
)
from market_scraper.backfill.span import Span
from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.collectors.candles import HyperliquidCandles
from market_scraper.connectors.hyperliquid.parse import parse_meta
from market_scraper.intervals import INTERVALS
from market_scraper.moments import milliseconds
from market_scraper.orchestration.history import Past, past
from shared_events.errors import ConfigError
from shared_events.payloads import Interval
from shared_events.runtime.clock import SystemClock
from shared_events.runtime.logging import configure
from shared_events.types import ADDRESS_PATTERN

backfill = typer.Typer(
    no_args_is_help=True,
    help=(
        "Ask the venue for the past and publish it, with the time at which it was learned.\n\n"
        "What was interrupted goes on where it was; what is done is only brought up to date. It spends a"
        " fifth of the request budget, so that a running service keeps its own share."
    ),
)

Coins = Annotated[str | None, typer.Option(help="BTC,ETH,SOL; default: MARKET_SCRAPER_COINS.")]
Days = Annotated[int, typer.Option(min=1, max=3_650, help="How far back.")]
Exchange = Annotated[
    str | None, typer.Option("--exchange", help="The venue's URL, or a simulator's.")
]
Bus = Annotated[str | None, typer.Option("--bus", help="Where events go; default: the settings'.")]
Journal = Annotated[
    Path | None, typer.Option(help="Append to this journal instead of, or beside, a bus.")
]
WeightShare = Annotated[
    float, typer.Option(min=0.01, max=1.0, help="The part of the venue's request budget to spend.")
]

_Choose = Callable[[Past], Awaitable[Sequence[Series]]]


@backfill.command()
def candles(  # noqa: PLR0913, PLR0917 -- each is an option of the command
    coins: Coins = None,
    intervals: Annotated[str, typer.Option(help="Of 1m, 5m, 15m, 1h, 4h, 1d.")] = "1h",
    days: Days = 180,
    exchange: Exchange = None,
    bus: Bus = None,
    journal: Journal = None,
    weight_share: WeightShare = 0.2,
) -> None:
    """Read candles. The venue keeps the newest 5,000 of each interval."""
    wanted = _listed(intervals)
    if unknown := set(wanted) - INTERVALS.keys():
        raise typer.BadParameter(f"there is no interval {min(unknown)[:20]!r}")

    async def choose(open_past: Past) -> Sequence[Series]:
        source = HyperliquidCandles(open_past.info)
        pairs = product(await _known_coins(open_past, coins), wanted)
        return [CandleSeries(source, coin, cast(Interval, each)) for coin, each in pairs]

    _fill(choose, days, exchange, bus, journal, weight_share)


@backfill.command()
def funding(
    coins: Coins = None,
    days: Days = 180,
    exchange: Exchange = None,
    bus: Bus = None,
    journal: Journal = None,
    weight_share: WeightShare = 0.2,
) -> None:
    """Read what funding was paid, as market contexts that say nothing else."""

    async def choose(open_past: Past) -> Sequence[Series]:
        known = await _known_coins(open_past, coins)
        return [FundingSeries(open_past.info, coin) for coin in known]

    _fill(choose, days, exchange, bus, journal, weight_share)


@backfill.command()
def fills(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="Accounts; default: everybody who is tracked.")
    ] = None,
    days: Days = 30,
    exchange: Exchange = None,
    bus: Bus = None,
    journal: Journal = None,
    weight_share: WeightShare = 0.2,
) -> None:
    """Read wallets' fills. The venue keeps the newest 10,000 or so of each."""
    given = _addresses(addresses)

    async def choose(open_past: Past) -> Sequence[Series]:
        wallets = await _wallets(open_past, given)
        return [FillSeries(open_past.info, address) for address in wallets]

    _fill(choose, days, exchange, bus, journal, weight_share)


@backfill.command()
def flows(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="Accounts; default: everybody who is tracked.")
    ] = None,
    days: Days = 30,
    exchange: Exchange = None,
    bus: Bus = None,
    journal: Journal = None,
    weight_share: WeightShare = 0.2,
) -> None:
    """Read what wallets paid and received without a trade: funding, deposits, transfers."""
    given = _addresses(addresses)

    async def choose(open_past: Past) -> Sequence[Series]:
        wallets = await _wallets(open_past, given)
        return [series for address in wallets for series in flow_series(open_past.info, address)]

    _fill(choose, days, exchange, bus, journal, weight_share)


def _addresses(given: Sequence[str] | None) -> list[str]:
    addresses = [address.lower() for address in given or ()]
    for address in addresses:
        if not re.fullmatch(ADDRESS_PATTERN, address):
            raise typer.BadParameter(f"{address[:60]!r} is no address")
    return addresses


async def _wallets(open_past: Past, given: Sequence[str]) -> Sequence[str]:
    roster = [] if given else await open_past.repository.roster()
    wanted = given or [member.address for member in roster]
    if not wanted:
        raise ConfigError("nobody is tracked yet: name addresses, or start a run first")
    return wanted


def _fill(
    choose: _Choose,
    days: int,
    exchange: str | None,
    bus: str | None,
    journal: Path | None,
    weight_share: float,
) -> None:
    settings = Settings.read(exchange_url=exchange, bus_url=bus)
    configure("market-scraper", settings.log_level)
    to_bus = bus is not None or journal is None
    asyncio.run(_filled(choose, settings, days, journal, weight_share, to_bus=to_bus))


async def _filled(
    choose: _Choose,
    settings: Settings,
    days: int,
    journal: Path | None,
    weight_share: float,
    *,
    to_bus: bool,
) -> None:
    clock = SystemClock()
    opened = past(settings, clock, weight_share=weight_share, to_bus=to_bus, journal=journal)
    async with opened as open_past:
        now = clock.now()
        span = Span(milliseconds(now - timedelta(days=days)), milliseconds(now))
        series = await choose(open_past)
        with _bars() as bars:
            overall = bars.add_task(f"{len(series)} series", total=len(series))
            for one in series:
                bar = bars.add_task(one.name, total=1.0)
                told = await open_past.filling.fill(
                    one,
                    span,
                    lambda share, bar=bar: bars.update(bar, completed=share),  # type: ignore[misc]  # a lambda's default
                )
                bars.update(
                    bar, description=f"{one.name}: {told:,}", visible=len(series) < _MOST_BARS
                )
                bars.advance(overall)
    Console().print(f"{open_past.filling.told:,} facts told of {len(series)} series.")


_MOST_BARS = 20


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


async def _known_coins(open_past: Past, coins: str | None) -> Sequence[str]:
    """Return the coins that are asked for, all of which the venue lists."""
    wanted = _listed(coins) if coins else Settings.read().coins
    known = {asset.name for asset in parse_meta(await open_past.info.meta())}
    if unknown := [coin for coin in wanted if coin not in known]:
        raise ConfigError(f"the venue lists no {unknown[0][:40]!r}: name others with --coins")
    return wanted


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
