"""The client against a real server on loopback that answers as the venue does."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from market_scraper.errors import (
    RateLimitedError,
    SourceUnavailableError,
    WireFormatError,
)
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import an_address


class Venue:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.answer = web.Response(text="{}")
        self.asked: list[dict[str, object]] = []

    async def info(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return self.answer

    async def leaderboard(self, request: web.Request) -> web.Response:
        return self.answer


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(WeightBudget(840), clock)


@pytest.fixture
async def info(venue: Venue, throttle: Throttle) -> AsyncIterator[InfoClient]:
    app = web.Application()
    app.add_routes([web.post("/info", venue.info), web.get("/leaderboard", venue.leaderboard)])
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        url = str(server.make_url("/")).rstrip("/")
        yield InfoClient(http, url, f"{url}/leaderboard", throttle)


async def test_a_request_is_sent_as_the_venue_wants_it(info: InfoClient, venue: Venue) -> None:
    body = await info.clearinghouse_state(an_address(1), Urgency.ANCHOR)

    assert body == b"{}"
    assert venue.asked == [{"type": "clearinghouseState", "user": an_address(1)}]


async def test_a_429_holds_everything_back_and_says_for_how_long(
    info: InfoClient, venue: Venue, clock: ManualClock
) -> None:
    venue.answer = web.Response(status=429, text="null", headers={"Retry-After": "7"})
    began = clock.now()

    with pytest.raises(RateLimitedError) as caught:
        await info.meta()
    venue.answer = web.Response(text="{}")
    await info.meta()

    assert caught.value.retry_after == 7
    assert (clock.now() - began).total_seconds() == pytest.approx(7)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=502, text="<html>Bad Gateway</html>"),
        web.Response(status=500, text="null"),
        web.Response(text="null"),
        web.Response(text=" null \n"),
    ],
)
async def test_trouble_and_null_are_transient_and_never_an_answer(
    info: InfoClient, venue: Venue, answer: web.Response
) -> None:
    venue.answer = web.Response(status=answer.status, text=answer.text)

    with pytest.raises(SourceUnavailableError):
        await info.clearinghouse_state(an_address(1), Urgency.ANCHOR)


async def test_a_refused_request_is_no_matter_of_waiting(info: InfoClient, venue: Venue) -> None:
    venue.answer = web.Response(status=422, text="Failed to deserialize the JSON body")

    with pytest.raises(WireFormatError):
        await info.meta()


async def test_nobody_there_is_transient(throttle: Throttle) -> None:
    async with aiohttp.ClientSession() as http:
        info = InfoClient(http, "http://127.0.0.1:1", "http://127.0.0.1:1/leaderboard", throttle)

        with pytest.raises(SourceUnavailableError):
            await info.meta()
        with pytest.raises(SourceUnavailableError):
            await info.leaderboard()


async def test_the_leaderboard_costs_no_weight(info: InfoClient, throttle: Throttle) -> None:
    await info.leaderboard()

    assert throttle.used_share == 0


async def test_candles_are_paid_for_by_their_rows(
    info: InfoClient, venue: Venue, throttle: Throttle
) -> None:
    venue.answer = web.Response(text="[" + ",".join(['{"t":1}'] * 120) + "]")

    await info.candles("BTC", "1h", 0, 1, most_rows=4320)

    assert throttle.used_share == pytest.approx(22 / 840)
