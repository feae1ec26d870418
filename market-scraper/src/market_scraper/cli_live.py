"""Commands that ask a running service over its own interface: ``collectors`` and ``coins``."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from market_scraper.config import Settings
from market_scraper.errors import SourceUnavailableError, WireFormatError

collectors = typer.Typer(
    no_args_is_help=True,
    help="See what collects and how it goes; stop and start it. Needs a running service.",
)
coins = typer.Typer(
    no_args_is_help=True,
    help=(
        "See and change whose candles and trade flow are followed: MARKET_SCRAPER_COINS, and what was"
        " added and removed here since. Needs a running service."
    ),
)

Name = Annotated[str, typer.Argument(help="As `collectors status` names it.")]
Coin = Annotated[str, typer.Argument(help="As the venue names it, such as BTC or kPEPE.")]
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_OK = 200
_SECONDS = len("2026-01-01T00:00:00")


@collectors.command("status")
def show_collectors() -> None:
    """Print every collector: its state, its last success, its errors, when it is due."""
    table = Table(box=None, header_style="bold")
    for heading in ("collector", "state", "last success", "next", "errors", "last error"):
        table.add_column(heading, overflow="fold")
    for row in _ask("GET", "collectors")["collectors"]:
        trouble = row["trouble"] or {}
        table.add_row(
            row["name"],
            row["state"],
            _moment(row["succeeded_at"]),
            _moment(row["due_at"]),
            str(row["errors"]),
            f"{_moment(trouble['at'])} {trouble['reason']}" if trouble else "",
        )
    Console().print(table)


@collectors.command("start")
def start_collector(name: Name) -> None:
    """Let NAME run again, with a clean record."""
    _say(_ask("POST", f"collectors/{quote(name)}/start"))


@collectors.command("stop")
def stop_collector(name: Name) -> None:
    """Stop NAME until it is started, or the service is."""
    _say(_ask("POST", f"collectors/{quote(name)}/stop"))


@coins.command("list")
def list_coins() -> None:
    """Print the coins whose candles and trade flow are followed."""
    markets = _ask("GET", "markets")["markets"]
    Console().print(" ".join(row["coin"] for row in markets if row["followed"]) or "none")


@coins.command("add")
def add_coin(coin: Coin) -> None:
    """Follow COIN, which the venue must list."""
    Console().print(" ".join(_ask("POST", f"coins/{quote(coin)}/add")["followed"]))


@coins.command("remove")
def remove_coin(coin: Coin) -> None:
    """Follow COIN no more."""
    Console().print(" ".join(_ask("POST", f"coins/{quote(coin)}/remove")["followed"]))


def _say(status: dict[str, Any]) -> None:
    Console().print(f"{status['name']} is {status['state']}.")


def _moment(text: str | None) -> str:
    return text[:_SECONDS].replace("T", " ") if text else "-"


def _ask(method: str, path: str) -> dict[str, Any]:
    settings = Settings.read()
    return asyncio.run(_answer(method, f"{settings.api_host}:{settings.api_port}", path))


async def _answer(method: str, where: str, path: str) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as http,
            http.request(method, f"http://{where}/api/v1/{path}") as response,
        ):
            answer: dict[str, Any] = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as e:
        raise SourceUnavailableError(
            f"no scraper answers at {where}: start one, or set MARKET_SCRAPER_API_PORT to its port"
        ) from e
    if response.status != _OK:
        raise WireFormatError(str(answer.get("detail", answer)))
    return answer
