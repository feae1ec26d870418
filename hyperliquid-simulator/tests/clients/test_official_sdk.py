"""The venue's own Python client, unmodified, works against the simulator."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from socket import SHUT_RDWR
from threading import Event
from typing import Any

import pytest
from hyperliquid.info import Info  # type: ignore[import-untyped] # the SDK carries no types
from hyperliquid.utils.error import (  # type: ignore[import-untyped] # as above
    ClientError,
)

from hyperliquid_simulator.app import build, serving
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.world import World


async def test_the_sdk_reads_markets_states_fills_and_candles(venue: str, world: World) -> None:
    user = world.population.planted(0)[0].address

    def read() -> dict[str, Any]:
        with connected(venue, skip_ws=True) as info:
            return {
                "coins": [coin["name"] for coin in info.meta()["universe"]],
                "contexts": len(info.meta_and_asset_ctxs()[1]),
                "mids": info.all_mids(),
                "state": info.user_state(user),
                "fills": info.user_fills(user),
                "later": info.user_fills_by_time(user, 0),
                "candles": info.candles_snapshot("BTC", "1h", 0, 2**52),
                "book": info.l2_snapshot("ETH"),
                "role": info.user_role(user),
                "portfolio": info.portfolio(user),
            }

    found = await asyncio.to_thread(read)

    assert found["coins"] == ["BTC", "ETH", "SOL", "HYPE", "MATIC", "HPOS"]
    assert found["contexts"] == 6
    assert {"BTC", "MATIC", "@107", "PURR/USDC", "#14880"} <= set(found["mids"])
    assert found["state"]["assetPositions"]
    assert len(found["fills"]) == len(found["later"]) > 0
    assert len(found["candles"]) >= 5 * 24
    assert [len(side) for side in found["book"]["levels"]] == [20, 20]
    assert found["role"]["role"] in ("user", "subAccount")
    assert len(found["portfolio"]) == 8


async def test_the_sdk_starts_with_a_builders_dex_and_knows_spot_pairs_by_name(
    venue: str, world: World
) -> None:
    user = world.population.makers[0].address

    def read() -> dict[str, Any]:
        info = Info(venue, skip_ws=True, perp_dexs=["", "xyz", "flx"])
        try:
            return {
                "names": dict(info.name_to_coin),
                "assets": dict(info.coin_to_asset),
                "state": info.user_state(user, "xyz"),
                "mids": info.all_mids("xyz"),
                "spot": info.spot_user_state(user),
                "candles": info.candles_snapshot("HYPE/USDC", "1h", 0, 2**52),
                "book": info.l2_snapshot("xyz:GOLD"),
            }
        finally:
            info.session.close()

    found = await asyncio.to_thread(read)

    assert found["names"]["HYPE/USDC"] == "@107"
    assert found["names"]["PURR/USDC"] == "PURR/USDC"
    assert (found["assets"]["@107"], found["assets"]["BTC"]) == (10_107, 0)
    assert (found["assets"]["xyz:XYZ100"], found["assets"]["flx:CRCL"]) == (110_000, 120_000)
    assert {row["position"]["coin"] for row in found["state"]["assetPositions"]} <= {
        *("xyz:XYZ100", "xyz:GOLD")
    }
    assert set(found["mids"]) >= {"xyz:XYZ100", "xyz:GOLD"}
    assert {"USDC", "HYPE", "PURR", "UBTC"} <= {row["coin"] for row in found["spot"]["balances"]}
    assert {candle["s"] for candle in found["candles"]} == {"@107"}
    assert [len(side) for side in found["book"]["levels"]] == [20, 20]


async def test_the_sdk_receives_every_subscription(venue: str, world: World) -> None:
    user = world.population.makers[0].address
    wanted = [
        {"type": "trades", "coin": "BTC"},
        {"type": "bbo", "coin": "BTC"},
        {"type": "candle", "coin": "BTC", "interval": "1m"},
        {"type": "allMids"},
        {"type": "l2Book", "coin": "ETH"},
        {"type": "activeAssetCtx", "coin": "SOL"},
        {"type": "userFills", "user": user},
        {"type": "userEvents", "user": user},
        {"type": "orderUpdates", "user": user},
        {"type": "userFundings", "user": user},
        {"type": "userNonFundingLedgerUpdates", "user": user},
        {"type": "activeAssetData", "user": user, "coin": "BTC"},
    ]
    frames: dict[str, list[Any]] = defaultdict(list)
    complete = Event()

    def keep(frame: Any) -> None:
        frames[frame["channel"]].append(frame["data"])
        if len(frames) == len(wanted):
            complete.set()

    def listen() -> bool:
        with connected(venue) as info:
            for subscription in wanted:
                info.subscribe(subscription, keep)
            return complete.wait(20)

    assert await asyncio.to_thread(listen)
    assert len(frames["trades"][0]) == 30
    assert frames["userFills"][0]["isSnapshot"] is True


async def test_the_sdk_unsubscribes(config: Config) -> None:
    venue = build(replace(config, orders_per_second=300.0))
    trades, quotes = {"type": "trades", "coin": "BTC"}, {"type": "bbo", "coin": "BTC"}
    seen = Event()

    def left(base_url: str) -> dict[str, int]:
        """Return how many subscriptions there are while two are made and one is taken back."""
        with connected(base_url) as info:
            number = info.subscribe(trades, lambda _: seen.set())
            assert seen.wait(20)
            assert info.unsubscribe(trades, number)
            seen.clear()
            info.subscribe(quotes, lambda _: seen.set())
            assert seen.wait(20)
            return venue.limits.report()["127.0.0.1"]["subscriptions"]

    async with serving(venue) as base_url:
        found = await asyncio.to_thread(left, base_url)

    assert (found["now"], found["peak"]) == (1, 1)


async def test_after_a_break_a_new_connection_of_the_sdk_sees_the_last_trades_again(
    config: Config,
) -> None:
    venue = build(replace(config, stepped=True))
    await venue.step(60)

    def listen(base_url: str) -> list[Any]:
        """Return the first frame of trades on a connection of its own."""
        frames, seen = list[Any](), Event()

        def keep(frame: Any) -> None:
            frames.append(frame["data"])
            seen.set()

        with connected(base_url) as info:
            info.subscribe({"type": "trades", "coin": "BTC"}, keep)
            assert seen.wait(20)
        return [trade["tid"] for trade in frames[0]]

    async with serving(venue) as base_url:
        before = await asyncio.to_thread(listen, base_url)
        venue.faults.add({"kind": "short_gap", "trades": 10, "for": 1})
        await venue.step(2)
        after = await asyncio.to_thread(listen, base_url)

    assert len(before) == len(after) == 30
    assert after[:20] == before[10:]


async def test_the_sdk_meets_the_rate_limit_as_on_the_venue(venue: str, world: World) -> None:
    user = world.addresses[0]

    def insist() -> None:
        with connected(venue, skip_ws=True) as info:
            for _ in range(21):
                info.user_role(user)

    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(insist)

    assert (refused.value.status_code, refused.value.error_message) == (429, "null")


@contextmanager
def connected(base_url: str, *, skip_ws: bool = False) -> Iterator[Info]:
    """Connect the SDK and let go of everything it holds afterwards."""
    info = Info(base_url, skip_ws=skip_ws)
    try:
        yield info
    finally:
        info.session.close()
        if not skip_ws:
            _hang_up(info.ws_manager)


def _hang_up(manager: Any) -> None:
    """End the SDK's thread at once: by itself it looks only every ten seconds when nothing comes."""
    manager.ws.sock.sock.shutdown(SHUT_RDWR)
    manager.join()
    manager.stop()
