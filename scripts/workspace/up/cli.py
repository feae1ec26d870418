"""The command line of ``scripts/up``."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer
from rich.console import Console

from shared_events.runtime.clock import SystemClock
from workspace.up import guard, redis
from workspace.up.errors import UpError
from workspace.up.plan import DEMO_SEED, REDIS, Options, Plan, Surroundings, exchange_url, plan
from workspace.up.ports import free_port
from workspace.up.screen import screen_for
from workspace.up.settings import configured, configured_bus
from workspace.up.supervisor import Ending, Supervisor
from workspace.up.view import PartRow, View
from workspace.up.watch import Watch

ROOT: Final = Path(__file__).resolve().parents[3]
SIMULATOR_PORT: Final = 18777
_ANSWER_SECONDS: Final = 5.0
_NOT_SEEN: Final = 3

_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


def main() -> None:
    """Run ``scripts/up`` with the arguments of this process."""
    _app(prog_name="scripts/up")


@_app.command(context_settings={"help_option_names": ["-h", "--help"]})
def up(  # noqa: PLR0913  one for each option
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Bring a simulated exchange: needs no internet.")
    ] = False,
    exchange: Annotated[
        str | None, typer.Option(help="Follow this exchange instead of Hyperliquid's mainnet.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the signal API and its page.")] = 4341,
    scraper_port: Annotated[int, typer.Option(help="Port of the scraper's own API.")] = 4340,
    max_traders: Annotated[
        int | None,
        typer.Option(min=1, help="Follow at most this many traders (500; 80 in the demo)."),
    ] = None,
    data: Annotated[Path, typer.Option(file_okay=False, help="Where everything is kept.")] = Path(
        "var"
    ),
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, help="Stop by itself after so many seconds.")
    ] = None,
    until_signals: Annotated[
        bool,
        typer.Option(
            "--until-signals",
            help="Stop as soon as BUY and SELL were seen among BTC, ETH and SOL; exit code 3 if "
            "--for is over first.",
        ),
    ] = False,
) -> None:
    """Start everything and show it: Redis, the market scraper, the signal system.

    Ctrl-C stops it in order and loses nothing; the next start goes on where this one stopped. What
    is kept lives under ./var, in one folder per exchange; each part's output is in ./var/log.

    Redis is the one that REDIS_URL (or the services' BUS_URL) names, else one of our own: the
    redis-server on PATH, else the one that comes with the workspace.
    """
    options = Options(
        demo=demo,
        exchange=exchange,
        port=port,
        scraper_port=scraper_port,
        max_traders=max_traders,
    )
    try:
        ending = Ending(seconds, opinions=until_signals)
        seen = asyncio.run(_up(options, ROOT / data, ending))
    except UpError as e:
        print(f"scripts/up: {e}", file=sys.stderr)
        raise typer.Exit(e.exit_code) from None
    raise typer.Exit(0 if seen else _NOT_SEEN)


async def _up(options: Options, var: Path, ending: Ending) -> bool:
    with guard.only_one(var):
        settings = configured(ROOT)
        chosen = _plan(options, settings, var)
        view = _view(options, chosen)
        screen = screen_for(Console(), SystemClock().now)
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=_key(settings)) as http:
                run = Supervisor(chosen, settings, var / "log", view, screen)
                seen = await run.run(Watch(http, chosen.api), ending)
            view.closing = "Everything is stopped and kept; scripts/up goes on from here."
            screen.show(view)
        finally:
            screen.close()
        return seen


def _plan(options: Options, settings: Mapping[str, str], var: Path) -> Plan:
    """Return the plan for this machine, after everything that can be refused early."""
    if options.demo and options.exchange:
        raise UpError("--demo brings its own exchange: leave out --exchange, or --demo")
    guard.ports_are_free(options)
    bus = configured_bus(settings)
    bin_folder = Path(sys.executable).parent
    around = Surroundings(
        var=var,
        bin=bin_folder,
        redis_server=redis.redis_server(bin_folder / "redis-server"),
        redis_port=free_port(),
        simulator_port=free_port(SIMULATOR_PORT),
        configured_bus=bus,
        settings=settings,
    )
    if not options.demo:
        guard.exchange_is_reachable(exchange_url(options, around))
    chosen = plan(options, around)
    if bus:
        redis.claim(bus, chosen.venue)
    (chosen.folder / REDIS).mkdir(parents=True, exist_ok=True)
    return chosen


def _view(options: Options, chosen: Plan) -> View:
    venue = f"a simulated exchange (seed {DEMO_SEED})" if options.demo else chosen.exchange
    return View(
        title=f"Smart money on {venue}",
        api=chosen.api,
        parts={
            part.name: PartRow(part.name, part.where.removeprefix(f"{ROOT}/"))
            for part in chosen.parts
        },
    )


def _key(settings: Mapping[str, str]) -> dict[str, str]:
    key = settings.get("SIGNAL_SYSTEM_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}
