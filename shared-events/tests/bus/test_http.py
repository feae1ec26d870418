from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from pydantic import SecretStr

from shared_events.bus.http import HttpEventBus
from shared_events.bus.memory import MemoryEventBus
from shared_events.codec import decode
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError, ConfigError, DataError
from shared_events.testing.bus_contract import CONTEXTS, POSITIONS, books, everything
from shared_events.testing.factories import a_position, an_event, trader_positions
from shared_events.testing.publisher_contract import PublisherContract, Received

KEY = "correct horse battery staple"


@dataclass
class Service:
    """The other end: publishes what is posted to a bus of its own, or answers what it is told."""

    bus: MemoryEventBus = field(default_factory=lambda: MemoryEventBus(redeliver_after=0.05))
    answer: web.Response | None = None
    requests: list[tuple[dict[str, str], int]] = field(default_factory=list)
    url: str = ""

    async def events(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((dict(request.headers), len(body)))
        if self.answer is not None:
            return self.answer
        await self.bus.publish([decode(line) for line in body.splitlines()])
        return web.json_response({"accepted": len(body.splitlines()), "rejected": []}, status=202)

    async def live(self, request: web.Request) -> web.Response:
        return self.answer or web.json_response({"status": "live"})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application(client_max_size=5 * 1024 * 1024)
    app.router.add_post("/api/v1/events", service.events)
    app.router.add_get("/health/live", service.live)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        yield session


@pytest.fixture
def publisher(session: ClientSession, service: Service) -> HttpEventBus:
    return HttpEventBus(session, service.url, key=SecretStr(KEY))


class TestHttpEventBus(PublisherContract):
    @pytest.fixture
    def publisher(self, session: ClientSession, service: Service) -> HttpEventBus:
        return HttpEventBus(session, service.url)

    @pytest.fixture
    def received(self, service: Service) -> Received:
        async def received() -> Sequence[StandardEvent[Any]]:
            async with service.bus.subscribe("reader", [POSITIONS, CONTEXTS]) as subscription:
                return [delivery.event for delivery in await everything(subscription)]

        return received


async def test_a_request_is_bounded_in_events(publisher: HttpEventBus, service: Service) -> None:
    await publisher.publish(books(1201))

    assert len(service.requests) == 3


async def test_a_request_is_bounded_in_bytes(publisher: HttpEventBus, service: Service) -> None:
    whale = trader_positions(
        positions=tuple(a_position(coin=f"COIN{n}", notional="1" * 50) for n in range(3000))
    )

    await publisher.publish([an_event(whale)] * 20)

    assert len(service.requests) > 1
    assert max(size for _, size in service.requests) <= 4 * 1024 * 1024


async def test_the_key_travels_in_the_header_and_nowhere_else(
    publisher: HttpEventBus, service: Service
) -> None:
    await publisher.publish(books(1))

    [(headers, _)] = service.requests
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/x-ndjson"
    assert KEY not in repr(vars(publisher))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_the_servers_trouble_passes(
    publisher: HttpEventBus, service: Service, status: int
) -> None:
    service.answer = web.Response(status=status, headers={"Retry-After": "7"}, text="later")

    with pytest.raises(BusUnavailableError, match="later") as caught:
        await publisher.publish(books(1))

    assert caught.value.retry_after == 7


async def test_a_date_to_retry_after_is_left_to_the_backoff(
    publisher: HttpEventBus, service: Service
) -> None:
    service.answer = web.Response(
        status=503, headers={"Retry-After": "Fri, 02 Jan 2026 07:28:00 GMT"}
    )

    with pytest.raises(BusUnavailableError) as caught:
        await publisher.publish(books(1))

    assert caught.value.retry_after is None


@pytest.mark.parametrize("status", [301, 400, 404, 413, 415, 422])
async def test_a_refusal_of_the_events_is_a_matter_of_data(
    publisher: HttpEventBus, service: Service, status: int
) -> None:
    service.answer = web.Response(status=status, text="no such coin")

    with pytest.raises(DataError, match="no such coin"):
        await publisher.publish(books(1))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_a_matter_of_configuration(
    publisher: HttpEventBus, service: Service, status: int
) -> None:
    service.answer = web.Response(status=status)

    with pytest.raises(ConfigError, match="API key") as caught:
        await publisher.publish(books(1))

    assert KEY not in str(caught.value)


async def test_an_event_that_was_not_taken_is_named(
    publisher: HttpEventBus, service: Service
) -> None:
    service.answer = web.json_response(
        {"accepted": 1, "rejected": [{"index": 1, "reason": "no such coin"}]}, status=202
    )

    with pytest.raises(DataError, match="event 1: no such coin"):
        await publisher.publish(books(2))


async def test_a_long_answer_is_cut_short(publisher: HttpEventBus, service: Service) -> None:
    service.answer = web.Response(status=400, text="x" * 100_000)

    with pytest.raises(DataError) as caught:
        await publisher.publish(books(1))

    assert len(str(caught.value)) < 500


async def test_nobody_there_is_noticed(session: ClientSession) -> None:
    nowhere = HttpEventBus(session, "http://127.0.0.1:1")

    with pytest.raises(BusUnavailableError):
        await nowhere.publish(books(1))
    with pytest.raises(BusUnavailableError):
        await nowhere.ping()
