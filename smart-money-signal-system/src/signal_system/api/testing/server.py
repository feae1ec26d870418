"""A real server on a real socket, inside the running loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from pydantic import SecretStr

from shared_events.runtime.serving import serving as runtime_serving


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """What the HTTP side must be told, with defaults that fit a test."""

    api_host: str = "127.0.0.1"
    api_port: int = 0
    api_key: SecretStr | None = None


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve `app` on a free port of loopback; yield its URL."""
    async with runtime_serving(app, "127.0.0.1", 0, setting="api_port") as port:
        yield f"http://127.0.0.1:{port}"
