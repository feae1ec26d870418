import asyncio

from market_scraper.connectors.hyperliquid.breaker import Circuit
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON


class StandingClock(ManualClock):
    """Time passes only when the test says so."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def test_the_urgent_go_first_when_the_budget_is_short() -> None:
    clock = StandingClock(NOON)
    throttle = Throttle(WeightBudget(100), clock)
    await throttle.enter(100, Urgency.MARKET)
    order: list[Urgency] = []

    async def enter(urgency: Urgency) -> None:
        await throttle.enter(50, urgency)
        order.append(urgency)

    async with asyncio.TaskGroup() as tasks:
        for urgency in (Urgency.AUDIT, Urgency.DOUBT, Urgency.MARKET):
            tasks.create_task(enter(urgency))
        for _ in range(3):
            for _ in range(5):
                await asyncio.sleep(0)
            clock.advance(60)

    assert order == [Urgency.MARKET, Urgency.DOUBT, Urgency.AUDIT]


async def test_some_of_the_budget_is_kept_from_the_audit(clock: ManualClock) -> None:
    throttle = Throttle(WeightBudget(100), clock)
    began = clock.now()

    for _ in range(40):
        await throttle.enter(2, Urgency.AUDIT)
    assert clock.now() == began
    await throttle.enter(20, Urgency.MARKET)

    assert clock.now() == began
    await throttle.enter(2, Urgency.AUDIT)
    assert (clock.now() - began).total_seconds() >= 60


async def test_refusals_hold_everybody_back_longer_and_longer_until_an_answer_comes(
    clock: ManualClock,
) -> None:
    throttle = Throttle(WeightBudget(100), clock)
    began = clock.now()

    for _ in range(3):
        await throttle.enter(1, Urgency.MARKET)
        await throttle.refused(None)
    states = [throttle.circuit]
    lease = await throttle.enter(1, Urgency.MARKET)

    assert (clock.now() - began).total_seconds() == 2 + 4 + 8
    states.append(throttle.circuit)
    await throttle.settle(lease, 1)
    assert [*states, throttle.circuit] == [Circuit.OPEN, Circuit.HALF_OPEN, Circuit.CLOSED]


async def test_it_says_when_so_much_weight_could_be_spent(clock: ManualClock) -> None:
    throttle = Throttle(WeightBudget(100), clock)
    await throttle.enter(100, Urgency.MARKET)

    assert throttle.seconds_for(10) == 60
    assert throttle.seconds_for(250) == 180
    assert throttle.used_share == 1
