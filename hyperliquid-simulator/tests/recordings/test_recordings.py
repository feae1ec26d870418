"""What the venue always says in the same words, the simulator says byte for byte.

Answers and frames that carry data are compared by their structure, in another place.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.world.world import World

pytestmark = pytest.mark.data

USER = "0x70997970C51812DC3A010C7D01B50E0D17DC79C8"


@pytest.fixture
def frames(recordings: Path) -> dict[str, str]:
    """Recorded frames by name; the later recording wins."""
    folder = recordings / "recorded_frames"
    rows = [
        orjson.loads(line)
        for name in ("choosemycoins_testnet_2026-07-28", "gocryptotrader_fork_2026-10-06")
        for line in (folder / f"{name}.jsonl").read_bytes().splitlines()
    ]
    return {row["name"]: row["raw"] for row in rows}


@pytest.fixture
async def socket(open_venue: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(open_venue + "/ws") as socket:
        yield socket


async def test_the_greeting_comes_first(
    frames: dict[str, str], socket: aiohttp.ClientWebSocketResponse
) -> None:
    assert await socket.receive_str(timeout=10) == frames["greeting"]


@pytest.mark.parametrize(
    ("subscription", "names"),
    [
        ({"type": "bbo", "coin": "BTC"}, ["subscriptionResponse_bbo"]),
        ({"type": "userFills", "user": USER}, ["userFills_ack", "userFills_empty_snapshot"]),
    ],
)
async def test_subscriptions_are_acknowledged(
    frames: dict[str, str],
    socket: aiohttp.ClientWebSocketResponse,
    subscription: Json,
    names: list[str],
) -> None:
    await socket.receive_str(timeout=10)
    await socket.send_json({"method": "subscribe", "subscription": subscription})

    for name in names:
        assert await socket.receive_str(timeout=10) == frames[name]


async def test_what_cannot_be_read_comes_back_as_it_was_sent(
    frames: dict[str, str], socket: aiohttp.ClientWebSocketResponse
) -> None:
    await socket.receive_str(timeout=10)
    complaint = orjson.loads(frames["error_unknown_type"])["data"]
    await socket.send_str(complaint.partition("request: ")[2])
    await socket.send_str('{"method":"ping"}')

    assert await socket.receive_str(timeout=10) == frames["error_unknown_type"]
    assert await socket.receive_str(timeout=10) == frames["pong"]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("post_l2Book_unknown_coin", {"type": "l2Book", "coin": "NOPE"}),
        ("post_error_500", {"type": "meta", "dex": "nope"}),
    ],
)
async def test_posts_are_answered(
    frames: dict[str, str],
    socket: aiohttp.ClientWebSocketResponse,
    name: str,
    payload: Json,
) -> None:
    await socket.receive_str(timeout=10)
    request = {"type": "info", "payload": payload}
    await socket.send_json({"method": "post", "id": 1, "request": request})

    assert await socket.receive_str(timeout=10) == frames[name]


def test_an_account_that_never_traded_is_flat(frames: dict[str, str], world: World) -> None:
    ours = info.clearinghouse_state(world, "0x" + "0" * 40)
    ours["time"] = orjson.loads(frames["rest_clearinghouseState_flat"])["time"]

    assert orjson.dumps(ours).decode() == frames["rest_clearinghouseState_flat"]
