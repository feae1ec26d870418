"""The command line: ``hyperliquid-simulator serve`` and ``generate``."""

import asyncio
import gc
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web

from hyperliquid_simulator.accounts.styles import CONTEST, DEMO, Shares, shares_of
from hyperliquid_simulator.app import build
from hyperliquid_simulator.config import BOUNDS, Config, check_bounds, parse_day, parse_start
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.past.truth import truth_of, write_truth
from hyperliquid_simulator.protocol.faults import listing, read_faults, written

CONFIG_EXIT = 78

GARBAGE = 3_000, 4, 1_000_000
"""When to look for garbage: often at what is new, where a look is short, and never at everything."""

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="A local venue that speaks Hyperliquid's public API, with traders whose skill is known.",
)


def _listed(shares: Shares) -> str:
    return ", ".join(f"{style}={share:g}" for style, share in shares.items())


_SHARE = "STYLE=SHARE of the accounts, as often as you like; noise is the rest. The default is "
SkillIc = Annotated[
    float,
    typer.Option(
        help="Mean information coefficient of the skilled: the correlation of their exposure with"
        " the coin's residual return of the next 24 hours."
    ),
]
OneRegime = Annotated[
    float, typer.Option(help="Part of the skilled that have it in one market regime only.")
]


@cli.command()
def serve(  # noqa: PLR0913, PLR0917 - one parameter per option
    port: Annotated[int, typer.Option(help="Port of REST, websocket and leaderboard.")] = 18777,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Same seed, start and options: same history.")] = 7,
    traders: Annotated[int, typer.Option(help="Accounts, makers included.")] = 300,
    coins: Annotated[int, typer.Option(help="Listed coins, BTC, ETH and SOL first.")] = 12,
    builder_coins: Annotated[int, typer.Option(help="Coins of builders' dexes (HIP-3).")] = 4,
    spot_pairs: Annotated[int, typer.Option(help="Spot pairs, HYPE/USDC (`@107`) first.")] = 3,
    outcomes: Annotated[int, typer.Option(help="Questions with a coin (`#n`) either way.")] = 1,
    speed: Annotated[float, typer.Option(help="Venue seconds per second.")] = 1.0,
    stepped: Annotated[  # noqa: FBT002
        bool, typer.Option("--stepped", help="Let time pass only on POST /simulator/step.")
    ] = False,
    history: Annotated[int, typer.Option(help="Days of past that exist at the start.")] = 180,
    start: Annotated[
        str | None,
        typer.Option(
            help="Venue time at the start, ISO 8601 UTC; else the present, "
            "or so long ago that an accelerated venue reaches it in a day."
        ),
    ] = None,
    orders: Annotated[
        float | None, typer.Option(help="Orders per venue second; else by the number of traders.")
    ] = None,
    flip_seconds: Annotated[
        float,
        typer.Option(
            help="Mean venue time between two coordinated turns of the planted traders, made to be"
            " watched: they tell nothing of prices. 0 is never: then only the planted skill acts."
        ),
    ] = 120.0,
    limits: Annotated[bool, typer.Option(help="Enforce the venue's rate limits.")] = True,  # noqa: FBT002
    share: Annotated[list[str] | None, typer.Option(help=f"{_SHARE}{_listed(DEMO)}.")] = None,
    skill_ic: SkillIc = 0.1,
    one_regime: OneRegime = 0.3,
    tempo: Annotated[
        float, typer.Option(help="Decisions a day and coin of the median trader.")
    ] = 0.5,
    truth: Annotated[
        Path | None,
        typer.Option(help="Write who was planted with what to this file before serving."),
    ] = None,
    max_users: Annotated[
        int, typer.Option(help="Users an address may track: 10 as documented, 14 as measured.")
    ] = 10,
    faults_file: Annotated[
        Path | None,
        typer.Option(
            "--faults", help="JSON file of failures; see `hyperliquid-simulator faults --help`."
        ),
    ] = None,
    socket_lifetime: Annotated[
        float | None,
        typer.Option(help="Venue seconds until a websocket is closed as Expired; else never."),
    ] = None,
) -> None:
    """Serve the venue until interrupted.

    REST is `POST /info`, the websocket `/ws`, the leaderboard `GET /leaderboard`. Point a client at
    it by its base URL, for example `Info("http://127.0.0.1:18777")` of the official Python SDK.

    For tests and demonstrations, on loopback only and no part of the venue:
    `GET /simulator/truth`, `GET /simulator/limits`,
    `POST /simulator/flip {"coin":"BTC","side":"long"}`, `POST /simulator/pause`,
    `POST /simulator/resume`, `POST /simulator/burst {"trades":1000}`,
    `POST /simulator/list {"coin":"XLM"}`, `POST /simulator/delist {"coin":"ETH"}`,
    `POST /simulator/step {"seconds":60}`,
    `POST /simulator/fault {"kind":"drop_sockets","for":1}`, `GET /simulator/faults`.
    """
    with _advice():
        config = Config(
            seed=seed,
            traders=traders,
            coins=coins,
            builder_coins=builder_coins,
            spot_pairs=spot_pairs,
            outcomes=outcomes,
            speed=speed,
            stepped=stepped,
            history_days=history,
            start=parse_start(start) if start else None,
            host=host,
            port=port,
            orders_per_second=orders,
            flip_seconds=flip_seconds,
            shares=shares_of(share or (), DEMO),
            skill_ic=skill_ic,
            one_regime=one_regime,
            tempo=tempo,
            limits=limits,
            max_users=max_users,
            faults=faults_file,
            socket_lifetime=socket_lifetime,
        )
        _run(config, truth)


