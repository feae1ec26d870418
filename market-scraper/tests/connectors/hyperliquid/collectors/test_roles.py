"""Whose accounts belong together, asked of the simulator."""

import asyncio
from typing import Any

import aiohttp

from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.roles import RolesCollector
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from market_scraper.positions.identity import Identity
from market_scraper.storage.memory import MemoryRepository
from shared_events.bus.buffered import buffered
from shared_events.runtime.clock import SystemClock


async def known(venue: Any, consumer: Any, address: str) -> Identity:
    """Return who `address` is after one question about it."""
    clock, repository = SystemClock(), MemoryRepository()
    async with buffered(consumer, clock=clock) as publisher:
        info = InfoClient(venue.http, venue.url, venue.url, Throttle(WeightBudget(1200), clock))
        roles = RolesCollector(
            info,
            Outlet(publisher, clock),
            repository,
            VenueTime(Feed("ws://nowhere", clock).tape, clock),
            clock,
            wanted=lambda: [address],
            standing=lambda _: None,
        )
        task = asyncio.create_task(roles.collect())
        async with asyncio.timeout(10):
            while roles.pulse.succeeded_at is None:
                await asyncio.sleep(0.01)
        task.cancel()
    return (await repository.identities())[address]


async def styles(http: aiohttp.ClientSession, url: str) -> dict[str, list[str]]:
    """Return addresses by the style of their owner."""
    async with http.get(f"{url}/simulator/truth") as response:
        found: dict[str, list[str]] = {}
        for address, style in (await response.json())["styles"].items():
            found.setdefault(style, []).append(address)
    return found


async def test_a_vault_names_its_leader_and_its_children_their_vault(
    venue: Any, consumer: Any
) -> None:
    people = await styles(venue.http, venue.url)

    vault = await known(venue, consumer, people["provider"][0])
    child = await known(venue, consumer, people["child"][0])

    assert vault.role == child.role == "vault"
    assert vault.leader == child.leader is not None
    assert set(vault.children) == set(people["child"])
    assert child.master == people["provider"][0]
    told = {profile.address: profile for profile in consumer.of("trader_profiles")}
    assert told[people["provider"][0]].children == vault.children
    assert told[people["provider"][0]].vault_leader == vault.leader


async def test_an_account_names_its_sub_accounts_and_they_name_it(
    venue: Any, consumer: Any
) -> None:
    people = await styles(venue.http, venue.url)

    child = await known(venue, consumer, people["sub_account"][0])
    assert child.role == "subAccount"
    assert child.master is not None
    master = await known(venue, consumer, child.master)

    assert people["sub_account"][0] in master.children


async def test_an_account_without_sub_accounts_is_asked_about_once(
    venue: Any, consumer: Any
) -> None:
    people = await styles(venue.http, venue.url)
    of_somebody = {(await known(venue, consumer, child)).master for child in people["sub_account"]}
    alone = next(
        who
        for style, members in people.items()
        if style not in {"sub_account", "provider", "child", "vault"}
        for who in members
        if who not in of_somebody
    )

    identity = await known(venue, consumer, alone)

    assert (identity.role, identity.children) == ("user", ())
