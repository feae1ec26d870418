"""The ledger against the simulator over sockets: what it is sure of is what the venue holds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.coins import MAIN_DEX, dex_of
from shared_events.envelope import StandardEvent
from shared_events.payloads import TraderFill

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


def certain(scraper: Scraper) -> bool:
    sight = scraper.sight()
    return 0 < sight.tracked == sight.anchored and not sight.doubtful


def causes(events: Sequence[StandardEvent[Any]], address: str) -> set[str]:
    """Return what told the changes of a trader."""
    told = (event.data for event in events if event.type == "trader_positions")
    return {change.cause for book in told if book.address == address for change in book.changes}


def fills_of(consumer: Any, address: str) -> list[TraderFill]:
    return [fill for fill in consumer.of("trader_fills") if fill.address == address]


def main(book: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return what is held on the venue's own exchange."""
    return {coin: size for coin, size in book.items() if dex_of(coin) == MAIN_DEX}


def agreeing(venue: Any, scraper: Scraper, consumer: Any) -> Callable[[], Awaitable[bool]]:
    """Return what tells whether the consumer believes of every tracked trader what the venue knows."""

    async def agrees() -> bool:
        truth = await main_books(venue)
        tracked = scraper.leaderboard.tracked_addresses()
        return all(main(consumer.books[who]) == truth[who] for who in tracked)

    return agrees


async def main_books(venue: Any) -> dict[str, dict[str, Decimal]]:
    return {address: main(book) for address, book in (await venue.books()).items()}


