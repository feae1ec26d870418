"""Asks the parts how they are."""

import asyncio
from typing import Any

import aiohttp

from workspace.up import redis
from workspace.up.view import SignalRow

_PROBE_SECONDS = 0.1
_AWAY = (aiohttp.ClientError, TimeoutError, ValueError)


class Watch:
    """Reads what the services say over HTTP; None wherever they do not answer."""

    def __init__(self, http: aiohttp.ClientSession, api: str) -> None:
        self._http = http
        self._api = api

    async def until_ready(self, url: str) -> None:
        """Wait until the part behind `url` answers."""
        while not await self._is_ready(url):  # noqa: ASYNC110  another process sets no event
            await asyncio.sleep(_PROBE_SECONDS)

    async def _is_ready(self, url: str) -> bool:
        if not url.startswith("http"):
            return await asyncio.to_thread(redis.answers, url)
        try:
            async with self._http.get(url) as answer:
                return answer.ok
        except _AWAY:
            return False

    async def progress(self, url: str) -> str | None:
        """Return how far a service says it has come, or None if it does not say."""
        said = await self._json(url)
        progress = said.get("progress") if isinstance(said, dict) else None
        message = progress.get("message") if isinstance(progress, dict) else progress
        return str(message) if message else None

    async def signals(self) -> tuple[SignalRow, ...] | None:
        """Return the newest signals, or None if the API does not answer."""
        said = await self._json(f"{self._api}/api/v1/signals")
        if not isinstance(said, dict) or not isinstance(said.get("signals"), list):
            return None
        return tuple(SignalRow.of(row) for row in said["signals"])

    async def _json(self, url: str) -> Any:
        try:
            async with self._http.get(url) as answer:
                return await answer.json() if answer.ok else None
        except _AWAY:
            return None
