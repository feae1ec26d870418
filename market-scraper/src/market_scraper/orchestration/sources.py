"""The collectors of other people's services, for those that the settings name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import aiohttp

from market_scraper.collecting import Collector
from market_scraper.config import Settings
from market_scraper.connectors.binance import collectors as binance
from market_scraper.connectors.binance.parse import VENUE as BINANCE
from market_scraper.connectors.binance.rest import BinanceClient
from market_scraper.connectors.binance.stream import BinanceStream
from market_scraper.connectors.candles import CandlesCollector
from market_scraper.connectors.context_metrics import (
    ContextMetricsCollector,
    ContextSource,
    Pages,
)
from market_scraper.connectors.registry import CONTEXT_SOURCES
from market_scraper.connectors.web import Web, refusal
from market_scraper.outlet import Outlet
from market_scraper.storage.repository import Repository
from market_scraper.tapping import Tap
from shared_events.errors import ConfigError
from shared_events.runtime.clock import Clock

_BINANCE_STREAM = f"{BINANCE}_stream"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the collectors of sources are made with."""

    settings: Settings
    http: aiohttp.ClientSession
    outlet: Outlet
    repository: Repository
    clock: Clock
    tap: Tap

    def url(self, name: str, usual: str) -> str:
        """Return where `name` is.

        Raises
        ------
        ConfigError
            If that is no place to go.
        """
        url = self.settings.source_urls.get(name, usual)
        as_page = url.replace("ws", "http", 1) if url.startswith("ws") else url
        if reason := refusal(as_page, allow_private=self.settings.allow_private_sources):
            raise ConfigError(
                f"MARKET_SCRAPER_SOURCE_URLS has {url[:200]!r} for {name}, which {reason}: set another,"
                " or MARKET_SCRAPER_ALLOW_PRIVATE_SOURCES=true"
            )
        return url

    def context(self, source: ContextSource, pages: Pages) -> ContextMetricsCollector:
        """Return the collector of a slow indicator."""
        there = replace(source, base_url=self.url(source.name, source.base_url))
        days = self.settings.context_days
        return ContextMetricsCollector(
            there,
            _Tapped(pages, source.name, self.tap),
            self.outlet,
            self.repository,
            self.clock,
            days=days,
        )


@dataclass(frozen=True, slots=True)
class _Tapped:
    """Pages that are listened to."""

    pages: Pages
    name: str
    tap: Tap

    async def read(self, url: str) -> bytes | None:
        raw = await self.pages.read(url)
        if raw is not None:
            self.tap("page", self.name, raw)
        return raw


def source_collectors(around: Surroundings) -> Iterator[Collector]:
    """Yield the collectors of every source that the settings name.

    Raises
    ------
    ConfigError
        If there is no source of that name, or its URL cannot be used.
    """
    settings = around.settings
    unknown = {*settings.sources} - _MAKERS.keys()
    unknown |= settings.source_urls.keys() - _MAKERS.keys() - {_BINANCE_STREAM}
    if unknown:
        raise ConfigError(
            f"there is no source {min(unknown)[:40]!r}: MARKET_SCRAPER_SOURCES and"
            f" MARKET_SCRAPER_SOURCE_URLS know {', '.join([*_MAKERS, _BINANCE_STREAM])}"
        )
    for name in dict.fromkeys(settings.sources):
        yield from _MAKERS[name](around)


def _context(source: ContextSource) -> Callable[[Surroundings], Iterator[Collector]]:
    def make(around: Surroundings) -> Iterator[Collector]:
        web = Web(around.http, allow_private=around.settings.allow_private_sources)
        yield around.context(source, web)

    return make


def _binance(around: Surroundings) -> Iterator[Collector]:
    settings, symbols, outlet, clock = (
        around.settings,
        around.settings.binance_symbols,
        around.outlet,
        around.clock,
    )
    base_url = around.url(BINANCE, binance.BASE_URL).rstrip("/")
    client = BinanceClient(around.http, base_url, clock, around.tap)
    stream_url = around.url(_BINANCE_STREAM, binance.STREAM_URL)
    stream = BinanceStream(stream_url, symbols, outlet, clock, around.tap)
    yield stream
    yield binance.BinanceContexts(
        client, symbols, stream.tops, outlet, clock, settings.binance_seconds
    )
    yield CandlesCollector(
        f"{BINANCE}_candles",
        binance.BinanceCandles(client),
        outlet,
        clock,
        clock,
        coins=symbols,
        intervals=settings.intervals,
        history=settings.candle_history,
        listed=lambda: symbols,
    )
    yield around.context(binance.funding_source(base_url, symbols), client)


_MAKERS: Mapping[str, Callable[[Surroundings], Iterator[Collector]]] = {
    **{source.name: _context(source) for source in CONTEXT_SOURCES},
    BINANCE: _binance,
}

SOURCES = tuple(_MAKERS)
"""What else can be read, by name."""
