"""The venue's HTTP side: `POST /info` and the leaderboard file, with weights and refusals."""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import web

from hyperliquid_simulator.errors import RequestError, undeserializable
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.protocol.ranking import Ranking

HEADERS: Final = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


class Rest:
    """Answers HTTP requests from the world as it is, and with its ranking."""

    def __init__(self, desk: InfoDesk, ranking: Ranking) -> None:
        self._desk = desk
        self._ranking = ranking

    async def info(self, request: web.Request) -> web.Response:
        """Answer ``POST /info``."""
        if self._desk.delay_seconds:
            await asyncio.sleep(self._desk.delay_seconds)
        try:
            return _json(orjson.dumps(self._answer(request.remote or "", await request.read())))
        except RequestError as e:
            return web.Response(status=e.status, body=e.body, content_type=e.content_type)

    async def leaderboard(self, request: web.Request) -> web.StreamResponse:
        """Answer the leaderboard file: how everybody stood at the last full hour of venue time."""
        pieces = await self._ranking.pieces()
        response = web.StreamResponse(headers=HEADERS | {"content-type": "application/json"})
        response.content_length = sum(map(len, pieces))
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response

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


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=HEADERS)
