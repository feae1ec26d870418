"""Markets and candles, and whose are followed."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from market_scraper.api.answers import Limit, Milliseconds, document, from_no_page
from market_scraper.intervals import INTERVALS
from market_scraper.orchestration.scraper import Scraper
from market_scraper.storage.tables import CANDLES
from shared_events.payloads import Interval

Coin = Annotated[str, Path(min_length=1, max_length=64)]


def router(scraper: Scraper) -> APIRouter:
    """Return the routes about markets and coins."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/markets")
    async def markets() -> Response:
        """Return how every listed market stood when it was last told, and whether it is followed closely."""
        return document(
            {
                "markets": [
                    {**context.model_dump(), "followed": coin in scraper.coins}
                    for coin, context in scraper.contexts.contexts.items()
                ]
            }
        )

    @routes.post("/coins/{coin}/add", dependencies=[Depends(from_no_page)])
    async def add(coin: Coin) -> Response:
        """Follow a coin's candles and trade flow, also after a restart."""
        if coin not in scraper.contexts.contexts:
            raise HTTPException(404, f"the venue lists no {coin!r}")
        await scraper.repository.follow(coin, followed=True)
        scraper.coins[coin] = None
        return document({"followed": list(scraper.coins)})

    @routes.post("/coins/{coin}/remove", dependencies=[Depends(from_no_page)])
    async def remove(coin: Coin) -> Response:
        """Follow a coin's candles and trade flow no more, also after a restart."""
        await scraper.repository.follow(coin, followed=False)
        scraper.coins.pop(coin, None)
        return document({"followed": list(scraper.coins)})

    @routes.get("/candles/{coin}")
    async def candles(
        coin: Coin,
        interval: Interval = "1h",
        since_ms: Milliseconds = None,
        until_ms: Milliseconds = None,
        limit: Limit = 500,
    ) -> Response:
        """Return final candles, newest first; `at_ms` is when one opened."""
        rows = await scraper.repository.find(
            CANDLES,
            {"coin": coin, "interval": interval},
            since_ms=since_ms,
            until_ms=until_ms,
            newest_first=True,
            limit=limit,
        )
        seconds = INTERVALS[interval].total_seconds()
        return document({"coin": coin, "interval_seconds": seconds, "candles": rows})

    return routes
