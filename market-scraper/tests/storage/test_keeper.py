from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from market_scraper.errors import StorageBusyError
from market_scraper.moments import milliseconds
from market_scraper.positions.anchors import Account, State
from market_scraper.positions.ledger import Holding
from market_scraper.positions.reconciliation import reconcile
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.tables import CANDLES, METRICS, POSITIONS, R, Table
from shared_events.payloads import Candle, ContextMetric, TrackedTrader
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, a_position, an_address, trader_positions

ALICE = an_address(1)
MS = milliseconds(NOON)


class Store(MemoryRepository):
    """A store that somebody else may be writing to."""

    busy = False

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        if self.busy:
            raise StorageBusyError("somebody else writes")
        await super().save(table, rows)


@pytest.fixture
def repository() -> Store:
    return Store()


@pytest.fixture
def keeper(repository: Store, clock: ManualClock) -> Keeper:
    return Keeper(repository, clock, every_seconds=5, position_max_interval_seconds=3_600)


def a_candle(*, closed: bool = True, close: int = 1) -> Candle:
    return Candle(
        coin="BTC",
        interval="1h",
        open_time=NOON,
        close_time=NOON + timedelta(hours=1),
        open=Decimal(1),
        high=Decimal(2),
        low=Decimal(1),
        close=Decimal(close),
        volume=Decimal(5),
        trades=3,
        closed=closed,
        origin="rest",
    )


async def test_what_is_told_is_written_and_the_rest_is_not(
    keeper: Keeper, repository: Store
) -> None:
    metric = ContextMetric(metric="cbbi", at=NOON, value=Decimal("0.7"), unit="fraction")
    keeper.told([trader_positions(), a_candle(), a_candle(closed=False), metric])

    await keeper.settle()

    [row] = await repository.find(POSITIONS)
    assert (row.address, row.coin, row.at_ms, row.size) == (ALICE, "BTC", MS, Decimal("1.5"))
    [candle] = await repository.find(CANDLES)
    assert (candle.coin, candle.at_ms, candle.close) == ("BTC", MS, Decimal(1))
    [reading] = await repository.find(METRICS)
    assert (reading.metric, reading.value, reading.learned_ms) == ("cbbi", Decimal("0.7"), MS)
    assert keeper.waiting == 0


async def test_a_corrected_candle_takes_the_place_of_the_first(
    keeper: Keeper, repository: Store
) -> None:
    keeper.told([a_candle(close=1)])
    await keeper.settle()
    keeper.told([a_candle(close=2)])
    await keeper.settle()

    assert [row.close for row in await repository.find(CANDLES)] == [Decimal(2)]


async def test_a_book_the_venue_states_is_looked_at_as_a_whole(
    keeper: Keeper, repository: Store
) -> None:
    account = Account(ALICE, 0)
    reconcile(account, State(MS, None, {"BTC": Holding("BTC", Decimal(1))}))
    keeper.stated([account])
    keeper.stated([account])
    await keeper.settle()

    account.holdings.clear()
    account.as_of_ms += 1
    keeper.stated([account])
    await keeper.settle()

    assert [row.size for row in await repository.find(POSITIONS)] == [Decimal(1), Decimal(0)]
    assert (keeper.positions.seen, keeper.positions.written) == (3, 2)


async def test_whoever_leaves_the_roster_is_forgotten_and_their_rows_stay(
    keeper: Keeper, repository: Store
) -> None:
    keeper.told([trader_positions()])
    keeper.told([TrackedTrader(address=ALICE, tracked=False, reason="outranked", at=NOON)])
    keeper.told([trader_positions(as_of=NOON + timedelta(seconds=1))])

    await keeper.settle()

    assert [row.at_ms for row in await repository.find(POSITIONS)] == [MS + 1_000]


async def test_a_store_that_is_busy_gets_the_rows_later_and_the_newest_of_each(
    keeper: Keeper, repository: Store
) -> None:
    repository.busy = True
    keeper.told([a_candle(close=1)])
    with pytest.raises(StorageBusyError):
        await keeper.settle()
    keeper.told([a_candle(close=2), trader_positions(positions=(a_position(size=Decimal(2)),))])

    repository.busy = False
    await keeper.settle()

    assert [row.close for row in await repository.find(CANDLES)] == [Decimal(2)]
    assert [row.size for row in await repository.find(POSITIONS)] == [Decimal(2)]


async def test_what_waits_is_bounded(
    keeper: Keeper, repository: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_scraper.storage.keeper.MOST_WAITING", 3)

    keeper.told(
        ContextMetric(metric="cbbi", at=NOON + timedelta(days=day), value=Decimal(1))
        for day in range(5)
    )

    assert (keeper.waiting, keeper.given_up) == (3, 2)
