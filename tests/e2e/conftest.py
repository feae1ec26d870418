"""Every e2e test gets a stack of its own: real processes and an append-only Redis."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared_events.testing.servers import RedisServer
from workspace.testing.stack import Stack, open_stack


@pytest.fixture
def own_server(redis_binary: Path) -> Iterator[RedisServer]:
    with RedisServer(redis_binary) as server:
        yield server


@pytest.fixture
async def stack(tmp_path: Path, own_server: RedisServer) -> AsyncIterator[Stack]:
    async with open_stack(tmp_path, own_server) as parts:
        yield parts
