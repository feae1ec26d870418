"""The command line: ``hyperliquid-simulator serve``."""

import asyncio
import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web

from hyperliquid_simulator.app import build
from hyperliquid_simulator.config import Config, parse_start
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.faults import listing, read_faults, written

CONFIG_EXIT = 78

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="A local venue that speaks Hyperliquid's public API, with traders whose skill is known.",
)


@cli.command()
def serve(  # noqa: PLR0913, PLR0917 - one parameter per option
    port: Annotated[int, typer.Option(help="Port of REST, websocket and leaderboard.")] = 18777,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Same seed, start and options: same history.")] = 7,
    traders: Annotated[int, typer.Option(help="Accounts, makers included.")] = 300,
    coins: Annotated[int, typer.Option(help="Listed coins, BTC, ETH and SOL first.")] = 12,
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
        float, typer.Option(help="Mean venue time between two flips of planted traders.")
    ] = 120.0,
    limits: Annotated[bool, typer.Option(help="Enforce the venue's rate limits.")] = True,  # noqa: FBT002
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
    `POST /simulator/step {"seconds":60}`,
    `POST /simulator/fault {"kind":"drop_sockets","for":1}`, `GET /simulator/faults`.
    """
    with _advice():
        config = Config(
            seed=seed,
            traders=traders,
            coins=coins,
            speed=speed,
            stepped=stepped,
            history_days=history,
            start=parse_start(start) if start else None,
            host=host,
            port=port,
            orders_per_second=orders,
            flip_seconds=flip_seconds,
            limits=limits,
            max_users=max_users,
            faults=faults_file,
            socket_lifetime=socket_lifetime,
        )
        _run(config)


@cli.command(help=f"Check a file of failures and print it in order of time.\n\n{listing()}")
def faults(
    file: Annotated[Path, typer.Argument(help="A JSON list such as the one above.")],
) -> None:
    """Check a file of failures."""
    with _advice():
        planned = read_faults(file)
    for fault in sorted(planned, key=lambda fault: fault.at):
        typer.echo(written(fault))


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


def _run(config: Config) -> None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(_serve(config))
    else:
        uvloop.run(_serve(config))


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    runner = web.AppRunner(
        build(config, on_crash=stop.set).app, access_log=None, shutdown_timeout=1.0
    )
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
