"""Collectors that fail, stop and come back, on a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from market_scraper.collecting import Patience, Pulse
from market_scraper.errors import RateLimitedError, SourceUnavailableError, WireFormatError
from market_scraper.orchestration.manager import CollectorManager, UnknownCollectorError
from shared_events.errors import AppError
from shared_events.runtime.clock import ManualClock

STEADY = Patience(jitter=0.0)


class Scripted:
    """Raises what it is told to, one thing a call; then it works on until it is cancelled."""

    def __init__(self, name: str, diary: list[str], *errors: Exception | None) -> None:
        self.name = name
        self.pulse = Pulse()
        self._diary = diary
        self._errors = list(errors)

    async def collect(self) -> None:
        self._diary.append(f"+{self.name}")
        if self._errors:
            error = self._errors.pop(0)
            if error is None:
                return
            raise error
        try:
            await asyncio.Event().wait()
        finally:
            self._diary.append(f"-{self.name}")


@pytest.fixture
def diary() -> list[str]:
    return []


@pytest.fixture
def manager(clock: ManualClock) -> CollectorManager:
    return CollectorManager(clock)


@asynccontextmanager
async def running(manager: CollectorManager) -> AsyncIterator[None]:
    task = asyncio.create_task(manager.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def test_they_start_in_order_and_stop_in_the_opposite_one(
    manager: CollectorManager, diary: list[str]
) -> None:
    for name in "abc":
        manager.add(name, Scripted(name, diary))

    async with running(manager):
        await until(lambda: len(diary) == 3)

    assert diary == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_waits_grow_while_it_fails_and_it_is_told_what_happened(
    manager: CollectorManager, diary: list[str], clock: ManualClock
) -> None:
    errors = [
        SourceUnavailableError("away"),
        WireFormatError("nonsense"),
        SourceUnavailableError("x"),
    ]
    manager.add("a", Scripted("a", diary, *errors), STEADY)

    async with running(manager):
        await until(lambda: len(diary) == 4)
        status = manager.status("a")

    assert clock.slept == [1.0, 2.0, 4.0]
    assert (status.state, status.failures, status.errors) == ("running", 3, 3)
    assert status.trouble is not None
    assert status.trouble.reason == "x"


async def test_a_success_in_between_starts_the_count_anew(
    manager: CollectorManager, diary: list[str], clock: ManualClock
) -> None:
    class Recovering(Scripted):
        async def collect(self) -> None:
            clock.advance(1)
            if len(diary) == 2:
                self.pulse.beat(clock.now(), 60)
            await super().collect()

    away = [SourceUnavailableError("away")] * 4
    manager.add("a", Recovering("a", diary, *away), STEADY)

    async with running(manager):
        await until(lambda: len(diary) == 5)

    assert clock.slept == [1.0, 2.0, 1.0, 2.0]


async def test_a_source_says_for_how_long_to_leave_it_alone(
    manager: CollectorManager, diary: list[str], clock: ManualClock
) -> None:
    manager.add("a", Scripted("a", diary, RateLimitedError("slow", retry_after=90)), STEADY)

    async with running(manager):
        await until(lambda: len(diary) == 2)

    assert clock.slept == [90]


async def test_after_many_failures_the_source_rests(
    manager: CollectorManager, diary: list[str], clock: ManualClock
) -> None:
    patience = Patience(most_failures=3, rest_seconds=300, longest_rest_seconds=900, jitter=0.0)
    errors: list[AppError] = [SourceUnavailableError("away")] * 6
    states: list[str] = []

    class Watched(ManualClock):
        async def sleep(self, seconds: float) -> None:
            states.append(manager.status("a").state)
            assert manager.status("a").due_at is not None
            await super().sleep(seconds)

    watched = Watched(clock.now())
    manager = CollectorManager(watched)
    manager.add("a", Scripted("a", diary, *errors), patience)

    async with running(manager):
        await until(lambda: len(diary) == 7)

    assert watched.slept == [1.0, 2.0, 300.0, 600.0, 900.0, 900.0]
    assert states == ["waiting", "waiting", "resting", "resting", "resting", "resting"]


def test_attempts_are_spread_but_never_by_more_than_said() -> None:
    patience = Patience(first_seconds=8.0, jitter=0.25)

    assert [patience.seconds(1, chance) for chance in (0.0, 0.5, 1.0)] == [6.0, 8.0, 10.0]


async def test_one_can_be_stopped_and_started_while_the_others_go_on(
    manager: CollectorManager, diary: list[str]
) -> None:
    for name in "ab":
        manager.add(name, Scripted(name, diary))
    async with running(manager):
        await until(lambda: len(diary) == 2)

        await manager.stop("a")
        await manager.stop("a")
        assert [status.state for status in manager.statuses()] == ["stopped", "running"]
        manager.start("a")
        manager.start("a")
        await until(lambda: len(diary) == 4)

    assert diary == ["+a", "+b", "-a", "+a", "-b", "-a"]


async def test_starting_one_that_waits_out_a_failure_changes_nothing_but_stopping_ends_the_wait(
    manager: CollectorManager, diary: list[str], clock: ManualClock
) -> None:
    class Standing(ManualClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    manager = CollectorManager(Standing(clock.now()))
    manager.add("a", Scripted("a", diary, SourceUnavailableError("away")))
    async with running(manager):
        await until(lambda: manager.status("a").state == "waiting")
        manager.start("a")
        assert manager.status("a").failures == 1

        await manager.stop("a")
        manager.start("a")
        await until(lambda: len(diary) == 2)

        assert (manager.status("a").state, manager.status("a").failures) == ("running", 0)


async def test_collectors_come_and_go_at_run_time(
    manager: CollectorManager, diary: list[str]
) -> None:
    async with running(manager):
        manager.add("late", Scripted("late", diary))
        await until(lambda: diary == ["+late"])
        with pytest.raises(ValueError, match="already"):
            manager.add("late", Scripted("late", diary))

        await manager.remove("late")

        assert diary == ["+late", "-late"]
        assert manager.statuses() == []
    with pytest.raises(UnknownCollectorError, match="no collector 'late'"):
        manager.start("late")


async def test_one_that_has_nothing_more_to_do_is_stopped(
    manager: CollectorManager, diary: list[str]
) -> None:
    manager.add("once", Scripted("once", diary, None))

    async with running(manager):
        await until(lambda: manager.status("once").state == "stopped" and bool(diary))
        manager.start("once")
        await until(lambda: len(diary) == 2)


async def test_a_bug_in_one_ends_them_all(manager: CollectorManager, diary: list[str]) -> None:
    manager.add("a", Scripted("a", diary))
    manager.add("buggy", Scripted("buggy", diary, KeyError("bug")))
    manager.add("c", Scripted("c", diary))

    with pytest.raises(ExceptionGroup) as group:
        await manager.run()

    assert group.value.subgroup(KeyError)
    assert diary[:3] == ["+a", "+buggy", "+c"]
    assert sorted(diary[3:]) == ["-a", "-c"]


async def test_one_that_was_stopped_before_the_start_stays_stopped(
    manager: CollectorManager, diary: list[str]
) -> None:
    manager.add("a", Scripted("a", diary))
    manager.add("b", Scripted("b", diary))
    await manager.stop("a")

    async with running(manager):
        await until(lambda: diary == ["+b"])
