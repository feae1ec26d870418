"""``signal-system drift report``: what a running service says of its models' drift."""

import asyncio
import sys
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from signal_system.api.model_schemas import DriftReports, ModelList
from signal_system.ml.drift import DriftReport
from signal_system.terminal import Key, Url, leave
from smart_money_client import DEFAULT_URL, Patience, SmartMoneyError
from smart_money_client.transport import Transport

_PIPE_WIDTH = 120
_SHOWN = 10
_TIMEOUT = aiohttp.ClientTimeout(total=60)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Say whether the classifiers in service still see the world they were taught.

    Drift proposes to train anew; it promotes nothing.
    """,
)

Name = Annotated[str | None, typer.Argument(help="Of the model; none: every one in service.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one report a line.")]


@app.callback()
def group() -> None:
    """Look at drift."""


@app.command()
def report(
    name: Name = None, *, as_json: Json = False, url: Url = DEFAULT_URL, key: Key = None
) -> None:
    """Print what the service finds; ends with code 1 if it proposes to train a champion anew."""
    try:
        reports = asyncio.run(_asked(name, url, key))
    except SmartMoneyError as e:
        leave(e, url)
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    for each in reports:
        if as_json:
            typer.echo(each.model_dump_json())
        else:
            _show(each, console)
    if not reports:
        typer.echo("No classifier is in service.", err=True)
    raise typer.Exit(int(any(each.role == "champion" and each.proposal for each in reports)))


async def _asked(name: str | None, url: str, key: str | None) -> list[DriftReport]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
        transport = Transport(session, url.rstrip("/"), Patience(attempts=1))
        names = [name]
        if name is None:
            listed = await transport.read("/api/v1/models", ModelList)
            names = [each.name for each in listed.models if each.serving or each.shadow]
        reports = list[DriftReport]()
        for each in names:
            told = await transport.read(f"/api/v1/models/{each}/drift", DriftReports)
            reports += told.reports
        return reports


def _show(told: DriftReport, console: Console) -> None:
    console.print(f"[bold]{told.name}[/bold] {told.version}, {told.role}")
    console.print(f"  {_matured(told)}", f"{_losses(told)}", sep="; ", soft_wrap=True)
    if told.rows < told.rows_needed:
        console.print(f"  {told.rows} rows seen; drift of features needs {told.rows_needed}.")
    else:
        console.print(_table(told))
    verdict = "nothing to do" if told.proposal is None else f"train anew: {told.proposal}"
    console.print(f"  {verdict}\n", soft_wrap=True)


def _matured(told: DriftReport) -> str:
    if told.mean_log_loss is None or told.base_rate_log_loss is None:
        return "no prediction has matured"
    return (
        f"{told.matured} matured, log loss {told.mean_log_loss:.4f}"
        f" (base rate {told.base_rate_log_loss:.4f})"
    )


def _losses(told: DriftReport) -> str:
    loss = told.loss
    if loss.since is None:
        return f"{loss.losses} that do not overlap: too few to tell of a rise"
    if loss.risen_at is None or loss.before is None:
        return f"no rise in {loss.losses} that do not overlap"
    return f"risen from {loss.before:.3f} to {loss.since:.3f}, found on {loss.risen_at:%Y-%m-%d}"


def _table(told: DriftReport) -> Table:
    table = Table("  column", box=None, pad_edge=False, header_style="dim")
    for title in ("PSI", "limit", "independent rows"):
        table.add_column(title, justify="right")
    table.add_column("")
    for each in told.columns[:_SHOWN]:
        verdict = "[red]drifted[/red]" if each.drifted else ""
        numbers = f"{each.psi:.3f}", f"{each.limit:.3f}", f"{each.effective_rows:.0f}"
        table.add_row(f"  {each.name}", *numbers, verdict)
    return table