@cli.command()
def generate(  # noqa: PLR0913, PLR0917 - one parameter per option
    out: Annotated[Path, typer.Option(help="A new folder for the journal and truth.json.")],
    seed: Annotated[int, typer.Option(help="Same seed and options: same bytes.")] = 7,
    days: Annotated[int, typer.Option(help="How many days.")] = 420,
    traders: Annotated[int, typer.Option(help="Ranked accounts, makers included.")] = 600,
    coins: Annotated[int, typer.Option(help="Listed coins, BTC, ETH and SOL first.")] = 8,
    since: Annotated[str, typer.Option(help="The first day, UTC.")] = "2025-01-01",
    share: Annotated[list[str] | None, typer.Option(help=f"{_SHARE}{_listed(CONTEST)}.")] = None,
    skill_ic: SkillIc = 0.1,
    one_regime: OneRegime = 0.3,
    tempo: Annotated[
        float, typer.Option(help="Decisions a day and coin of the median trader.")
    ] = 1.0,
) -> None:
    """Write the past of a world as a journal, with the truth about it beside: no venue is served.

    The events are those that a scraper would have published, each with the time at which it would
    have known: rosters with scores, profiles, leaderboards, deposits, every change of a position,
    every book once a day, hourly candles and contexts. Fold them with `signal-system replay OUT`.

    What a scheme must find out stands in `OUT/truth.json`: the style of every account, its
    information coefficient by regime, leader and lag, entity, liquidation, and the dated regimes.

    Three populations to try a scheme on: `--share skilled=0.05`, `--share skilled=0.02`,
    and `--share skilled=0`, where the right answer is silence.
    """
    from hyperliquid_simulator.episodes.journal import (  # noqa: PLC0415 - a venue needs no journal
        write,
    )

    with _advice():
        check_bounds("days", days, BOUNDS["history_days"])
        config = Config(
            seed=seed,
            traders=traders,
            coins=coins,
            history_days=days,
            start=parse_day(since) + timedelta(days=days),
            shares=shares_of(share or (), CONTEST),
            skill_ic=skill_ic,
            one_regime=one_regime,
            tempo=tempo,
        )
        with typer.progressbar(length=days, label="days", file=sys.stderr) as bar:
            told = write(config, out, lambda _day: bar.update(1))
    typer.echo(_summary(told, out))


@cli.command(help=f"Check a file of failures and print it in order of time.\n\n{listing()}")
def faults(
    file: Annotated[Path, typer.Argument(help="A JSON list such as the one above.")],
) -> None:
    """Check a file of failures."""
    with _advice():
        planned = read_faults(file)
    for fault in sorted(planned, key=lambda fault: fault.at):
        typer.echo(written(fault))


def _summary(told: Counter[str], out: Path) -> str:
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in told.most_common())
    return f"{told.total():,} events, {size:.0f} MB in {out}: {kinds}"


def main() -> None:
    """Run the command line."""
    cli()


@contextmanager
def _advice() -> Iterator[None]:
    """Turn a setting that cannot be used into a sentence and the exit status for it."""
    try:
        yield
    except ConfigError as e:
        typer.echo(f"hyperliquid-simulator: {e}", err=True)
        raise typer.Exit(CONFIG_EXIT) from e


def _run(config: Config, truth: Path | None) -> None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(_serve(config, truth))
    else:
        uvloop.run(_serve(config, truth))


async def _serve(config: Config, truth: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    venue = build(config, on_crash=stop.set)
    if truth is not None:
        write_truth(truth_of(venue.world.past, config), truth)
    runner = web.AppRunner(venue.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await _listen(runner, config)
        port = runner.addresses[0][1]
        typer.echo(
            f"hyperliquid-simulator: listening on http://{config.host}:{port} "
            f"({config.traders} traders, {config.coins} coins, {config.history_days} days of past, "
            f"seed {config.seed}, {'stepped' if config.stepped else f'speed {config.speed:g}'})"
        )
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, config: Config) -> None:
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError as e:
        reason = e.strerror or e
        raise ConfigError(
            f"cannot listen on {config.host}:{config.port} ({reason}); choose another --port."
        ) from e
