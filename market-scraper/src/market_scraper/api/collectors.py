"""What collects, and how it goes; started and stopped on demand."""

from dataclasses import asdict

from fastapi import APIRouter, Depends, HTTPException, Response

from market_scraper.api.answers import document, from_no_page
from market_scraper.orchestration.manager import UnknownCollectorError
from market_scraper.orchestration.scraper import Scraper


def router(scraper: Scraper) -> APIRouter:
    """Return the routes under ``/api/v1/collectors``."""
    routes, manager = APIRouter(prefix="/api/v1/collectors"), scraper.manager

    @routes.get("")
    async def collectors() -> Response:
        """Return every collector, in the order of their start."""
        return document({"collectors": list(map(asdict, manager.statuses()))})

    @routes.post("/{name}/start", dependencies=[Depends(from_no_page)])
    async def start(name: str) -> Response:
        """Let a collector run; one that runs goes on."""
        try:
            manager.start(name)
        except UnknownCollectorError as e:
            raise HTTPException(404, str(e)) from e
        return document(asdict(manager.status(name)))

    @routes.post("/{name}/stop", dependencies=[Depends(from_no_page)])
    async def stop(name: str) -> Response:
        """End a collector; it stays stopped until it is started, or the service is."""
        try:
            await manager.stop(name)
        except UnknownCollectorError as e:
            raise HTTPException(404, str(e)) from e
        return document(asdict(manager.status(name)))

    return routes
