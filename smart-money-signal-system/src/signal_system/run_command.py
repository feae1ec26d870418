"""``signal-system run``: the service."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from shared_events.runtime import logging, service
from shared_events.runtime.config import Manager
from signal_system.app import running
from signal_system.config import Settings

log = structlog.get_logger()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Bus = Annotated[
    str | None,
    typer.Option("--bus", help="Where events are: redis://, rediss://, unix:// or memory://."),
]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the journal and the store.")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="Port of the API and its page.")
]


@app.command()
def run(bus: Bus = None, data: Data = None, port: Port = None) -> None:
    """Consume events, decide, and answer on the API until told to stop.

    What is not given here is read from the environment (SIGNAL_SYSTEM_*) or .env.
    """
    settings = Settings.read(bus_url=bus, data_dir=data, api_port=port)
    logging.configure("signal-system", settings.log_level)
    manager = Manager.from_environment()
    sys.exit(service.run(lambda stop: _serve(settings, stop, manager), manager=manager))


async def _serve(settings: Settings, stop: service.Stop, manager: Manager) -> None:
    async with running(settings) as parts:
        log.info("signal_system_started", api=f"http://{settings.api_host}:{parts.port}")
        ready = asyncio.create_task(parts.restored.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            service.settle()
            service.Notifier(manager.notify_socket).ready(f"at record {parts.fold.position}")
        await stopped
        ready.cancel()
