"""How well the venue is seen, part by part."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from market_scraper.api.answers import document
from market_scraper.orchestration.scraper import Scraper
from market_scraper.orchestration.sources import SOURCES
from market_scraper.outlet import SOURCE


def router(scraper: Scraper) -> APIRouter:
    """Return the routes about the venue, its allowance and the other sources."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/status")
    async def status() -> Response:
        """Return how well the venue is seen, and how far the start has come."""
        return document(scraper.status())

    @routes.get("/coverage")
    async def coverage() -> Response:
        """Return whose books are known, and how right they turned out to be."""
        said = scraper.status()
        names = (
            "status",
            "progress",
            "tracked",
            "anchored",
            "doubtful",
            "coverage",
            "gaps",
            "ledger",
        )
        return document({name: said[name] for name in names})

    @routes.get("/budget")
    async def budget() -> Response:
        """Return what of the venue's allowance is spent."""
        return document(scraper.status()["budget"])

    @routes.get("/connectors")
    async def connectors() -> Response:
        """Return every source there is, whether it is read, and the collectors that read it."""
        statuses, named = scraper.manager.statuses(), scraper.settings.sources
        theirs = {
            name: [asdict(each) for each in statuses if each.name.startswith(name)]
            for name in SOURCES
        }
        others = {each["name"] for rows in theirs.values() for each in rows}
        ours = [asdict(each) for each in statuses if each.name not in others]
        rows = [{"name": SOURCE, "read": True, "collectors": ours}]
        rows += [
            {"name": name, "read": name in named, "collectors": theirs[name]} for name in SOURCES
        ]
        return document({"connectors": rows})

    return routes
