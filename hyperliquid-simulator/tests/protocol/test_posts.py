"""Info requests over the websocket, with blocks that come only when a test says so."""

from typing import Any

import orjson
import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.clock import SteppedClock
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.limits import Limits, base_weight, row_weight
from hyperliquid_simulator.protocol.posts import Posts
from hyperliquid_simulator.world.world import World


class Desk:
    """A client's end: what it posts and the frames it gets."""

    def __init__(self, world: World) -> None:
        self.world = world
        clock = SteppedClock(world.time)
        self.limits = Limits(clock.elapsed)
        self.faults = Faults([], clock.elapsed, world)
        desk = InfoDesk(world, self.limits, self.faults)
        self.posts = Posts(desk, self.limits, clock)
        self.texts: list[str] = []

    def ask(self, number: Any, payload: Any, kind: str = "info") -> str:
        """Post a request and return its text."""
        request = {"type": kind, "payload": payload}
        message = {"method": "post", "id": number, "request": request}
        raw = orjson.dumps(message).decode()
        self.posts.accept("a", message, raw, lambda data: self.texts.append(data.decode()))
        return raw

    def frames(self) -> list[Any]:
        """Answer what is in flight and return all frames since the last time."""
        self.posts.answer()
        texts, self.texts = self.texts, []
        return [orjson.loads(text) for text in texts]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.mark.parametrize(
    "payload",
    [{"type": "allMids"}, {"type": "l2Book", "coin": "BTC"}, {"type": "userFills", "user": None}],
)
def test_an_answer_is_that_of_rest_under_its_id_and_at_its_price(
    desk: Desk, payload: dict[str, Any]
) -> None:
    if "user" in payload:
        payload = payload | {"user": desk.world.addresses[0]}
    desk.ask(2**64 - 1, payload)
    frames = desk.frames()

    data = info.answer(desk.world, payload)
    response = {"type": "info", "payload": {"type": payload["type"], "data": data}}
    assert frames == [{"channel": "post", "data": {"id": 2**64 - 1, "response": response}}]
    weight = base_weight(payload["type"]) + row_weight(payload["type"], len(data))
    assert desk.limits.report()["a"]["weight"]["now"] == weight
    assert desk.limits.report()["a"]["posts"]["now"] == 0


def test_beyond_the_weight_the_status_comes_as_text(desk: Desk) -> None:
    assert desk.limits.request("a", 1199)
    desk.ask(5, {"type": "allMids"})

    assert desk.frames() == [_error(5, "429 Too Many Requests")]


@pytest.mark.parametrize(
    ("kind", "text"), [("refuse", "429 Too Many Requests"), ("bad_gateway", "502 Bad Gateway")]
)
def test_failures_on_command_hold_here_too(desk: Desk, kind: str, text: str) -> None:
    desk.faults.add({"kind": kind, "for": 60})
    desk.ask(5, {"type": "allMids"})

    assert desk.frames() == [_error(5, text)]


def test_an_unknown_dex_is_an_internal_error(desk: Desk) -> None:
    desk.ask(1, {"type": "meta", "dex": "nope"})

    assert desk.frames() == [_error(1, "500 Internal Server Error")]


@pytest.mark.parametrize(
    ("number", "payload", "kind"),
    [
        (1, {"type": "noSuchType"}, "info"),
        (1, {"type": "userFills"}, "info"),
        (1, "allMids", "info"),
        (1, {"type": "blockList"}, "explorer"),
        (None, {"type": "allMids"}, "info"),
        (-1, {"type": "allMids"}, "info"),
        ("1", {"type": "allMids"}, "info"),
        (True, {"type": "allMids"}, "info"),
    ],
)
def test_what_is_no_request_is_echoed_without_an_id(
    desk: Desk, number: Any, payload: Any, kind: str
) -> None:
    raw = desk.ask(number, payload, kind)

    text = f"Error parsing JSON into valid websocket request: {raw}"
    assert desk.frames() == [{"channel": "error", "data": text}]


def test_the_hundred_and_first_in_flight_is_refused_and_the_rest_answered(desk: Desk) -> None:
    for number in range(101):
        desk.ask(number, {"type": "allMids"})
    frames = desk.frames()
    desk.ask(101, {"type": "allMids"})

    assert frames[0] == {"channel": "error", "data": "too many pending post requests id=100"}
    assert [frame["data"]["id"] for frame in frames[1:]] == list(range(100))
    assert [frame["data"]["id"] for frame in desk.frames()] == [101]


def _error(number: int, text: str) -> Any:
    response = {"type": "error", "payload": text}
    return {"channel": "post", "data": {"id": number, "response": response}}
