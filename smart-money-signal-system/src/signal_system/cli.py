"""``signal-system``: run the service, replay a journal, look at the signals."""

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from shared_events.errors import EXIT_CONFIG, ConfigError, DataError
from shared_events.runtime import logging, service
from shared_events.runtime.config import Manager
from signal_system import terminal
from signal_system.app import running
from signal_system.config import Settings
from signal_system.evaluation.replay import replay as folded
from signal_system.evaluation.report import report
from signal_system.lazy import add_later
from signal_system.models_cli import models

log = structlog.get_logger()

_EVERY = 1_000
_PIPE_WIDTH = 120

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Turn what traders hold into BUY, SELL or NEUTRAL for every coin.

    `run` is the service; `signals --watch` shows what it says; `replay` decides the same again from
    a journal.

    Everything can be set by environment variables SIGNAL_SYSTEM_... or in .env; an option given here
    wins. A wrong setting ends with exit code 78 and a sentence that says what to change.
    """,
)

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


app.command("signals")(terminal.signals)
app.add_typer(models, name="models")
add_later(
    app,
    "evaluate",
    "signal_system.evaluation.evaluate_command",
    "Judge weighting schemes over journals whose truth is known.",
)
add_later(
    app,
    "features",
    "signal_system.training.features_command",
    "Build, list and check what models see; audit what was served.",
)


@app.command()
def replay(
    journal: Annotated[Path, typer.Argument(help="The folder that holds a journal's segments.")],
    out: Annotated[
        Path | None, typer.Option(help="Write every signal to this file, one a line.")
    ] = None,
) -> None:
    """Fold a JOURNAL from its beginning and print what it leads to: the same hashes every time.

    Rules, weighting and baseline are those of the settings; models come from the journal itself.
    """
    config = Settings.read().fold_config()
    began = perf_counter()
    with ExitStack() as stack:
        file = stack.enter_context(out.open("wb")) if out else None
        bar = stack.enter_context(_progress())
        task = bar.add_task("records", total=None)

        def keep(raw: bytes) -> None:
            if file is not None:
                file.write(raw + b"\n")

        def show(position: int) -> None:
            if position % _EVERY == 0:
                bar.update(task, completed=position)

        summary = folded(journal, config, keep=keep, on_progress=show)
    _console().print(report(summary, perf_counter() - began))


def main() -> None:
    """Run the command line; a setting or data of no use ends it with one sentence and exit code 78."""
    try:
        app()
    except (ConfigError, DataError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(EXIT_CONFIG)


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


def _progress() -> Progress:
    """Return a bar on stderr, so that what is printed stays clean."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _console() -> Console:
    """Return the terminal, or what it is piped into without cutting lines short."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
