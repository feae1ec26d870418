"""Channels about every market: their echoes, forms and what follows on what."""

import zlib
from base64 import b64decode
from collections import defaultdict
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.answers import markets
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.world.world import World

Prices = dict[str, dict[str, str]]


def opened(data: str) -> Prices:
    found: Prices = orjson.loads(zlib.decompress(b64decode(data), -15))
    return found


def feed(world: World, kind: str) -> Feed:
    return Feed(parse_subscription({"type": kind}, world), world.time)


def updates(world: World, of: Feed, blocks: int) -> list[Any]:
    channel = CHANNELS[of.subscription.type]
    return [d for _ in range(blocks) for d in channel.later(world, of, digest(world.step()))]


@pytest.mark.parametrize("kind", ["fastAssetCtxs", "allDexsAssetCtxs"])
def test_the_echo_has_no_parameters(world: World, kind: str) -> None:
    asked = {"type": kind, "dex": "xyz", "coin": "BTC"}

    assert parse_subscription(asked, world).wire() == {"type": kind}


def test_fast_contexts_open_with_every_market_and_then_send_what_changed(world: World) -> None:
    fast = feed(world, "fastAssetCtxs")
    first = opened(CHANNELS["fastAssetCtxs"].first(world, fast))
    later = [opened(data) for data in updates(world, fast, 300)]

    known = defaultdict(dict, first)
    for fresh in later:
        for coin, fields in fresh.items():
            assert fields
            assert all(known[coin][name] != value for name, value in fields.items())
            known[coin] |= fields
    assert list(first) == list(world.coin_index)
    assert {tuple(fields) for fields in first.values()} == {("markPx", "midPx")}
    assert known == fast.last
    assert later


def test_who_joins_a_fast_feed_later_knows_the_same_after_the_next_change(world: World) -> None:
    fast = feed(world, "fastAssetCtxs")
    CHANNELS["fastAssetCtxs"].first(world, fast)
    updates(world, fast, 53)

    known = opened(CHANNELS["fastAssetCtxs"].first(world, fast))
    for data in updates(world, fast, 60):
        for coin, fields in opened(data).items():
            known[coin] |= fields

    assert known == fast.last


def test_prices_that_stand_still_are_not_sent(world: World) -> None:
    fast = feed(world, "fastAssetCtxs")
    CHANNELS["fastAssetCtxs"].first(world, fast)
    seen = digest(world.step())
    fast.last, fast.sent_at = None, 0.0
    CHANNELS["fastAssetCtxs"].first(world, fast)

    assert list(CHANNELS["fastAssetCtxs"].later(world, fast, seen)) == []


def test_all_contexts_come_by_dex_and_are_those_of_rest(world: World) -> None:
    every = feed(world, "allDexsAssetCtxs")

    data = CHANNELS["allDexsAssetCtxs"].first(world, every)

    names = ("", "flx", "hyna", "xyz")
    assert data == {"ctxs": [[name, markets.contexts(world, name)] for name in names]}
    assert [list(d) for d in updates(world, every, 100)] == [["ctxs"], ["ctxs"]]