async def test_a_hidden_change_of_a_verified_wallet_is_told_at_once_by_its_own_fills(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        await until(lambda: certain(scraper) and len(scraper.positions.verified()) == 8)
        await venue.do("pause")
        [address, *_] = sorted(
            scraper.positions.verified(),
            key=lambda who: -len(scraper.positions.books.accounts[who].holdings),
        )
        before = await main_books(venue)
        told = len(consumer.events)

        await venue.do("hidden", user=address, kind="backstop", coin=min(before[address]))

        async def agrees() -> bool:
            truth = (await main_books(venue))[address]
            return truth != before[address] and truth == main(consumer.books[address])

        await until(agrees)
        await until(lambda: any(fill.liquidation for fill in fills_of(consumer, address)))
        assert causes(consumer.events[told:], address) == {"user"}
    identities = [(fill.subject, fill.identity) for fill in consumer.of("trader_fills")]
    assert len(identities) == len(set(identities)), "no fill is told twice"


async def test_a_book_on_a_builders_exchange_is_read_when_first_traded_and_then_followed(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        books = scraper.positions.books
        await until(lambda: certain(scraper) and len(books.elsewhere) > 10)
        await venue.do("pause")
        await until(lambda: all(account.anchored for account in books) and certain(scraper))

        truth = await venue.books()
        await until(
            lambda: all(
                consumer.books[address]
                == {
                    coin: size
                    for coin, size in truth[address].items()
                    if (address, dex_of(coin)) in {account.id for account in books}
                }
                for address in scraper.leaderboard.tracked_addresses()
            )
        )
        contexts = {context.coin: context for context in consumer.of("market_contexts")}
        assert contexts["xyz:XYZ100"].dex == "xyz"
        assert contexts["xyz:XYZ100"].mark
    held = [held for told in consumer.of("trader_positions") for held in told.positions]
    assert {position.dex for position in held} > {"", "xyz"}
    assert all((":" in position.coin) == bool(position.dex) for position in held)
    assert not any(dex_of(position.coin) is None for position in held)


async def test_a_delisted_coin_is_settled_and_told_as_what_it_is(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    quick = settings.model_copy(update={"contexts_seconds": 1})
    async with running(quick, consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("pause")
        holders = [who for who, book in consumer.books.items() if "SOL" in book]
        assert holders

        await venue.do("delist", coin="SOL")
        await until(lambda: not any("SOL" in book for book in consumer.books.values()))
        await until(lambda: certain(scraper))

    told = [change for event in consumer.of("trader_positions") for change in event.changes]
    closed = [change for change in told if change.coin == "SOL" and not change.size_after]
    assert {change.cause for change in closed[-len(holders) :]} <= {"poll", "user"}


async def test_a_new_listing_is_followed_and_whoever_entered_before_is_found(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    quick = settings.model_copy(update={"contexts_seconds": 1})
    async with running(quick, consumer) as scraper:
        await until(lambda: certain(scraper))

        await venue.do("list", coin="NEWCOIN", price=2.5)
        await until(lambda: any("NEWCOIN" in book for book in consumer.books.values()))
        await venue.do("pause")

        await until(agreeing(venue, scraper, consumer))


async def test_trades_that_never_came_are_found_by_the_candles(
    settings: Settings, consumer: Any, until: Until, a_venue: Callable[..., Any]
) -> None:
    fast = Config(
        seed=7, traders=60, coins=4, history_days=3, orders_per_second=10, limits=False, speed=20
    )
    async with venue_running(fast) as url, aiohttp.ClientSession() as http:
        venue = a_venue(url, http)
        there = settings.model_copy(update={"exchange_url": url})
        async with running(there, consumer) as scraper:
            following = scraper.positions.following
            await until(lambda: certain(scraper) and following.completeness.watching > 0)
            await asyncio.sleep(3.5)
            found = following.gaps_found

            await venue.do("fault", kind="silent_sockets", channel="trades", **{"for": 20.0})
            await until(lambda: following.gaps_found > found)
            await until(lambda: following.gaps_closed == following.gaps_found)
            await venue.do("pause")

            await until(agreeing(venue, scraper, consumer))
    assert consumer.of("source_status")[-1].gaps_found > 0


async def test_a_hidden_change_nobody_heard_of_is_found_by_the_audit_and_counted(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    audited = settings.model_copy(update={"user_slots": 0, "audit_seconds": 2})
    async with running(audited, consumer) as scraper:
        await until(lambda: certain(scraper))
        await venue.do("pause")
        await until(agreeing(venue, scraper, consumer))
        before, told = await main_books(venue), len(consumer.events)
        address = next(who for who in scraper.leaderboard.tracked_addresses() if before[who])

        await venue.do("hidden", user=address, kind="backstop", coin=min(before[address]))
        await until(lambda: bool(causes(consumer.events[told:], address)))
        await until(agreeing(venue, scraper, consumer))

        assert (await main_books(venue))[address] != before[address]
        assert causes(consumer.events[told:], address) == {"poll"}
        audit = scraper.positions.following.audit
        assert audit.wrong == 1
        assert audit.error == 1 / audit.sizes
        assert audit.wrong_notional > 0
        assert not scraper.positions.verified()


async def test_a_short_gap_heals_by_itself_and_a_long_one_is_closed(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    async with running(settings, consumer) as scraper:
        following = scraper.positions.following
        await until(lambda: certain(scraper))
        found = following.gaps_found

        await venue.do("fault", kind="short_gap", trades=20, rest=4.0)
        await until(lambda: not scraper.feed.ready)
        await until(lambda: scraper.feed.ready)
        assert following.gaps_found == found

        await venue.do("fault", kind="long_gap", trades=100, rest=4.0)
        await until(lambda: following.gaps_found > found)
        await until(lambda: following.gaps_closed == following.gaps_found)
        await venue.do("pause")
        await until(agreeing(venue, scraper, consumer))


async def test_among_trades_with_oneself_and_states_that_lag_nothing_certain_is_ever_wrong(
    settings: Settings, consumer: Any, until: Until, a_venue: Callable[..., Any]
) -> None:
    quiet = Config(
        seed=11,
        traders=80,
        coins=4,
        history_days=3,
        orders_per_second=80,
        limits=False,
        self_trades=0.3,
        nettings_per_hour=0,
        thin_book=0,
    )
    async with venue_running(quiet) as url, aiohttp.ClientSession() as http:
        venue = a_venue(url, http)
        there = settings.model_copy(update={"exchange_url": url, "audit_seconds": 2})
        async with running(there, consumer) as scraper:
            await until(lambda: certain(scraper) and len(scraper.positions.verified()) == 8)
            for kind in ("lagging_state", "early_stamp", "duplicate_frames", "reordered_frames"):
                await venue.do("fault", kind=kind, **{"for": 1.5})
                await venue.do("burst", trades=200)
                await asyncio.sleep(1.6)
            await venue.do("pause")

            await until(agreeing(venue, scraper, consumer))
            audit = scraper.positions.following.audit
            assert audit.sizes > 100
            assert audit.wrong == 0
