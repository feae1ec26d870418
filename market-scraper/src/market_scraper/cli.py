"""The command line: ``market-scraper run | record | replay | backfill | probe | traders | collectors | coins | doctor``."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from market_scraper.cli_backfill import backfill
from market_scraper.cli_live import coins, collectors
from market_scraper.cli_plan import print_plan
from market_scraper.cli_probe import probe
from market_scraper.config import Settings
from market_scraper.orchestration.doctor import examine
from market_scraper.orchestration.lifecycle import open_repository
from market_scraper.recording.replay import Tally, replay, taking, told
from market_scraper.service import serve
from market_scraper.storage.repository import Repository
from shared_events.bus.open import open_publisher
from shared_events.errors import EXIT_CONFIG, AppError, ConfigError
from shared_events.runtime.clock import SystemClock
from shared_events.runtime.logging import configure
from shared_events.types import ADDRESS_PATTERN

T = TypeVar("T")

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help=(
        "Follow Hyperliquid's traders live and publish what they hold.\n\n"
        "Begin with `market-scraper doctor`, then `market-scraper run --max-traders 10`.\n\n"
        "Everything can be set by environment variables `MARKET_SCRAPER_...` or in `.env`; an"
        " option given here wins. A wrong setting ends with exit code 78 and a sentence that says"
        " what to change."
    ),
)
traders = typer.Typer(
    no_args_is_help=True,
    help=(
        "See and change who is tracked. Works beside a running service, which follows within"
        " seconds, and without one."
    ),
)
cli.add_typer(traders, name="traders")
cli.add_typer(collectors, name="collectors")
cli.add_typer(coins, name="coins")
cli.add_typer(backfill, name="backfill")
cli.command()(probe)

Exchange = Annotated[
    str | None, typer.Option("--exchange", help="The venue's URL, or a simulator's.")
]
Bus = Annotated[
    str | None,
    typer.Option("--bus", help="Where events go: redis://, unix://, memory:// or http://."),
]
Address = Annotated[str, typer.Argument(help="The account, 0x and 40 hexadecimal digits.")]


@cli.command()
def run(  # noqa: PLR0913 -- each is an option of the command
    exchange: Exchange = None,
    bus: Bus = None,
    max_traders: Annotated[
        int | None, typer.Option(help="How many traders of the leaderboard to track.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="sqlite:///PATH, mongodb://HOST/NAME, or memory:// to keep nothing."),
    ] = None,
    api_port: Annotated[int | None, typer.Option(help="Port of health, status, metrics.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Start nothing; say what it takes and what does not fit."),
    ] = False,
) -> None:
    """Follow the venue until interrupted.

    Reads the leaderboard, tracks its best traders, learns what each holds, follows every public
    trade of every listed coin, and publishes each change within milliseconds.

    How it goes: `curl http://127.0.0.1:4340/api/v1/status`
    """
    settings = Settings.read(
        exchange_url=exchange,
        bus_url=bus,
        max_traders=max_traders,
        storage_url=storage,
        api_port=api_port,
        log_level=log_level,
    )
    if dry_run:
        asyncio.run(print_plan(settings))
        return
    configure("market-scraper", settings.log_level)
    raise typer.Exit(serve(settings))


@cli.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Where to write; goes on where it ended.")],
    exchange: Exchange = None,
    max_traders: Annotated[
        int | None, typer.Option(help="How many traders of the leaderboard to track.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, help="Stop after so long; default: when interrupted.")
    ] = None,
    gigabytes: Annotated[
        float | None, typer.Option(min=0.001, help="Keep the newest so many; default 20.")
    ] = None,
    api_port: Annotated[int | None, typer.Option(help="Port of health, status, metrics.")] = None,
) -> None:
    """Follow the venue and write everything that comes in to FOLDER, as it comes; publish nothing.

    Frames and answers with the time they were received, compressed, checksummed, in files of at most
    64 MB, the oldest given up first. `market-scraper replay FOLDER` tells it again. To record beside
    publishing, set MARKET_SCRAPER_RECORD_FOLDER and `run`.
    """
    settings = Settings.read(
        exchange_url=exchange,
        bus_url="memory://recording",
        storage_url="memory://",
        max_traders=max_traders,
        record_folder=folder,
        record_bytes=None if gigabytes is None else int(gigabytes * 1e9),
        budget_url=Settings.read().budget_redis,
        api_port=api_port,
    )
    configure("market-scraper", settings.log_level)
    raise typer.Exit(serve(settings, None if hours is None else hours * 3_600))


@cli.command("replay")
def replay_recording(
    path: Annotated[
        Path, typer.Argument(help="What `record` wrote, a whale panel's folder, or frames.")
    ],
    bus: Bus = None,
    journal: Annotated[
        Path | None, typer.Option(help="Write this journal directory instead of, or beside, a bus.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Recorded seconds per second; default: at once.")
    ] = None,
) -> None:
    """Publish the recording at PATH with its own times.

    The same recording always gives the same events with the same ids, so a replay that was
    interrupted can simply be started again. Without `--journal` events go to `--bus`, or to the bus
    that MARKET_SCRAPER_BUS_URL names.
    """
    settings = Settings.read(bus_url=bus)
    configure("market-scraper", settings.log_level)
    to_bus = bus is not None or journal is None
    asyncio.run(_replay(path, settings if to_bus else None, journal, speed))


@cli.command()
def doctor(exchange: Exchange = None, bus: Bus = None) -> None:
    """Check Python, bus, venue, clock, storage, disk and port, and say what to do.

    Exit code 0 if a run would work, 1 if something is missing.
    """
    settings = Settings.read(exchange_url=exchange, bus_url=bus)
    raise typer.Exit(asyncio.run(_examine(settings)))


@traders.command("list")
def list_traders() -> None:
    """Print who is tracked, best first, and what was added or removed by hand."""
    asyncio.run(_with_repository(_print_roster))


@traders.command("add")
def add_trader(address: Address) -> None:
    """Track ADDRESS whatever the leaderboard says."""
    _override(address, tracked=True)
    Console().print(f"{address.lower()} is tracked from now on.")


@traders.command("remove")
def remove_trader(address: Address) -> None:
    """Leave ADDRESS out whatever the leaderboard says."""
    _override(address, tracked=False)
    Console().print(f"{address.lower()} is not tracked any more.")


@traders.command("blacklist")
def blacklist_trader(
    address: Annotated[
        str | None, typer.Argument(help="Whom never to track; leave it out to see who is listed.")
    ] = None,
) -> None:
    """Never track ADDRESS, as `remove` does; without one, print who was left out so."""
    if address is None:
        asyncio.run(_with_repository(_print_blacklist))
    else:
        remove_trader(address)


@traders.command("reset")
def reset_trader(address: Address) -> None:
    """Let the leaderboard decide about ADDRESS again."""
    _override(address, tracked=None)
    Console().print(f"The leaderboard decides about {address.lower()} again.")


def main() -> None:
    """Run the command line; a `ConfigError` becomes one sentence and exit code 78."""
    try:
        cli()
    except ConfigError as e:
        sys.stderr.write(f"{e}\n")
        raise SystemExit(EXIT_CONFIG) from None
    except AppError as e:
        sys.stderr.write(f"{e}\n")
        raise SystemExit(1) from None


async def _replay(
    path: Path, settings: Settings | None, journal: Path | None, speed: float | None
) -> None:
    began, clock = perf_counter(), SystemClock()
    async with AsyncExitStack() as stack:
        publisher = None
        if settings is not None:
            opened = open_publisher(settings.bus_url, key=settings.bus_key)
            publisher = await stack.enter_async_context(opened)
        takers = await stack.enter_async_context(taking(publisher, journal, clock))
        progress = stack.enter_context(
            Progress(
                SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True)
            )
        )
        bar = progress.add_task("reading")
        tally = await replay(
            told(path),
            takers,
            clock,
            speed=speed,
            on_progress=lambda tally, last: progress.update(
                bar, description=f"{last.recorded_at:%Y-%m-%d %H:%M:%S}  {tally.total:,} events"
            ),
        )
    _print_tally(tally, perf_counter() - began)


def _print_tally(tally: Tally, seconds: float) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("event")
    table.add_column("count", justify="right")
    for name, count in sorted(tally.events.items()):
        table.add_row(name, f"{count:,}")
    table.add_row("total", f"{tally.total:,}", style="bold")
    Console().print(table)
    Console().print(f"{seconds:.1f} s, {tally.total / max(seconds, 1e-9):,.0f} events a second")


async def _examine(settings: Settings) -> int:
    console, works = Console(), True
    async for finding in examine(settings, SystemClock()):
        mark = "[green]ok[/]     " if finding.works else "[red]missing[/]"
        console.print(f"{mark} {finding.name:8} {finding.detail}", highlight=False)
        if not finding.works:
            works = False
            console.print(f"                 {finding.advice}", highlight=False)
    return 0 if works else 1


def _override(address: str, *, tracked: bool | None) -> None:
    known = _address(address)
    asyncio.run(_with_repository(lambda repository: repository.override(known, tracked=tracked)))


def _address(text: str) -> str:
    if not re.fullmatch(ADDRESS_PATTERN, text.lower()):
        raise typer.BadParameter(f"{text[:60]!r} is no address: 0x and 40 hexadecimal digits")
    return text.lower()


async def _with_repository(work: Callable[[Repository], Awaitable[T]]) -> T:
    settings = Settings.read()
    if settings.database is None:
        raise ConfigError(
            "MARKET_SCRAPER_STORAGE_URL is memory://, which only the service itself can see:"
            " set it to a file, such as sqlite:///var/market-scraper.db"
        )
    repository = await open_repository(settings, SystemClock())
    try:
        return await work(repository)
    finally:
        await repository.close()


async def _print_blacklist(repository: Repository) -> None:
    removed = (await repository.overrides()).removed
    Console().print("\n".join(sorted(removed)) or "Nobody is left out by hand.")


async def _print_roster(repository: Repository) -> None:
    members, overrides = await repository.roster(), await repository.overrides()
    table = Table(box=None, header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("address", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("why")
    for place, member in enumerate(members, 1):
        table.add_row(str(place), member.address, str(member.score), member.reason)
    waiting = sorted(overrides.added - {member.address for member in members})
    for address in waiting:
        table.add_row("", address, "", "added by hand, at the next run")
    for address in sorted(overrides.removed):
        table.add_row("", address, "", "removed by hand")
    Console().print(table if table.row_count else "Nobody is tracked yet: start a run.")
