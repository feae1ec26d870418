"""Look at everything a run needs, and say what to do about what is missing."""

import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.parse import parse_meta
from market_scraper.errors import WireFormatError
from market_scraper.orchestration.lifecycle import open_repository
from shared_events.bus.open import open_publisher
from shared_events.errors import AppError
from shared_events.runtime.clock import Clock

_OLDEST_PYTHON = (3, 11)
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_WORST_SKEW_SECONDS = 2.0
_LEAST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do if it does not work."""

    name: str
    works: bool
    detail: str
    advice: str = ""


async def examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Yield one finding after the other."""
    yield _python()
    yield await _bus(settings)
    async for finding in _venue(settings, clock):
        yield finding
    yield await _storage(settings, clock)
    yield _disk(settings)
    yield _port(settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "python", sys.version_info >= _OLDEST_PYTHON, version, "install Python 3.11 or newer"
    )


async def _bus(settings: Settings) -> Finding:
    advice = "start Redis, or set MARKET_SCRAPER_BUS_URL to where it runs"
    try:
        async with open_publisher(settings.bus_url, key=settings.bus_key) as publisher:
            await publisher.ping()
    except AppError as e:
        return Finding("bus", works=False, detail=str(e), advice=advice)
    return Finding("bus", works=True, detail=settings.bus_url.rpartition("@")[2])


async def _venue(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    advice = "check the network, or set MARKET_SCRAPER_EXCHANGE_URL"
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as http,
            http.post(f"{settings.exchange_url}/info", json={"type": "meta"}) as response,
        ):
            body, date = await response.read(), response.headers.get("Date")
            now = clock.now()
        coins = len(parse_meta(body))
    except (aiohttp.ClientError, TimeoutError, WireFormatError) as e:
        reason = str(e) or type(e).__name__
        yield Finding("venue", works=False, detail=reason, advice=advice)
        return
    yield Finding("venue", works=True, detail=f"{settings.exchange_url} lists {coins} coins")
    yield _skew(now, date)


def _skew(now: datetime, date: str | None) -> Finding:
    advice = "switch on time synchronisation: timedatectl set-ntp true"
    if date is None:
        return Finding("clock", works=True, detail="the venue does not say what time it is")
    seconds = (now - parsedate_to_datetime(date)).total_seconds()
    close = abs(seconds) <= _WORST_SKEW_SECONDS
    return Finding("clock", close, f"{seconds:+.1f} s from the venue's", advice)


async def _storage(settings: Settings, clock: Clock) -> Finding:
    try:
        repository = await open_repository(settings, clock)
        try:
            await repository.ping()
            tracked = len(await repository.roster())
        finally:
            await repository.close()
    except AppError as e:
        return Finding("storage", works=False, detail=str(e), advice="see the sentence above")
    where = settings.storage_url.rpartition("@")[2]
    return Finding("storage", works=True, detail=f"{where}, {tracked} tracked")


def _disk(settings: Settings) -> Finding:
    folder = (settings.database or Path()).absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk", free >= _LEAST_BYTES, f"{free / (1 << 30):.1f} GiB free", "free at least 1 GiB"
    )


def _port(settings: Settings) -> Finding:
    where = f"{settings.api_host}:{settings.api_port}"
    try:
        with socket.create_server((settings.api_host, settings.api_port)):
            return Finding("port", works=True, detail=f"{where} is free")
    except OSError as e:
        return Finding(
            "port",
            works=False,
            detail=f"{where}: {e.strerror}",
            advice="a scraper runs already, or set MARKET_SCRAPER_API_PORT to a free port",
        )
