"""The venue's recorded answers and the simulator's have the same keys, types and formats."""

import re
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from hyperliquid_simulator import info, markets
from hyperliquid_simulator.channels import CHANNELS
from hyperliquid_simulator.feeds import Feed, digest
from hyperliquid_simulator.funding import HOUR_MS
from hyperliquid_simulator.subscriptions import Subscription
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.world import World

pytestmark = pytest.mark.data

OPTIONAL = {"cloid", "builderFee", "liquidation", "isDelisted", "onlyIsolated", "rawUsd"}
"""Keys the venue leaves out where they do not apply."""

Shape = dict[str, set[str]]


def shape(value: Any, path: str = "") -> Shape:
    """Return every path of a JSON value with the kinds of values found there."""
    found: Shape = {path: {kind(value)}}
    if isinstance(value, dict):
        found[path].add("keys " + " ".join(k for k in value if k not in OPTIONAL))
        children = [(f"{path}.{key}", child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{path}[]", child) for child in value]
    else:
        children = []
    for place, child in children:
        for inner, kinds in shape(child, place).items():
            found.setdefault(inner, set()).update(kinds)
    return found


def kind(value: Any) -> str:
    if not isinstance(value, str):
        return type(value).__name__
    for name, pattern in (
        ("decimal", r"-?\d+\.\d+"),
        ("hash", r"0x[0-9a-f]{64}"),
        ("address", r"0x[0-9a-f]{40}"),
    ):
        if re.fullmatch(pattern, value):
            return name
    return "text"


def unpacked(text: str) -> dict[str, dict[str, Any]]:
    """Return what a frame of fastAssetCtxs carries."""
    data = orjson.loads(text)["data"]
    found: dict[str, dict[str, Any]] = orjson.loads(zlib.decompress(b64decode(data), -15))
    return found


def same_shape(ours: Any, theirs: Any) -> None:
    mine, recorded = shape(ours), shape(theirs)
    for path, kinds in mine.items():
        assert path in recorded, f"{path} is not in the recording"
        assert kinds <= recorded[path] | {"NoneType"}, (path, kinds, recorded[path])
    missing = {p for p in recorded if p not in mine and p.rpartition(".")[2] not in OPTIONAL}
    assert not {p for p in missing if not any(f".{o}." in p + "." for o in OPTIONAL)}


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
async def asked(open_venue: str) -> AsyncIterator[Any]:
    """A function that subscribes on a fresh socket and returns the texts that follow."""
    async with aiohttp.ClientSession() as session:

        async def ask(count: int, subscription: Json | str) -> list[str]:
            message = {"method": "subscribe", "subscription": subscription}
            async with session.ws_connect(open_venue + "/ws") as socket:
                await socket.send_str(orjson.dumps(message).decode())
                return [await socket.receive_str(timeout=10) for _ in range(count)]

        yield ask


@pytest.mark.parametrize(
    ("name", "subscription"),
    [
        ("trades", {"type": "trades", "coin": "BTC"}),
        ("candle", {"type": "candle", "coin": "BTC", "interval": "1m"}),
        ("bbo", {"type": "bbo", "coin": "BTC"}),
        ("l2Book", {"type": "l2Book", "coin": "BTC"}),
        ("l2Book_fast", {"type": "l2Book", "coin": "SOL", "fast": True}),
        ("l2Book_aggregated", {"type": "l2Book", "coin": "BTC", "nSigFigs": 5}),
        ("activeAssetCtx", {"type": "activeAssetCtx", "coin": "BTC"}),
        ("allDexsAssetCtxs", {"type": "allDexsAssetCtxs"}),
    ],
)
async def test_market_frames_look_like_the_recorded_ones(
    frames: dict[str, str], asked: Any, name: str, subscription: Json
) -> None:
    texts = await asked(3, subscription)

    same_shape(orjson.loads(texts[2]), orjson.loads(frames[name]))


async def test_fast_contexts_unpack_to_what_the_recorded_ones_unpack_to(
    frames: dict[str, str], asked: Any
) -> None:
    texts = await asked(4, {"type": "fastAssetCtxs"})

    for ours, theirs in zip(texts[2:], ("snapshot", "update"), strict=True):
        mine, recorded = unpacked(ours), unpacked(frames[f"fastAssetCtxs_{theirs}"])
        kinds = {kind(v) for fields in mine.values() for v in fields.values()}
        assert kinds <= {"decimal", "NoneType"}
        if theirs == "snapshot":
            assert {name for name, fields in mine.items() if None in fields.values()} == {"MATIC"}
        assert {n for fields in mine.values() for n in fields} <= {
            n for fields in recorded.values() for n in fields
        }
        if theirs == "snapshot":
            assert list(mine["BTC"]) == list(recorded["BTC"])


async def test_greeting_and_acknowledgements_are_byte_for_byte(
    frames: dict[str, str], asked: Any
) -> None:
    user = "0x70997970C51812DC3A010C7D01B50E0D17DC79C8"
    bbo = await asked(2, {"type": "bbo", "coin": "BTC"})
    fills = await asked(3, {"type": "userFills", "user": user})

    assert bbo == [frames["greeting"], frames["subscriptionResponse_bbo"]]
    assert fills[1:] == [frames["userFills_ack"], frames["userFills_empty_snapshot"]]


async def test_user_frames_look_like_the_recorded_ones(
    frames: dict[str, str], asked: Any, world: World
) -> None:
    user = world.population.planted(0)[0].address

    state = await asked(3, {"type": "clearinghouseState", "user": user})
    fills = await asked(3, {"type": "userFills", "user": user})

    same_shape(orjson.loads(state[2]), orjson.loads(frames["clearinghouseState"]))
    same_shape(orjson.loads(fills[2]), orjson.loads(frames["userFills_snapshot"]))


async def test_states_of_all_dexes_look_like_the_recorded_ones(
    frames: dict[str, str], asked: Any, world: World
) -> None:
    user = world.population.planted(0)[0].address
    recorded = orjson.loads(frames["allDexsClearinghouseState"])

    texts = await asked(3, {"type": "allDexsClearinghouseState", "user": user})

    same_shape(orjson.loads(texts[2]), recorded)


def _only_deposits(frame: Any) -> Any:
    rows = frame["data"]["nonFundingLedgerUpdates"]
    rows[:] = [row for row in rows if row["delta"]["type"] == "deposit"]
    return frame


async def test_funding_and_ledger_look_like_the_recorded_ones(
    frames: dict[str, str], asked: Any, world: World
) -> None:
    user = world.population.planted(0)[0].address
    ledger = _only_deposits(orjson.loads(frames["userNonFundingLedgerUpdates_snapshot"]))

    paid = await asked(3, {"type": "userFundings", "user": user})
    changed = await asked(3, {"type": "userNonFundingLedgerUpdates", "user": user})

    same_shape(orjson.loads(paid[2]), orjson.loads(frames["userFundings_snapshot"]))
    same_shape(_only_deposits(orjson.loads(changed[2])), ledger)


@pytest.mark.parametrize(
    ("kind", "key", "name"),
    [
        ("userEvents", "fills", "user_fills"),
        ("userEvents", "twapSliceFills", "user_twapSliceFills"),
        ("userEvents", "funding", "user_funding"),
        ("orderUpdates", None, "orderUpdates"),
    ],
)
def test_events_and_orders_look_like_the_recorded_ones(
    frames: dict[str, str], world: World, kind: str, key: str | None, name: str
) -> None:
    channel = CHANNELS[kind]
    wanted = [Subscription(kind, (("user", user),)) for user in world.addresses]
    feeds = [Feed(subscription, world.time) for subscription in wanted]
    ours: list[Any] = []
    world.skip_to((world.time // HOUR_MS + 1) * HOUR_MS)
    for _ in range(60):
        seen = digest(world.step())
        ours += [data for feed in feeds for data in channel.later(world, feed, seen)]

    chosen = [data for data in ours if key is None or key in data]
    assert chosen
    for data in chosen:
        same_shape({"channel": channel.frames(data), "data": data}, orjson.loads(frames[name]))


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("post_l2Book_unknown_coin", {"type": "l2Book", "coin": "NOPE"}),
        ("post_error_500", {"type": "meta", "dex": "nope"}),
    ],
)
async def test_answers_to_posts_are_byte_for_byte(
    frames: dict[str, str], open_venue: str, name: str, payload: Json
) -> None:
    post = {"method": "post", "id": 1, "request": {"type": "info", "payload": payload}}
    async with aiohttp.ClientSession() as session, session.ws_connect(open_venue + "/ws") as socket:
        await socket.receive_str()
        await socket.send_json(post)

        assert await socket.receive_str(timeout=10) == frames[name]


def test_an_account_that_never_traded_is_byte_for_byte(
    frames: dict[str, str], world: World
) -> None:
    ours = info.clearinghouse_state(world, "0x" + "0" * 40)
    ours["time"] = orjson.loads(frames["rest_clearinghouseState_flat"])["time"]

    assert orjson.dumps(ours).decode() == frames["rest_clearinghouseState_flat"]


def test_contexts_look_like_the_recorded_ones(frames: dict[str, str], world: World) -> None:
    recorded = orjson.loads(frames["allDexsAssetCtxs"])["data"]["ctxs"][0][1]

    same_shape(markets.contexts(world), recorded)


def test_candles_and_portfolios_have_the_recorded_keys(recordings: Path, world: World) -> None:
    asked = {"coin": "BTC", "interval": "1h", "startTime": 0}
    candles = info.answer(world, {"type": "candleSnapshot", "req": asked})

    recorded = _cassette(recordings, "test_get_candles_snapshot_1_candleSnapshot")
    assert _sorted(shape(candles)) == _sorted(shape(recorded))


def test_fills_have_the_recorded_kinds_and_then_some(recordings: Path, world: World) -> None:
    user = world.population.planted(0)[0].address
    ours = shape(info.answer(world, {"type": "userFills", "user": user}))
    recorded = shape(_cassette(recordings, "test_get_user_fills_0_userFills"))

    added = {"[].tid", "[].feeToken", "[].twapId"}
    assert set(ours) - set(recorded) == added
    assert all(ours[path] <= kinds for path, kinds in recorded.items() if path != "[]")


def test_meta_and_roles_have_the_recorded_form(recordings: Path, world: World) -> None:
    ours = info.answer(world, {"type": "meta"})
    folder = recordings / "gareth_node_and_ws" / "hyperliquidNodeDataSample" / "info-endpoint"
    recorded = orjson.loads((folder / "meta.json").read_bytes())
    vault = next(t.address for t in world.population.traders if t.style == "provider")

    same_shape({key: ours[key] for key in recorded}, recorded)
    assert info.answer(world, {"type": "userRole", "user": vault}) == _cassette(
        recordings, "test_user_role_0_userRole"
    )


def test_spot_meta_has_the_recorded_form(recordings: Path, world: World) -> None:
    recorded = orjson.loads((recordings / "gareth_node_and_ws" / "spotMeta.json").read_bytes())
    ours = info.answer(world, {"type": "spotMeta"})

    same_shape(ours["universe"], recorded["universe"])
    same_shape(ours["tokens"][:1], recorded["tokens"][:1])
    assert [token["index"] for token in ours["tokens"]] == list(range(len(ours["tokens"])))


def _cassette(recordings: Path, name: str) -> Any:
    path = recordings / "rest_cassettes" / f"{name}.json"
    return orjson.loads(path.read_bytes())["response"]


def _sorted(found: Shape) -> dict[str, list[str]]:
    """Return shapes without the order of keys, which cassettes do not keep."""
    return {
        path: sorted(" ".join(sorted(k.split())) for k in kinds) for path, kinds in found.items()
    }
