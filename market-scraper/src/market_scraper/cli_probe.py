"""``market-scraper probe``: ask the venue what its documentation leaves open."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from market_scraper.config import Settings
from market_scraper.probing.probe import Probe, Report
from market_scraper.probing.questions import QUESTIONS
from shared_events.runtime.clock import SystemClock
from shared_events.runtime.logging import configure


def probe(
    folder: Annotated[Path, typer.Argument(help="Where report and frames go; goes on there.")],
    exchange: Annotated[
        str | None, typer.Option("--exchange", help="The venue's URL, or a simulator's.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.001, help="How long to listen in all.")] = 1.0,
    watch: Annotated[
        list[str] | None, typer.Option(help="Accounts whose fills are looked at, too.")
    ] = None,
    speed: Annotated[float, typer.Option(min=1.0, help="Of a simulator that runs fast.")] = 1.0,
    *,
    to_the_limit: Annotated[
        bool,
        typer.Option(
            "--to-the-limit",
            help="Also ask what only a refusal answers; nothing else may use the address meanwhile.",
        ),
    ] = False,
) -> None:
    """Listen to every trade for an hour, and answer what the venue's documentation leaves open.

    Writes FOLDER/report.json and everything that came in. What was interrupted goes on; what is
    answered is not asked again.
    """
    settings = Settings.read(exchange_url=exchange)
    configure("market-scraper", settings.log_level)
    asked = Probe(
        settings,
        folder,
        SystemClock(),
        seconds=hours * 3_600,
        to_the_limit=to_the_limit,
        watched=tuple(address.lower() for address in watch or ()),
        minute=60.0 / speed,
    )
    _print(asyncio.run(asked.run()))


def _print(report: Report) -> None:
    table = Table(box=None, header_style="bold")
    for heading in ("question", "answer", "evidence"):
        table.add_column(heading, overflow="fold")
    for name, question in QUESTIONS.items():
        found = report.answers[name]
        evidence = ", ".join(f"{key} {value}" for key, value in found.evidence.items())
        table.add_row(question, found.answer or "unknown", evidence)
    Console().print(table)
