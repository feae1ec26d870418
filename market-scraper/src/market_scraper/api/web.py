"""The scraper's own HTTP interface: health, metrics, what is tracked and how well."""

from fastapi import FastAPI, Response

from market_scraper.api import collectors, markets, past, sight, traders
from market_scraper.api.answers import document
from market_scraper.api.metrics import exposition
from market_scraper.orchestration.scraper import Scraper

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
        said = {"status": "ready" if works else "not ready", "checks": checks}
        return document(said, 200 if works else _UNAVAILABLE)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return the same numbers for Prometheus."""
        return Response(exposition(scraper), media_type="text/plain; version=0.0.4")

    for part in (sight, collectors, traders, markets, past):
        app.include_router(part.router(scraper))
    return app
