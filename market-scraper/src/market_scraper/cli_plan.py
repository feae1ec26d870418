"""``market-scraper run --dry-run``: what a run would do, and what of it would not fit."""

import aiohttp
from rich.console import Console
from rich.table import Table

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.parse import parse_meta
from market_scraper.errors import WireFormatError
from market_scraper.orchestration.plan import USUAL_COINS, Plan, plan

_TIMEOUT = aiohttp.ClientTimeout(total=10)


async def print_plan(settings: Settings) -> None:
    """Ask the venue for nothing but its list of markets, and print the plan."""
    console = Console()
    coins, how = await _listed(settings)
    console.print(how, highlight=False)
    found = plan(settings, coins)
    table = Table(box=None, show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("how much", overflow="fold")
    for name, value in _rows(settings, found):
        table.add_row(name, value)
    console.print(table)
    for misfit in found.misfits:
        console.print(f"[yellow]does not fit[/]: {misfit}", highlight=False, soft_wrap=True)
    if not found.misfits:
        console.print("Everything fits.")


async def _listed(settings: Settings) -> tuple[int, str]:
    """Return how many coins the venue lists, and how that is known."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as http,
            http.post(f"{settings.exchange_url}/info", json={"type": "meta"}) as response,
        ):
            assets = parse_meta(await response.read())
    except (aiohttp.ClientError, TimeoutError, WireFormatError) as e:
        reason = str(e) or type(e).__name__
        return USUAL_COINS, (
            f"{settings.exchange_url} did not say what it lists ({reason}): {USUAL_COINS} coins are assumed."
        )
    coins = sum(not asset.delisted for asset in assets)
    return coins, (
        f"Asked {settings.exchange_url} once for its markets (weight 20): {coins} coins."
        " Nothing else was asked for."
    )


def _rows(settings: Settings, found: Plan) -> list[tuple[str, str]]:
    each = -(-found.subscriptions // found.lines)
    return [
        ("requests", settings.exchange_url),
        ("websocket", settings.websocket_at),
        ("leaderboard", settings.leaderboard_at),
        (
            "request weight a minute",
            (
                f"{found.weight:.0f} of {found.weight_limit}: markets {found.contexts_weight:.0f}, candles"
                f" {found.candles_weight:.0f}, audits {found.audits_weight:.0f}"
            ),
        ),
        (
            "at the start",
            (
                f"{found.start_weight:,} for first states and candles; then roles, {found.roles_weight:.0f} a"
                f" minute out of the audits', for {found.roles_hours:.1f} h once"
            ),
        ),
        (
            f"until {settings.max_traders} traders are anchored",
            f"{found.anchor_seconds:.0f} s, the best first",
        ),
        ("a round of audits", f"{found.audit_round_seconds:.0f} s"),
        (
            "subscriptions",
            (
                f"{found.subscriptions} of {found.most_subscriptions}: {each} on each of {found.lines}"
                f" connections, of which one more while one is handed over"
            ),
        ),
        ("user slots", f"{found.most_users} of 10"),
        ("disk a day", f"about {found.disk_bytes_a_day / 1e6:.0f} MB at most"),
        ("recording", _recording(settings)),
    ]


def _recording(settings: Settings) -> str:
    if settings.record_folder is None:
        return "none"
    return f"{settings.record_folder}, at most {settings.record_bytes / 1e9:.0f} GB"
