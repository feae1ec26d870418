"""What the service says of itself."""

from fastapi import APIRouter

from signal_system.api.port import ReadModel, Status


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["service"])

    @router.get("/api/v1/status")
    async def status() -> Status:
        """Tell how far the start has come, what was read, and how old it is."""
        return read_model.status()

    return router
