from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from shared_events.bus.memory import MemoryEventBus
from shared_events.errors import ConfigError
from signal_system.api.access import Access
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings
from signal_system.api.web import build

KEY = "correct horse battery staple"
GUARDED = [
    ("GET", "/api/v1/signals"),
    ("GET", "/api/v1/signals/BTC"),
    ("GET", "/api/v1/signals/BTC/history"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/regime"),
    ("GET", "/api/v1/regime/BTC"),
    ("POST", "/api/v1/events"),
]


@asynccontextmanager
async def _api(
    read_model: MemoryReadModel, settings: OwnSettings
) -> AsyncIterator[httpx.AsyncClient]:
    app = build(read_model, MemoryEventBus(), settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "box.lan"])
@pytest.mark.parametrize("key", [None, SecretStr("short")])
def test_a_network_without_a_key_worth_the_name_is_a_wrong_setting(
    read_model: MemoryReadModel, host: str, key: SecretStr | None
) -> None:
    with pytest.raises(ConfigError, match="set SIGNAL_SYSTEM_API_KEY to at least 16 characters"):
        build(read_model, MemoryEventBus(), OwnSettings(api_host=host, api_key=key))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_key(read_model: MemoryReadModel, host: str) -> None:
    build(read_model, MemoryEventBus(), OwnSettings(api_host=host))


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("sent", [None, "Bearer wrong", f"Basic {KEY}", "Bearer ", KEY])
async def test_with_a_key_set_nothing_under_api_answers_without_it(
    read_model: MemoryReadModel, method: str, path: str, sent: str | None
) -> None:
    async with _api(read_model, OwnSettings(api_key=SecretStr(KEY))) as api:
        answer = await api.request(method, path, headers={"Authorization": sent} if sent else {})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthorized"
    assert KEY not in answer.text


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_the_key_opens_everything(
    read_model: MemoryReadModel, method: str, path: str
) -> None:
    async with _api(read_model, OwnSettings(api_key=SecretStr(KEY))) as api:
        answer = await api.request(method, path, headers={"Authorization": f"Bearer {KEY}"})

    assert answer.status_code in {200, 415}


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/docs"])
async def test_what_says_nothing_about_signals_asks_for_no_key(
    read_model: MemoryReadModel, path: str
) -> None:
    async with _api(read_model, OwnSettings(api_key=SecretStr(KEY))) as api:
        assert (await api.get(path)).status_code == 200


def test_every_route_under_api_is_guarded(read_model: MemoryReadModel) -> None:
    described = build(read_model, MemoryEventBus(), OwnSettings()).openapi()["paths"]

    open_to_all = {
        path
        for path, methods in described.items()
        for operation in methods.values()
        if not operation.get("security")
    }

    assert open_to_all == {"/health/live", "/health/ready"}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4341", "127.0.0.1.evil.example", "", "[::1", "localhost."],
)
async def test_on_loopback_a_foreign_host_name_is_turned_away(
    api: httpx.AsyncClient, host: str
) -> None:
    answer = await api.get("/api/v1/signals", headers={"Host": host})

    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:4341", "[::1]:4341"])
async def test_the_names_of_loopback_are_known_with_any_port(
    api: httpx.AsyncClient, host: str
) -> None:
    assert (await api.get("/health/live", headers={"Host": host})).status_code == 200


async def test_on_a_network_any_name_will_do(read_model: MemoryReadModel) -> None:
    settings = OwnSettings(api_host="0.0.0.0", api_key=SecretStr(KEY))
    async with _api(read_model, settings) as api:
        answer = await api.get("/health/live", headers={"Host": "signals.example"})

    assert answer.status_code == 200


def test_a_key_of_any_script_can_be_compared() -> None:
    access = Access.of(OwnSettings(api_key=SecretStr("schlüssel")))

    assert access.knows_host("127.0.0.1")
