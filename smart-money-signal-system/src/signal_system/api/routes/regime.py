"""The regime of the market and of single coins, and when they turned."""

from typing import Annotated

from fastapi import APIRouter, Query
from msgspec import Raw, json
from starlette.responses import Response

from signal_system.api.port import ReadModel
from signal_system.api.routes.signals import CoinPath
from signal_system.api.schemas import RegimeHistory, Regimes

MARKET = "market"
MAX_TURNS = 1_000

Turns = Annotated[int, Query(ge=1, le=MAX_TURNS, description="How many turns at most.")]


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["regimes"])

    @router.get("/api/v1/regime")
    async def regime() -> Regimes:
        """Return the state of the market and of every coin with a model of its own."""
        known = read_model.regimes()
        return Regimes(
            market=next((each for each in known if each.scope == MARKET), None),
            coins=[each for each in known if each.scope != MARKET],
        )

    @router.get("/api/v1/regime/{coin}", response_model=RegimeHistory)
    async def regime_of(coin: CoinPath, limit: Turns = 100) -> Response:
        """Return the regime that a coin is in, its own or the market's, and its turns, newest first."""
        known = {each.scope: each for each in read_model.regimes()}
        scope = coin if coin in known else MARKET
        now = known.get(scope)
        history = [Raw(each) for each in read_model.regime_history(scope, limit)]
        body = {
            "coin": coin,
            "scope": scope,
            "now": None if now is None else Raw(now.model_dump_json().encode()),
            "history": history,
        }
        return Response(json.encode(body), media_type="application/json")

    return router
