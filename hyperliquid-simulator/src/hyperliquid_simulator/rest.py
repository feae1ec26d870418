"""The venue's HTTP side: `POST /info` and the leaderboard file, with weights and refusals."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from hyperliquid_simulator import info
from hyperliquid_simulator.errors import RequestError, undeserializable
from hyperliquid_simulator.faults import Faults
from hyperliquid_simulator.limits import Limits, base_weight, row_weight
from hyperliquid_simulator.performance import Leaderboard
from hyperliquid_simulator.world import World


class Rest:
    """Answers HTTP requests from the world as it is."""

    def __init__(
        self, world: World, limits: Limits, faults: Faults, elapsed: Callable[[], float]
    ) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults
        self._elapsed = elapsed
        self._ranking: tuple[int, asyncio.Task[bytes]] | None = None

    async def info(self, request: web.Request) -> web.Response:
        """Answer ``POST /info``."""
        try:
            return _json(orjson.dumps(self._answer(request.remote or "", await request.read())))
        except RequestError as e:
            return web.Response(status=e.status, body=e.body, content_type=e.content_type)

    async def leaderboard(self, _request: web.Request) -> web.Response:
        """Answer the leaderboard file: how everybody stood at the last full hour of venue time.

        It is written once an hour, beside the blocks; who asks meanwhile waits for it.
        """
        world, latest = self._world, self._world.history.latest()
        if self._ranking is None or self._ranking[0] != latest.time:
            ranking = world.history.leaderboard(latest, world.population, world.ledger.accounts)
            written = asyncio.create_task(asyncio.to_thread(_written, ranking))
            self._ranking = (latest.time, written)
        return _json(await asyncio.shield(self._ranking[1]))

    def _answer(self, ip: str, body: bytes) -> Any:
        refusal = self._faults.refusal(self._elapsed())
        if refusal is not None:
            raise refusal
        request = _parsed(body)
        kind = str(request.get("type"))
        if not self._limits.request(ip, base_weight(kind)):
            raise RequestError(429, b"null")
        answer = info.answer(self._world, request)
        self._limits.rows(ip, row_weight(kind, len(answer) if isinstance(answer, list) else 0))
        return answer


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as e:
        raise undeserializable() from e
    if not isinstance(request, dict):
        raise undeserializable()
    return request


def _written(leaderboard: Leaderboard) -> bytes:
    return orjson.dumps(leaderboard.file())


def _json(body: bytes) -> web.Response:
    headers = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}
    return web.Response(body=body, content_type="application/json", headers=headers)
