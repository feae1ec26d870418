"""The venue's HTTP side: `POST /info` and the leaderboard file, with weights and refusals."""

import asyncio
from typing import Any

import orjson
from aiohttp import web

from hyperliquid_simulator.errors import RequestError, undeserializable
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.world.performance import Leaderboard
from hyperliquid_simulator.world.world import World


class Rest:
    """Answers HTTP requests from the world as it is."""

    def __init__(self, world: World, desk: InfoDesk) -> None:
        self._world = world
        self._desk = desk
        self._ranking: tuple[int, asyncio.Task[bytes]] | None = None

    async def info(self, request: web.Request) -> web.Response:
        """Answer ``POST /info``."""
        if self._desk.delay_seconds:
            await asyncio.sleep(self._desk.delay_seconds)
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
            ranking = world.history.leaderboard(latest, world.population)
            written = asyncio.create_task(asyncio.to_thread(_written, ranking))
            self._ranking = (latest.time, written)
        return _json(await asyncio.shield(self._ranking[1]))

    def _answer(self, ip: str, body: bytes) -> Any:
        self._desk.is_open()  # a venue that is down does not read what it is asked
        return self._desk.answer(ip, _parsed(body))


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
