"""The whole scraper against the simulator: what it publishes is what the venue holds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_scraper.config import Settings
from market_scraper.errors import StorageError
from market_scraper.orchestration.lifecycle import running
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.storage.mongo import MongoRepository
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import CANDLES, LEADERBOARD, POSITIONS
from shared_events.bus.memory import MemoryEventBus
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError
from shared_events.testing.factories import an_address

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


def anchored(scraper: Scraper) -> bool:
    sight = scraper.sight()
    return 0 < sight.tracked == sight.anchored


def certain(scraper: Scraper) -> bool:
    return anchored(scraper) and not scraper.sight().doubtful


def often(settings: Settings) -> Settings:
    """Return settings that ask for every trader's state once a second."""
    return settings.model_copy(update={"audit_seconds": 1})


async def agrees(venue: Any, scraper: Scraper, consumer: Any) -> bool:
    """Tell whether the consumer believes of every tracked trader what the venue knows."""
    truth, books = await venue.books(), scraper.positions.books
    for address in scraper.leaderboard.tracked_addresses():
        known = {account.dex for account in books.of(address) if account.anchored}
        true = {coin: size for coin, size in truth[address].items() if dex_of(coin) in known}
        if consumer.books.get(address) != true:
            return False
    return True


async def test_what_is_published_is_what_the_venue_holds(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        await until(lambda: certain(scraper))
        await until(lambda: any(told.changes for told in consumer.of("trader_positions")))
        await venue.do("pause")

        await until(lambda: agrees(venue, scraper, consumer))

        assert scraper.positions.following.repairs == 0
        assert scraper.sight().condition == "LIVE"
    tracked = consumer.of("tracked_traders")
    assert [told.snapshot.index for told in tracked] == list(range(40))
    assert {told.snapshot.total for told in tracked} == {40}
    assert all(candle.closed for candle in consumer.of("candles"))
    assert len(consumer.of("candles")) >= 3 * 47
    contexts = {told.coin for told in consumer.of("market_contexts")}
    assert {coin for coin in contexts if dex_of(coin) == MAIN_DEX} == {
        *("BTC", "ETH", "SOL", "HYPE", "MATIC", "HPOS")
    }
    assert {told.window for told in consumer.of("leaderboard")} == {
        "day",
        "week",
        "month",
        "allTime",
    }
    statuses = consumer.of("source_status")
    assert statuses[-1].status == "LIVE"
    assert statuses[-1].coverage == 1


async def test_a_broken_connection_is_noticed_and_what_was_missed_is_repaired(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("fault", kind="drop_sockets", **{"for": 1.0})
        await venue.do("burst", trades=2_000)

        await until(lambda: scraper.positions.following.gaps_found > 0)
        await until(lambda: certain(scraper) and scraper.feed.ready)
        await venue.do("pause")

        await until(lambda: agrees(venue, scraper, consumer))
        await until(
            lambda: (
                scraper.positions.following.gaps_closed == scraper.positions.following.gaps_found
            )
        )
    changes = [change for told in consumer.of("trader_positions") for change in told.changes]
    assert "poll" in {change.cause for change in changes}


async def test_a_storm_of_429_makes_nobody_flat(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(often(settings), consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("pause")
        await until(lambda: agrees(venue, scraper, consumer))
        before = dict(consumer.books)

        await venue.do("fault", kind="refuse", **{"for": 2.0})
        await until(lambda: scraper.positions.unknown_answers > 0)
        await asyncio.sleep(0.2)

        assert consumer.books == before
        assert any(before.values())


async def test_states_of_a_node_that_is_behind_are_not_believed(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(often(settings), consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("fault", kind="lagging_state", **{"for": 3.0})
        await asyncio.sleep(2.5)
        await venue.do("pause")

        await until(lambda: agrees(venue, scraper, consumer))


async def test_a_person_adds_and_removes_traders_while_it_runs(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        await until(lambda: anchored(scraper))
        best = scraper.leaderboard.tracked_addresses()[0]
        await scraper.repository.override(best, tracked=False)
        await scraper.repository.override(an_address(77), tracked=True)

        await until(lambda: an_address(77) in scraper.positions.members)
        await until(lambda: anchored(scraper))

        assert best not in scraper.positions.books.accounts
    left = [told for told in consumer.of("tracked_traders") if not told.tracked]
    assert [(told.address, told.reason) for told in left] == [(best, "removed by hand")]
    assert consumer.books[an_address(77)] == {}


async def test_a_restart_tracks_the_same_traders_and_goes_on_counting(
    venue: Any, settings: Settings, consumer: Any, until: Until, tmp_path: Path
) -> None:
    kept = settings.model_copy(update={"storage_url": f"sqlite:///{tmp_path}/kept.db"})
    async with running(kept, consumer) as scraper:
        await until(lambda: anchored(scraper))
        tracked = set(scraper.leaderboard.tracked_addresses())
    ahead = max(consumer.sequences.values()) + 3_600_000
    store = SqliteRepository.open(tmp_path / "kept.db")
    assert await store.sequences() == consumer.sequences
    await store.save_sequences(dict.fromkeys(tracked, ahead))
    await store.close()

    async with running(kept, consumer) as scraper:
        await until(lambda: anchored(scraper))

        assert set(scraper.leaderboard.tracked_addresses()) == tracked
    assert min(consumer.sequences[address] for address in tracked) > ahead


async def test_what_a_person_added_outlives_a_restart_also_when_the_venue_is_away(
    venue: Any, settings: Settings, consumer: Any, until: Until, tmp_path: Path
) -> None:
    kept = settings.model_copy(update={"storage_url": f"sqlite:///{tmp_path}/kept.db"})
    store = SqliteRepository.open(tmp_path / "kept.db")
    await store.override(an_address(77), tracked=True)
    await store.follow("HYPE", followed=True)
    await store.follow("BTC", followed=False)
    await store.close()
    away = kept.model_copy(update={"exchange_url": "http://127.0.0.1:1"})

    async with running(away, consumer) as scraper:
        await until(lambda: an_address(77) in scraper.positions.members)

        assert list(scraper.coins) == ["ETH", "SOL", "HYPE"]
    assert [told.reason for told in consumer.of("tracked_traders")] == ["added by hand"]


async def test_history_is_kept_in_a_mongodb(
    venue: Any, settings: Settings, consumer: Any, until: Until, tmp_path: Path, wire_url: str
) -> None:
    kept = settings.model_copy(
        update={
            "storage_url": wire_url,
            "standby_url": f"sqlite:///{tmp_path}/standby.db",
            "save_seconds": 0.2,
        }
    )
    async with running(kept, consumer) as scraper:
        await until(lambda: certain(scraper))
        await until(lambda: scraper.keeper.positions.written > 0 and not scraper.keeper.waiting)
        tracked = set(scraper.leaderboard.tracked_addresses())
        assert await scraper.health().report() == {"bus": None, "storage": None, "venue": None}

    store = MongoRepository(wire_url)
    books: dict[str, dict[str, Decimal]] = {}
    for row in await store.find(POSITIONS):
        books.setdefault(row.address, {})[row.coin] = row.size
    assert {
        address: {coin: size for coin, size in book.items() if size}
        for address, book in books.items()
        if any(book.values())
    } == {address: book for address, book in consumer.books.items() if book}
    assert {member.address for member in await store.roster()} == tracked
    assert len(await store.find(LEADERBOARD)) == 80
    assert len(await store.find(CANDLES)) >= 3 * 47
    await store.close()


async def test_a_mongodb_that_is_away_is_no_reason_not_to_start(
    venue: Any, settings: Settings, consumer: Any, until: Until, tmp_path: Path
) -> None:
    kept = settings.model_copy(
        update={
            "storage_url": "mongodb://127.0.0.1:1/history",
            "standby_url": f"sqlite:///{tmp_path}/standby.db",
        }
    )
    async with running(kept, consumer) as scraper:
        await until(lambda: anchored(scraper))
        report = await scraper.health().report()

    assert "running on the SQLite file" in str(report["storage"])
    store = SqliteRepository.open(tmp_path / "standby.db")
    assert await store.find(POSITIONS)
    await store.close()


async def test_a_bus_that_is_away_costs_no_change(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    class Fickle:
        away = False

        async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
            if self.away:
                raise BusUnavailableError("away")
            await consumer.publish(events)

        async def ping(self) -> None:
            await self.publish([])

    bus = Fickle()
    async with running(settings, bus) as scraper:
        await until(lambda: certain(scraper))
        bus.away = True
        await until(lambda: scraper.outlet.waiting > 0)
        report = await scraper.health().report()
        await venue.do("pause")
        bus.away = False

        await until(lambda: agrees(venue, scraper, consumer))

        assert report == {"bus": "away", "storage": None, "venue": None}


async def test_leaving_publishes_what_is_left(venue: Any, settings: Settings, until: Until) -> None:
    bus = MemoryEventBus()
    async with running(settings, bus) as scraper:
        await until(lambda: anchored(scraper))

    told = scraper.outlet.told
    seen = 0
    types = {"trader_positions", "tracked_traders", "trader_profiles", "leaderboard"} | {
        "candles",
        "market_contexts",
        "trade_flow",
        "source_status",
    }
    async with bus.subscribe("late", types) as subscription:
        while seen < told:
            deliveries = await subscription.batch()
            seen += len(deliveries)
            await subscription.ack(deliveries)
    assert seen == told


async def test_a_venue_that_is_not_there_yet_is_waited_for(
    settings: Settings, consumer: Any
) -> None:
    nowhere = settings.model_copy(update={"exchange_url": "http://127.0.0.1:1"})
    async with running(nowhere, consumer) as scraper:
        await asyncio.sleep(0.3)

        assert scraper.sight().condition == "LOST"
        assert scraper.progress() == "nobody is tracked yet"
        assert "market_contexts" in scraper.manager.troubles


@pytest.mark.parametrize("url", ["sqlite:////proc/nowhere/store.db"])
async def test_a_store_that_cannot_be_used_is_a_matter_of_configuration(
    settings: Settings, consumer: Any, url: str
) -> None:
    with pytest.raises(StorageError):
        async with running(settings.model_copy(update={"storage_url": url}), consumer):
            pass


async def test_what_goes_wrong_is_told_a_circuit_that_opened_and_a_coin_that_is_not_listed(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    with_nonsense = often(settings).model_copy(
        update={"coins": ("BTC", "NONSENSE"), "contexts_seconds": 1.0}
    )
    async with running(with_nonsense, consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("fault", kind="refuse", **{"for": 9.0})

        await until(lambda: "circuit open" in consumer.of("source_status")[-1].detail)

        assert "not listed by the venue: NONSENSE" in scraper.status()["notes"]


async def test_what_verified_wallets_pay_and_receive_is_told_and_no_snapshot_twice(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        await until(lambda: certain(scraper))
        await until(lambda: any(told.kind == "funding" for told in consumer.of("account_flows")))
        await venue.do("fault", kind="drop_sockets", **{"for": 0.5})
        await until(lambda: scraper.feed.ready)

    told = [event.id for event in consumer.events if event.type == "account_flows"]
    assert len(told) == len(set(told))
