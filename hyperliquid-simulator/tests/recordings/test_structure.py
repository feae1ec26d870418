"""Every recorded answer and frame of the venue beside the simulator's to the same request.

Same keys in the same order, same types, nesting, number formats and order of rows. Where the two
differ, a table in the documentation says so and why; a difference that is not in it fails, and so
does a line of it that no recording bears out.
"""

import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.info import INFO
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.world.events import Method
from hyperliquid_simulator.world.world import World

pytestmark = pytest.mark.data

ARGUED = Path(__file__).parents[3] / "docs" / "reference" / "simulator-fidelity.md"
NOT_SERVED = "is not served"

# ── Structure ────────────────────────────────────────────────────────────────────────────────

FORMATS = {
    "decimal": r"-?(0|[1-9]\d*)\.(0|\d{0,9}[1-9])",
    "hash": r"0x[0-9a-f]{64}",
    "address": r"0x[0-9a-f]{40}",
    "client order id": r"0x[0-9a-f]{32}",
    "date": r"\d{4}-\d\d-\d\d",
}
COINS = {"BTC", "xyz:XYZ100"}
"""An object that has one of them for a key is a map by coin: its keys are data."""

BY_COIN = "$.packed"
"""So is a compressed frame, even if the prices of neither changed."""

OPPOSITE = {"oldest first": "newest first", "newest first": "oldest first"}

Facts = set[tuple[str, str]]


def facts(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """Yield (path, what is there) for every part of a JSON value."""
    if isinstance(value, dict):
        yield (path, "object")
        by_coin = path == BY_COIN or not COINS.isdisjoint(value)
        if not by_coin:
            yield from ((path, f"key {name}") for name in value)
            yield from ((path, f"{a} before {b}") for a, b in _pairs(list(value)))
        for name, child in value.items():
            yield from facts(child, f"{path}.*" if by_coin else f"{path}.{name}")
    elif isinstance(value, list):
        yield (path, "list")
        yield from ((path, order) for order in _orders(value))
        for child in value:
            yield from facts(child, f"{path}[]")
    else:
        yield (path, kind(value))


def kind(value: Any) -> str:
    """Return the type of a scalar, of a text its format."""
    if not isinstance(value, str):
        return type(value).__name__
    return next((name for name, form in FORMATS.items() if re.fullmatch(form, value)), "text")


def differences(ours: Facts, theirs: Facts, *, ordered: bool) -> set[str]:
    """Return in words where ours is not what theirs shows; ``ordered`` if its keys are as sent."""
    return {*_lacking(ours, theirs), *_added(ours, theirs, ordered=ordered)}


def _lacking(ours: Facts, theirs: Facts) -> Iterator[str]:
    shared = {path for path, _ in theirs} & {path for path, _ in ours}
    for path, fact in theirs - ours:
        if path in shared and fact.startswith("key "):
            yield f"{path} lacks {fact[4:]}"
        elif path in shared and fact == "list":
            yield f"{path} is no list"
        elif path.endswith("[]") and path not in shared and path[:-2] in shared:
            yield f"{path[:-2]} is always empty"


def _added(ours: Facts, theirs: Facts, *, ordered: bool) -> Iterator[str]:
    shared = {path for path, _ in theirs} & {path for path, _ in ours}
    for path, fact in ours - theirs:
        first, before, second = fact.partition(" before ")
        if before or fact in OPPOSITE:
            other = f"{second} before {first}" if before else OPPOSITE[fact]
            if (path, other) in theirs and (ordered or not before):
                yield f"{path} has {fact}"
        elif path in shared:
            yield f"{path} adds {fact[4:]}" if fact.startswith("key ") else f"{path} is {fact}"


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    return ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])


def _orders(rows: list[Any]) -> set[str]:
    times = [row["time"] for row in rows if isinstance(row, dict) and "time" in row]
    steps = {later > earlier for earlier, later in pairwise(times) if later != earlier}
    return {"oldest first" if step else "newest first" for step in steps}


# ── What the simulator says ──────────────────────────────────────────────────────────────────


