import asyncio
from decimal import Decimal

from market_scraper.moments import milliseconds
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.retention import Compactor, Rule
from market_scraper.storage.tables import POSITIONS, HeldRow
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = milliseconds(NOON)


async def test_rows_become_one_an_hour_then_one_for_ever(clock: ManualClock) -> None:
    repository = MemoryRepository()
    minutes = range(NOW - 10 * DAY, NOW, 20 * 60_000)
    await repository.save(
        POSITIONS, [HeldRow(an_address(), "BTC", ms, Decimal(1), "anchored") for ms in minutes]
    )
    rules = (Rule(POSITIONS, 2 * DAY, HOUR), Rule(POSITIONS, 5 * DAY, None))

    dropped = await Compactor(repository, clock, rules).compact()

    left = await repository.find(POSITIONS)
    ages = [(NOW - row.at_ms) / DAY for row in left]
    assert len([age for age in ages if age > 5]) == 1
    assert len([age for age in ages if 2 < age <= 5]) == 3 * 24
    assert len([age for age in ages if age <= 2]) == 2 * 72
    assert dropped + len(left) == len(minutes)


async def test_it_is_done_once_a_day(clock: ManualClock) -> None:
    compactor = asyncio.create_task(Compactor(MemoryRepository(), clock, ()).collect())
    while len(clock.slept) < 4:
        await asyncio.sleep(0)
    compactor.cancel()

    assert clock.slept[1:4] == [86_400.0] * 3
