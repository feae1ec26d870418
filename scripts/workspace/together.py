"""Both services in one process over a bus in memory: one debugger sees the whole path.

The same code as two processes over Redis; only the bus differs. It is not for production: what the
bus holds dies with the process, so events nobody had journalled yet are gone.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

import hyperliquid_simulator.app as simulator
import market_scraper.orchestration.lifecycle as scraper
import signal_system.app as signal_system
from hyperliquid_simulator.config import Config
from market_scraper.config import Settings as ScraperSettings
from shared_events.errors import EXIT_CONFIG, ConfigError
from shared_events.runtime import logging, service
from shared_events.runtime.config import Manager
from signal_system.config import Settings as SignalSettings

BUS: Final = "memory://together"
DEMO_TRADERS: Final = 80

log = structlog.get_logger()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@asynccontextmanager
async def together(
    folder: Path, *, exchange: str | None, port: int | None, demo: bool = False
) -> AsyncIterator[int | None]:
    """Run both services, and with `demo` an exchange too; yield the port of the signal API."""
    async with AsyncExitStack() as stack:
        if demo:
            exchange = await stack.enter_async_context(simulator.running(Config(port=0)))
        watching = ScraperSettings.read(
            exchange_url=exchange,
            bus_url=BUS,
            storage_url=f"sqlite:///{folder / 'market-scraper.db'}",
            max_traders=DEMO_TRADERS if demo else None,
        )
        deciding = SignalSettings.read(
            bus_url=BUS, data_dir=folder / "signal-system", api_port=port
        )
        parts = await stack.enter_async_context(signal_system.running(deciding))
        await stack.enter_async_context(scraper.running(watching))
        yield parts.port


@app.command()
def run(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Bring a simulated exchange.")] = False,
    exchange: Annotated[str | None, typer.Option(help="Follow this exchange.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the signal API (4341).")] = None,
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("var/together"),
) -> None:
    """Run both services in this one process over a bus in memory, for development."""
    logging.configure("together", "info")
    data.mkdir(parents=True, exist_ok=True)

    async def main(stop: service.Stop) -> None:
        async with together(data, exchange=exchange, port=port, demo=demo) as listening:
            log.info("together", page=f"http://127.0.0.1:{listening}/")
            await stop.wait()

    sys.exit(service.run(main, manager=Manager.from_environment()))


if __name__ == "__main__":
    try:
        app(prog_name="scripts/together")
    except ConfigError as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)