class Ours:
    """A world some minutes old, asked and listened to as the venue was when it was recorded."""

    def __init__(self, world: World) -> None:
        self.world = world
        _live(world)
        self.users = [*_all_sorts(world), "0x" + "0" * 40]

    def answers(self, request: Json) -> list[Any] | None:
        """Return what everybody here gets for a recorded request, None if it is not served."""
        if request["type"] not in INFO:
            return None
        request = {name: value for name, value in request.items() if name != "endTime"}
        request |= {"startTime": 0} if "startTime" in request else {}
        if "req" in request:
            request["req"] = request["req"] | {"startTime": 0, "endTime": 2**52, "coin": "BTC"}
        users = self.users if "user" in request else [""]
        return [info.answer(self.world, request | {"user": user}) for user in users]

    def frames(self, channel: str, **wanted: Any) -> list[Any] | None:
        """Return what a channel sends at first and in some blocks to everybody who has it."""
        if channel not in CHANNELS:
            return None
        users = self.users if "user" in CHANNELS[channel].parameters else [""]
        raws = [{"coin": "BTC", "interval": "1m", "type": channel, "user": u} for u in users]
        subscriptions = [parse_subscription(raw | wanted, self.world) for raw in raws]
        feeds = [Feed(subscription, self.world.time) for subscription in subscriptions]
        found = [CHANNELS[channel].first(self.world, feed) for feed in feeds]
        self._liquidate()
        if channel == "outcomeMetaUpdates":
            self.world.delist(self.world.coin_index["#14880"])
        for _ in range(30):
            seen = digest(self.world.step())
            found += [d for f in feeds for d in CHANNELS[channel].later(self.world, f, seen)]
        told = [data for data in found if data is not None]
        return [{"channel": CHANNELS[channel].frames(data), "data": data} for data in told]

    def _liquidate(self) -> None:
        """Let the last who has anything lose it at the market."""
        for user in reversed(self.users):
            trader = self.world.population.by_address.get(user)
            if trader and trader.style != "maker":
                account = self.world.ledger.accounts[trader.index]
                with suppress(ConfigError):
                    self.world.events.liquidate(account, Method.MARKET)
                    return


def _all_sorts(world: World) -> list[str]:
    """Return two accounts of every style, and two with positions that are margined apart."""
    apart = [
        world.addresses[account.index]
        for account in world.ledger.accounts
        if any(p.isolated and p.lots for coin, p in account.positions.items() if coin == 0)
    ]
    styles: dict[str, list[str]] = {}
    for trader in world.population.traders:
        styles.setdefault(trader.style, []).append(trader.address)
    return [*apart[:2], *(address for some in styles.values() for address in some[:2])]


