"""Slow indicators and leaderboards of the past."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response

from market_scraper.api.answers import Limit, Milliseconds, document
from market_scraper.moments import moment
from market_scraper.orchestration.scraper import Scraper
from market_scraper.storage.tables import METRICS, SNAPSHOTS


def router(scraper: Scraper) -> APIRouter:
    """Return the routes about what was read of indicators and rankings."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/context/{metric}")
    async def context(
        metric: Annotated[str, Path(min_length=1, max_length=100)],
        since_ms: Milliseconds = None,
        until_ms: Milliseconds = None,
        limit: Limit = 500,
    ) -> Response:
        """Return the readings of a slow indicator, newest first."""
        rows = await scraper.repository.find(
            METRICS,
            {"metric": metric},
            since_ms=since_ms,
            until_ms=until_ms,
            newest_first=True,
            limit=limit,
        )
        return document({"metric": metric, "readings": rows})

    @routes.get("/leaderboard/editions")
    async def editions(limit: Limit = 100) -> Response:
        """Return which editions of the leaderboard were read, newest first."""
        rows = await scraper.repository.find(SNAPSHOTS, newest_first=True, limit=limit)
        return document({"editions": rows})

    @routes.get("/leaderboard")
    async def leaderboard(
        at_ms: Annotated[int, Query(ge=0, le=1 << 53)], limit: Limit = 500
    ) -> Response:
        """Return the lines of the leaderboard as they were at a moment, largest account first."""
        standings = await scraper.leaderboard.history.as_of(at_ms)
        if standings is None:
            raise HTTPException(404, f"no edition was read by {moment(at_ms).isoformat()}")
        ranked = sorted(standings, key=lambda s: (-s.account_value, s.address))[:limit]
        rows = [
            {
                "address": line.address,
                "account_value": line.account_value,
                "windows": {
                    name: {"pnl": made.pnl, "roi": made.roi, "volume": made.volume}
                    for name, made in line.results.items()
                },
            }
            for line in ranked
        ]
        return document({"at_ms": at_ms, "total": len(standings), "lines": rows})

    return routes
