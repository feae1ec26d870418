"""The scraper's own HTTP interface: health, metrics, what is tracked and how well."""

from typing import Annotated, Any

import orjson
from fastapi import FastAPI, HTTPException, Path, Query, Response

from market_scraper.api.metrics import exposition
from market_scraper.moments import moment
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.books import position
from shared_events.types import ADDRESS_PATTERN, plain

_UNAVAILABLE = 503


def build(scraper: Scraper) -> FastAPI:
    """Return the application that answers about `scraper`."""
    app = FastAPI(title="Market scraper", docs_url=None, redoc_url=None)
    health = scraper.health()

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    @app.get("/health/ready")
    async def ready() -> Response:
        """Say whether the bus, the store and the venue answer, and why not."""
        checks = await health.report()
        works = not any(checks.values())
        document = {"status": "ready" if works else "not ready", "checks": checks}
        return _json(document, 200 if works else _UNAVAILABLE)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return the same numbers for Prometheus."""
        return Response(exposition(scraper), media_type="text/plain; version=0.0.4")

    @app.get("/api/v1/status")
    async def status() -> Response:
        """Return how well the venue is seen, and how far the start has come."""
        return _json(scraper.status())

    @app.get("/api/v1/traders")
    async def traders(
        limit: Annotated[int, Query(ge=1, le=20_000)] = 500,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response:
        """Return who is tracked, best first."""
        members = list(scraper.leaderboard.roster.values())
        rows = [_row(scraper, member.address) for member in members[offset : offset + limit]]
        return _json({"total": len(members), "traders": rows})

    @app.get("/api/v1/traders/{address}")
    async def trader(address: Annotated[str, Path(pattern="(?i)" + ADDRESS_PATTERN)]) -> Response:
        """Return one trader's book and how each position is known."""
        account = scraper.positions.books.accounts.get(address.lower())
        if account is None:
            raise HTTPException(404, f"{address} is not tracked")
        known = account.anchored
        coins = sorted(account.holdings | account.doubts) if known else []
        return _json(
            {
                **_row(scraper, account.address),
                "as_of": moment(account.as_of_ms) if known else None,
                "account_value": account.account_value,
                "sequence": scraper.positions.books.sequences.get(account.address),
                "positions": [_shown(position(account, coin)) for coin in coins],
            }
        )

    return app


def _row(scraper: Scraper, address: str) -> dict[str, Any]:
    account = scraper.positions.books.accounts.get(address)
    member = scraper.positions.members.get(address)
    anchored_ms = account.anchored_ms if account else None
    return {
        "address": address,
        "score": member.score if member else None,
        "reason": member.reason if member else None,
        "anchored_at": None if anchored_ms is None else moment(anchored_ms),
        "positions_held": len(account.holdings) if account and account.anchored else None,
        "in_doubt": sorted(account.doubts) if account else [],
    }


def _shown(held: Any) -> dict[str, Any]:
    return {name: getattr(held, name) for name in held.__struct_fields__}


def _json(document: Any, status: int = 200) -> Response:
    body = orjson.dumps(document, default=_plain)
    return Response(body, status, media_type="application/json")


def _plain(value: Any) -> str:
    return plain(value)
