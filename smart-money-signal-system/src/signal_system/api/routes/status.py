"""What the service says of itself, and the regime it sees."""

from fastapi import APIRouter

from signal_system.api.port import ReadModel, Status
from signal_system.api.schemas import Regimes

MARKET = "market"


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["service"])

    @router.get("/api/v1/status")
    async def status() -> Status:
        """Tell how far the start has come, what was read, and how old it is."""
        return read_model.status()

    @router.get("/api/v1/regime")
    async def regime() -> Regimes:
        """Return the state of the market and of every coin that has one, from closed bars."""
        known = read_model.regimes()
        return Regimes(
            market=next((each for each in known if each.scope == MARKET), None),
            coins=[each for each in known if each.scope != MARKET],
        )

    return router
