"""Signals: the list, one coin, and what was said before."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from msgspec import Struct, json
from starlette.responses import Response

from shared_events.payloads import SignalSchema
from signal_system.api.encoded import coins_in, joined, only, tagged
from signal_system.api.errors import RefusedError
from signal_system.api.port import ReadModel
from signal_system.api.schemas import (
    DEFAULT_HORIZON,
    HORIZON_SECONDS,
    ErrorDocument,
    Horizon,
    SignalList,
    SignalPage,
)

MAX_COINS = 500
MAX_PAGE = 1_000
_MAX_POSITION = 2**63 - 1

COIN_PATTERN = r"^[A-Za-z0-9@:._\-]{1,64}$"
CoinPath = Annotated[str, Path(pattern=COIN_PATTERN, description="Wire name: BTC, kPEPE.")]
CoinName = Annotated[str, Query(pattern=COIN_PATTERN)]
CoinFilter = Annotated[list[CoinName], Query(max_length=MAX_COINS, description="Repeat to add.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Before = Annotated[int, Query(ge=0, le=_MAX_POSITION, description="A journal position.")]


class _Position(Struct):
    journal_position: int


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["signals"])

    @router.get("/api/v1/signals", response_model=SignalList)
    async def signals(request: Request, coin: CoinFilter = []) -> Response:  # noqa: B006  FastAPI copies it
        """List every coin's newest signal, one compact row each; `coin` keeps only some."""
        rows = read_model.rows()
        return tagged(only(rows, coin) if coin else rows, request)

    @router.get(
        "/api/v1/signals/{coin}",
        response_model=SignalSchema,
        responses={404: {"model": ErrorDocument, "description": "No such coin."}},
    )
    async def signal(
        request: Request, coin: CoinPath, horizon: Horizon = DEFAULT_HORIZON
    ) -> Response:
        """Return one coin's newest signal, whole: gates, contributions, costs, models, hashes."""
        document = read_model.document(coin, HORIZON_SECONDS[horizon])
        if document is None:
            raise _unknown(coin, read_model)
        return tagged(document, request)

    @router.get("/api/v1/signals/{coin}/history", response_model=SignalPage)
    async def history(
        coin: CoinPath,
        horizon: Horizon = DEFAULT_HORIZON,
        limit: Limit = 100,
        before: Before | None = None,
    ) -> Response:
        """Page through stored signals, newest first; `next` (and the Link header) goes back in time."""
        found = read_model.history(coin, HORIZON_SECONDS[horizon], limit=limit + 1, before=before)
        page = found[:limit]
        more = None if len(found) <= limit else _next(coin, horizon, limit, page[-1])
        headers = {"Link": f'<{more}>; rel="next"'} if more else {}
        return Response(joined(page, more), headers=headers, media_type="application/json")

    return router


def _next(coin: str, horizon: Horizon, limit: int, oldest: bytes) -> str:
    position = json.decode(oldest, type=_Position).journal_position
    return f"/api/v1/signals/{coin}/history?horizon={horizon}&limit={limit}&before={position}"


def _unknown(coin: str, read_model: ReadModel) -> RefusedError:
    known = coins_in(read_model.rows())
    return RefusedError(
        404, "unknown_coin", f"There is no signal for {coin!r}.", _what_to_do(coin, known)
    )


def _what_to_do(coin: str, known: Sequence[str]) -> str:
    """Return the hint of a 404.

    Examples
    --------
    >>> _what_to_do("btc", ("BTC", "ETH"))
    'Did you mean BTC? Names are case-sensitive; GET /api/v1/signals lists all 2.'
    """
    if not known:
        return "No coin has a signal yet; GET /api/v1/status says how far the start has come."
    by_fold = {name.casefold(): name for name in known}
    wanted = coin.casefold()
    folds = [wanted] if wanted in by_fold else get_close_matches(wanted, by_fold, n=3)
    close = [by_fold[fold] for fold in folds]
    if close:
        guess = f"Did you mean {', '.join(close)}?"
        return f"{guess} Names are case-sensitive; GET /api/v1/signals lists all {len(known)}."
    return (
        f"GET /api/v1/signals lists all {len(known)} coins; another one appears as soon as a "
        "tracked trader holds it."
    )
