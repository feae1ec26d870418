"""The ledger against the simulator over sockets: what it is sure of is what the venue holds."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.coins import MAIN_DEX, dex_of
from shared_events.envelope import StandardEvent

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


def certain(scraper: Scraper) -> bool:
    sight = scraper.sight()
    return 0 < sight.tracked == sight.anchored and not sight.doubtful


def causes(events: Sequence[StandardEvent[Any]], address: str) -> set[str]:
    """Return what told the changes of a trader."""
    told = (event.data for event in events if event.type == "trader_positions")
    return {change.cause for book in told if book.address == address for change in book.changes}


def main(book: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return what is held on the venue's own exchange."""
    return {coin: size for coin, size in book.items() if dex_of(coin) == MAIN_DEX}


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
        assert causes(consumer.events[told:], address) == {"user"}
    fills = [fill for fill in consumer.of("trader_fills") if fill.address == address]
    assert fills[-1].liquidation
    identities = [(fill.subject, fill.identity) for fill in consumer.of("trader_fills")]
    assert len(identities) == len(set(identities)), "no fill is told twice"
