"""The scraper as a service: started, told to the service manager, stopped on a signal."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from market_scraper.api.web import build
from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from shared_events.runtime.config import Manager
from shared_events.runtime.service import Notifier, Stop, run, settle
from shared_events.runtime.serving import serving

log = structlog.get_logger()

_SAY_SECONDS = 5.0
_WARM_AFTER = 12


def serve(settings: Settings, seconds: float | None = None) -> int:
    """Run until a signal comes, or for so many seconds; return the exit code of the process."""
    manager = Manager.from_environment()
    main = _main(settings, Notifier(manager.notify_socket), seconds)
    return run(main, manager=manager)


def _main(
    settings: Settings, notifier: Notifier, seconds: float | None
) -> Callable[[Stop], Awaitable[None]]:
    async def main(stop: Stop) -> None:
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stop.set)
        async with (
            running(settings) as scraper,
            serving(
                build(scraper),
                settings.api_host,
                settings.api_port,
                setting="MARKET_SCRAPER_API_PORT",
            ) as port,
        ):
            notifier.ready()
            log.info(
                "scraper_started",
                venue=settings.exchange_url,
                bus=settings.bus_url,
                api=f"http://{settings.api_host}:{port}",
            )
            said, rounds = "", 0
            while not await _set_within(stop, _SAY_SECONDS):
                progress = scraper.progress()
                if progress != said:
                    said = progress
                    notifier.status(progress)
                    log.info("progress", message=progress)
                rounds += 1
                if rounds == _WARM_AFTER:
                    settle()

    return main


async def _set_within(stop: Stop, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
