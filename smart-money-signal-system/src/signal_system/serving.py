"""The HTTP side on the service's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from shared_events.errors import ConfigError

_LAST_ANSWERS_SECONDS = 3


class _Server(uvicorn.Server):
    """A server whose process answers to signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


@asynccontextmanager
async def serving(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Answer requests for as long as the context lasts; yields the port, which 0 lets be chosen.

    Raises
    ------
    ConfigError
        If the address cannot be had.
    """
    with _listener(host, port) as listener:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            _, late = await asyncio.wait({task}, timeout=_LAST_ANSWERS_SECONDS)
            for answer in late:
                answer.cancel()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as e:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({e.strerror}): set SIGNAL_SYSTEM_API_PORT (or "
            "API_PORT) to a free port"
        ) from e