def _live(world: World) -> None:
    """Let happen what leaves traces: an hour's funding, TWAPs, liquidations of two kinds."""
    world.skip_to((world.time // HOUR_MS + 1) * HOUR_MS)
    for _ in range(300):
        world.step()
    for method in (Method.MARKET, Method.BACKSTOP):
        for account in world.ledger.accounts[10:40]:
            with suppress(ConfigError):
                world.events.liquidate(account, method)
        world.step()


def only(part: str, value: Any = None) -> Callable[[Any], bool]:
    """Return a test for frames whose data has a part, or has a value there."""
    return lambda frame: part in frame["data"] and value in (None, frame["data"][part])


@dataclass(frozen=True)
class Source:
    """A channel as a recording of it was subscribed to, and which of its frames are alike."""

    channel: str
    wanted: Json = field(default_factory=dict)
    alike: Callable[[Any], bool] = lambda _: True

    def frames(self, ours: Ours) -> list[Any] | None:
        """Return the simulator's frames."""
        found = ours.frames(self.channel, **self.wanted)
        return found and [frame for frame in found if self.alike(frame)]


SOURCES = {
    "allMids_dex": Source("allMids", {"dex": "xyz"}),
    "webData3_vault": Source("webData3"),
    "clearinghouseState_xyz_empty": Source("clearinghouseState", {"dex": "xyz"}),
    "openOrders_xyz": Source("openOrders", {"dex": "xyz"}),
    "bbo_2": Source("bbo"),
    "bbo_no_bid": Source("bbo", {"coin": "@107"}),
    "l2Book_fast": Source("l2Book", {"coin": "SOL", "fast": True}),
    "l2Book_fast_1": Source("l2Book", {"fast": True}),
    "l2Book_fast_3": Source("l2Book", {"fast": True}),
    "l2Book_aggregated": Source("l2Book", {"nSigFigs": 5}),
    "activeSpotAssetCtx": Source("activeAssetCtx", {"coin": "@107"}),
    "trades_replay_first2": Source("trades"),
    "candle_spot": Source("candle", {"coin": "@107"}),
    "orderUpdates_open": Source("orderUpdates"),
    "orderUpdates_canceled": Source("orderUpdates"),
    "userFills_snapshot": Source("userFills", alike=only("isSnapshot")),
    "userFills_empty_snapshot": Source("userFills", alike=only("fills", [])),
    "userFills_update": Source("userFills", alike=lambda f: "isSnapshot" not in f["data"]),
    "user_fills": Source("userEvents", alike=only("fills")),
    "user_twapSliceFills": Source("userEvents", alike=only("twapSliceFills")),
    "user_funding": Source("userEvents", alike=only("funding")),
    "user_liquidation": Source("userEvents", alike=only("liquidation")),
    "user_nonUserCancel": Source("userEvents", alike=only("nonUserCancel")),
    "userTwapSliceFills_snapshot": Source("userTwapSliceFills", alike=only("isSnapshot")),
    "userFundings_snapshot": Source("userFundings", alike=only("isSnapshot")),
    "userNonFundingLedgerUpdates_snapshot": Source("userNonFundingLedgerUpdates"),
    "userTwapHistory_snapshot": Source("userTwapHistory"),
    "fastAssetCtxs_snapshot": Source("fastAssetCtxs"),
    "fastAssetCtxs_update": Source("fastAssetCtxs"),
    "ws_all_dexs_asset_ctxs": Source("allDexsAssetCtxs"),
    "ws_user_fill_liquidation": Source("userEvents", alike=only("fills")),
    "ws_allmids": Source("allMids"),
}
"""Recordings of websocket frames that are not simply named after their channel."""

REQUESTS: Mapping[str, Json] = {
    "rest_clearinghouseState_flat": {"type": "clearinghouseState", "user": ""},
    "rest_openOrders_empty": {"type": "openOrders", "user": ""},
    "rest_openOrders_one": {"type": "openOrders", "user": ""},
    "rest_meta_4entries": {"type": "meta"},
    "rest_meta_dex_test": {"type": "meta", "dex": "xyz"},
    "rest_meta_dex_unit": {"type": "meta", "dex": "xyz"},
    "gareth/clearinghouseState": {"type": "clearinghouseState", "user": ""},
    "gareth/meta": {"type": "meta"},
    "gareth/userFees": {"type": "userFees", "user": ""},
    "gareth/webData2": {"type": "webData2", "user": ""},
    "gareth/spotMeta": {"type": "spotMeta"},
    "gareth/11-allMids": {"type": "allMids"},
    "http_all_perp_metas_non_usdc_collateral": {"type": "allPerpMetas"},
    "http_clearinghouse_state_negative_total_raw_usd": {"type": "clearinghouseState", "user": ""},
    "http_l2_book_btc": {"type": "l2Book", "coin": "BTC"},
    "http_l2_book_snapshot": {"type": "l2Book", "coin": "BTC"},
    "ws_book_data": {"type": "l2Book", "coin": "BTC"},
    "http_funding_history": {"type": "fundingHistory", "coin": "BTC", "startTime": 0},
    "http_meta_perp_sample": {"type": "meta"},
    "http_recent_trades_btc": {"type": "recentTrades", "coin": "BTC"},
    "http_spot_clearinghouse_state": {"type": "spotClearinghouseState", "user": ""},
    "http_spot_meta_non_usdc_collateral": {"type": "spotMeta"},
    "http_user_fills_dust_conversion": {"type": "userFills", "user": ""},
}
"""Recordings of answers that do not say what was asked."""

ELSEWHERE = {
    "greeting",
    "pong",
    "subscriptionResponse_bbo",
    "error_unknown_type",
    "userFills_ack",
    "post_l2Book_unknown_coin",
    "post_error_500",
}
"""Held to be the same bytes by another test."""

NO_ANSWERS = {"23", "recovery-states", "0xf27ebb91ea420f73b59b205ac7e0b77a90ec8f3c"}
"""Files that a recorder made of the venue's answers, in a shape of its own."""

# ── What was recorded ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Recording:
    """What the venue said, and what the simulator says in the same place: None is nothing."""

    name: str
    theirs: Any
    ours: Callable[[Ours], list[Any] | None]
    ordered: bool = True

    def differences(self, ours: Ours) -> set[str]:
        """Return in words where the two differ."""
        said = self.ours(ours)
        if said is None:
            return {NOT_SERVED}
        mine = {fact for value in said for fact in facts(_unpacked(value))}
        return differences(mine, set(facts(_unpacked(self.theirs))), ordered=self.ordered)


def recorded(folder: Path) -> Iterator[Recording]:
    """Yield every recording of an answer or a frame, named after the folder it is in."""
    for path in sorted((folder / "rest_cassettes").glob("*.json")):
        row = orjson.loads(path.read_bytes())
        ours = partial(Ours.answers, request=row["request"])
        yield Recording(f"rest/{path.stem}", row["response"], ours, ordered=False)
    for path in sorted((folder / "recorded_frames").glob("*.jsonl")):
        yield from _frames([orjson.loads(line) for line in path.read_bytes().splitlines()])
    for origin, name in (("nautilus", "nautilus_frames"), ("gareth", "gareth_node_and_ws")):
        for path in sorted((folder / name).rglob("*.json")):
            told = orjson.loads(path.read_bytes())
            rows = told if isinstance(told, list) and "channel" in told[0] else [told]
            yield from (_of(origin, path.stem, row) for row in rows if path.stem not in NO_ANSWERS)


def _frames(rows: list[Any]) -> Iterator[Recording]:
    """Yield the frames of a file; one file holds trades alone."""
    if "raw" not in rows[0]:
        yield _of("frames", "trades", {"channel": "trades", "data": rows})
        return
    for row in rows:
        if row["name"] not in ELSEWHERE:
            yield _of("frames", row["name"], orjson.loads(row["raw"]))


def _of(folder: str, name: str, theirs: Any) -> Recording:
    """Return a recording with the source of the simulator's frames or its answer."""
    asked = REQUESTS.get(f"{folder}/{name}") or REQUESTS.get(name)
    frames = (SOURCES.get(name) or Source(name)).frames
    ours = partial(Ours.answers, request=asked) if asked else frames
    return Recording(f"{folder}/{name}", theirs, ours)


def _unpacked(frame: Any) -> Any:
    """Return a frame as it is, or what a compressed one carries."""
    if not isinstance(frame, dict) or frame.get("channel") != "fastAssetCtxs":
        return frame
    return {"packed": orjson.loads(zlib.decompress(b64decode(frame["data"]), -15))}


# ── What is argued ───────────────────────────────────────────────────────────────────────────


def argued() -> list[tuple[str, str]]:
    """Return the patterns (recordings, differences) of the documentation's table."""
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .+ \|$", ARGUED.read_text(), re.MULTILINE)
    return [(recordings, found) for recordings, found in rows]


def covers(pattern: str, text: str) -> bool:
    """Tell whether a pattern, in which a star is anything, is that of a text."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


@pytest.fixture
def varied(config: Config) -> World:
    """A world with all kinds of accounts, positions and coins."""
    return World(replace(config, traders=200, coins=12), config.start_ms)


def test_every_recording_is_matched_but_for_the_differences_that_are_argued(
    recordings: Path, varied: World
) -> None:
    ours, rows = Ours(varied), argued()
    used = set[tuple[str, str]]()
    unargued = []

    for recording in recorded(recordings):
        for difference in recording.differences(ours):
            reasons = {r for r in rows if covers(r[0], recording.name) and covers(r[1], difference)}
            used |= reasons
            if not reasons:
                unargued.append(f"{recording.name}: {difference}")

    assert not unargued, "\n".join(sorted(set(unargued)))
    assert set(rows) == used, "no recording bears these out"
