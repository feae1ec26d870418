from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from market_scraper.config import Settings
from market_scraper.orchestration.backpressure import Meter
from market_scraper.orchestration.degradation import Degradation, Load, Step
from market_scraper.orchestration.lifecycle import running

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


class Counts:
    """What the meter reads of an outlet."""

    told, waiting, limit = 0, 0, 100


def test_the_load_is_how_late_we_wake_and_how_long_events_wait() -> None:
    outlet, load = Counts(), None
    meter = Meter(outlet)
    outlet.told, outlet.waiting = 10, 0
    assert meter.woke(1, 0.0) == Load()

    for second, told, waiting in ((2, 40, 25), (3, 60, 40), (4, 80, 50)):
        outlet.told, outlet.waiting = told, waiting
        load = meter.woke(second, 0.4)

    assert load is not None
    assert load.age_seconds == 2
    assert load.waiting_share == 0.5
    assert 0.2 < load.lateness_seconds < 0.4


def test_a_bus_that_takes_nothing_is_away_and_no_reason_to_give_anything_up() -> None:
    outlet, load = Counts(), None
    meter = Meter(outlet)

    for second in range(20):
        outlet.told += 5
        outlet.waiting += 5
        load = meter.woke(second, 0.0)

    assert load == Load()


async def test_every_step_is_told_and_done_and_undone_when_the_load_falls(
    venue: Any, settings: Settings, consumer: Any, until: Until
) -> None:
    often = settings.model_copy(update={"contexts_seconds": 1.0})
    with structlog.testing.capture_logs() as logs:
        async with running(often, consumer) as scraper:
            await until(lambda: scraper.sight().condition == "LIVE")
            scraper.backpressure.degradation = Degradation(hot_seconds=0.5, calm_seconds=0.5)
            scraper.backpressure.measure = lambda _now, _late: Load(lateness_seconds=9)

            await until(lambda: scraper.backpressure.taken == tuple(Step))
            await until(lambda: "roster" in consumer.of("source_status")[-1].detail)
            await until(lambda: len(scraper.leaderboard.tracked_addresses()) == 20)
            assert scraper.sight().condition == "PARTIAL"
            assert [scraper.throttle.few_audits] == [True]
            await until(lambda: {"BTC", "ETH", "SOL"} <= followed(scraper.feed) < listed(scraper))

            scraper.backpressure.measure = lambda _now, _late: Load()
            await until(lambda: len(scraper.backpressure.taken) == 0)
            await until(lambda: len(scraper.leaderboard.tracked_addresses()) == 40)
            await until(lambda: followed(scraper.feed) == listed(scraper))
            assert not scraper.throttle.few_audits
    shed = [line["step"] for line in logs if line["event"] == "load_shed"]
    undone = [line["step"] for line in logs if line["event"] == "load_taken_up"]
    assert (shed, undone) == (list(Step), list(Step)[::-1])


def followed(feed: Any) -> set[str]:
    return {wanted.coin for wanted in feed.subscribed if wanted.type == "trades"}


def listed(scraper: Any) -> set[str]:
    return {coin for coin, told in scraper.contexts.contexts.items() if not told.delisted}
