"""Which foreign services are spoken to: none, unless they are named."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from market_scraper.testing.foreign import Answer, Foreign
from shared_events.errors import ConfigError
from shared_events.runtime.clock import SystemClock

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


def with_sources(settings: Settings, *names: str, **given: Any) -> Settings:
    return settings.model_copy(update={"sources": names, **given})


async def names_of(settings: Settings, consumer: Any) -> list[str]:
    nowhere = settings.model_copy(update={"exchange_url": "http://127.0.0.1:1"})
    async with running(nowhere, consumer) as scraper:
        return [status.name for status in scraper.manager.statuses()]


async def test_nobody_else_is_spoken_to_unless_named(consumer: Any) -> None:
    settings = Settings.read(storage_url="memory://", api_port=0)

    names = await names_of(settings, consumer)

    assert names == [
        "market_contexts",
        "builder_markets",
        "leaderboard",
        "trader_ws",
        "trader_fills",
        "account_flows",
        "candles",
        "completeness",
        "roles",
        "trade_flow",
        "source_status",
        "keeper",
        "backpressure",
        "compactor",
    ]


@pytest.mark.parametrize(
    ("sources", "urls", "said"),
    [
        (("cbi",), {}, "no source 'cbi'"),
        ((), {"cbi": "https://example.org"}, "no source 'cbi'"),
        (("cbbi",), {"cbbi": "http://example.org/"}, "is not https"),
        (("cbbi",), {"cbbi": "https://192.168.1.1/"}, "private network"),
        (("binance",), {"binance_stream": "ws://example.org"}, "is not https"),
    ],
)
async def test_a_source_that_cannot_be_is_a_matter_of_configuration(
    consumer: Any, sources: tuple[str, ...], urls: dict[str, str], said: str
) -> None:
    settings = Settings.read(storage_url="memory://", sources=sources, source_urls=urls)

    with pytest.raises(ConfigError, match=said):
        await names_of(settings, consumer)


async def test_sources_that_are_named_tell_what_they_know_beside_the_venue(
    venue: Any, settings: Settings, consumer: Any, until: Until, foreign: Foreign
) -> None:
    now = int(SystemClock().now().timestamp())
    day = now - now % 86_400
    foreign.answers["/cbbi.json"] = [Answer(json.dumps({"Confidence": {str(day): 0.5}}).encode())]
    foreign.answers["/fng"] = [Answer(status=503)]
    foreign.answers["/fapi/v1/fundingInfo"] = [Answer(status=418, headers={"Retry-After": "60"})]
    abroad = with_sources(
        settings,
        "cbbi",
        "fear_greed",
        "binance",
        source_urls={
            "cbbi": f"{foreign.url}/cbbi.json",
            "fear_greed": f"{foreign.url}/fng",
            "binance": foreign.url,
            "binance_stream": foreign.url.replace("http", "ws"),
        },
        allow_private_sources=True,
    )

    async with running(abroad, consumer) as scraper:
        await until(lambda: bool(consumer.of("context_metrics")))
        await until(lambda: scraper.manager.status("fear_greed").failures > 0)
        await until(lambda: scraper.manager.status("binance_contexts").failures > 0)
        await until(lambda: 0 < scraper.sight().tracked == scraper.sight().anchored)
        statuses = {status.name: status for status in scraper.manager.statuses()}
        await asyncio.sleep(0)

    assert statuses["cbbi"].state == "running"
    assert statuses["cbbi"].due_at is not None
    assert statuses["fear_greed"].state == "waiting"
    assert statuses["fear_greed"].trouble is not None
    assert "503" in statuses["fear_greed"].trouble.reason
    assert [fact.metric for fact in consumer.of("context_metrics")] == ["cbbi"]
