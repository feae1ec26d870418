"""An HTTP application on the service's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from shared_events.errors import ConfigError

_LAST_ANSWERS_SECONDS = 3


class _Server(uvicorn.Server):
    """A server whose process answers to signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


@asynccontextmanager
async def serving(app: Any, host: str, port: int, *, setting: str) -> AsyncIterator[int]:
    """Answer requests for as long as the context lasts; yield the port, which 0 lets be chosen.

    Parameters
    ----------
    app
        An ASGI application.
    setting
        The variable to change if the port is taken.

    Raises
    ------
    ConfigError
        If the address cannot be had.
    """
    with _listener(host, port, setting) as listener:
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


def _listener(host: str, port: int, setting: str) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as e:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({_reason(e)}): set {setting} to a free port of this"
            " machine"
        ) from e


def _reason(error: OSError) -> str:
    """Return what went wrong without where, which the sentence says itself."""
    return (error.strerror or str(error)).partition(" (")[0]
