"""Slow indicators: what is news, what is a correction, and what happens when the service misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from market_scraper.connectors import registry
from market_scraper.connectors.cbbi import SOURCE
from market_scraper.connectors.context_metrics import (
    ContextMetricsCollector,
    Memory,
    Reading,
    news,
    remember,
)
from market_scraper.connectors.registry import CONTEXT_SOURCES
from market_scraper.connectors.web import Web, web_session
from market_scraper.errors import RateLimitedError, SourceUnavailableError, WireFormatError
from market_scraper.outlet import Outlet
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.memory import MemoryRepository
from market_scraper.testing.foreign import Answer, Foreign
from shared_events.bus.buffered import buffered
from shared_events.envelope import StandardEvent
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

MIDNIGHT = NOON - timedelta(hours=12)
BEFORE = NOON - timedelta(days=400)


def a_reading(value: object = "0.5", at: datetime = MIDNIGHT, metric: str = "cbbi") -> Reading:
    return Reading(metric, at, Decimal(str(value)), "fraction")


def test_only_what_is_new_or_other_is_news() -> None:
    told: Memory = {}
    remember(told, news(told, [a_reading()], BEFORE, NOON))

    again = news(told, [a_reading("0.50"), a_reading(at=NOON)], BEFORE, NOON)

    assert [fact.at for fact in again] == [NOON]


def test_a_correction_is_told_as_one_even_if_it_is_taken_back() -> None:
    told: Memory = {}
    ids = []
    for value in ("0.5", "0.6", "0.5"):
        facts = news(told, [a_reading(value)], BEFORE, NOON)
        remember(told, facts)
        ids += [(fact.revision, fact.identity) for fact in facts]

    assert [revision for revision, _ in ids] == [0, 1, 2]
    assert len({identity for _, identity in ids}) == 3, (
        "consumers must not take it for a repetition"
    )


def test_what_is_older_than_wanted_is_not_told() -> None:
    assert news({}, [a_reading(at=BEFORE - timedelta(days=1))], BEFORE, NOON) == []


@pytest.mark.parametrize(
    "reading",
    [
        a_reading("NaN"),
        a_reading("Infinity"),
        a_reading("1E+40"),
        a_reading(at=NOON + timedelta(days=3)),
        a_reading(at=datetime(1999, 1, 1, tzinfo=NOON.tzinfo)),
    ],
)
def test_what_cannot_be_is_no_reading(reading: Reading) -> None:
    with pytest.raises(WireFormatError):
        news({}, [a_reading(), reading], BEFORE, NOON)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_what_was_told_is_what_the_source_says_and_nothing_is_told_twice(
    editions: list[list[tuple[int, int]]],
) -> None:
    told: Memory = {}
    heard: dict[datetime, Decimal] = {}
    identities: list[str] = []
    for edition in editions:
        said = {MIDNIGHT - timedelta(days=day): Decimal(value) for day, value in edition}
        facts = news(told, [a_reading(v, at) for at, v in said.items()], BEFORE, NOON)
        remember(told, facts)
        heard |= {fact.at: fact.value for fact in facts}
        identities += [fact.identity for fact in facts]
        assert {at: heard[at] for at in said} == said
        assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    assert len(identities) == len(set(identities))


class Patient(ManualClock):
    """Sleeps until it is woken."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.woken = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.woken.wait()
        self.woken.clear()
        await super().sleep(seconds)


class Scene:
    """A collector of the CBBI, what it told, and what is kept of it."""

    def __init__(
        self, foreign: Foreign, http: Any, queue: Any, repository: MemoryRepository
    ) -> None:
        self.clock = Patient(NOON)
        self.outlet = Outlet(queue, self.clock)
        self.keeper = Keeper(
            repository, self.clock, every_seconds=5, position_max_interval_seconds=1
        )
        self.outlet.on_told.append(self.keeper.told)
        self.collector = ContextMetricsCollector(
            replace(SOURCE, base_url=f"{foreign.url}/latest.json"),
            Web(http, allow_private=True),
            self.outlet,
            repository,
            self.clock,
            days=400,
        )


@pytest.fixture
def told() -> list[StandardEvent[Any]]:
    return []


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository()


@pytest.fixture
async def a_scene(
    foreign: Foreign,
    told: list[StandardEvent[Any]],
    repository: MemoryRepository,
    clock: ManualClock,
) -> AsyncIterator[Callable[[], Scene]]:
    class Listener:
        async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
            told.extend(events)

        async def ping(self) -> None:
            """Always there."""

    async with web_session(allow_private=True) as http, buffered(Listener(), clock=clock) as queue:
        yield lambda: Scene(foreign, http, queue, repository)


def the_file(*values: float, first: datetime = MIDNIGHT) -> Answer:
    days = (first - timedelta(days=n) for n in range(len(values)))
    curve = {str(int(day.timestamp())): value for day, value in zip(days, values, strict=True)}
    return Answer(json.dumps({"Confidence": curve}).encode())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


async def test_changes_alone_are_told_while_it_runs_and_after_a_restart(
    a_scene: Callable[[], Scene], foreign: Foreign, told: list[StandardEvent[Any]]
) -> None:
    foreign.answers["/latest.json"] = [
        the_file(0.5, 0.4),
        the_file(0.6, 0.4),
        the_file(0.6, 0.4, 0.3),
    ]
    scene = a_scene()
    task = asyncio.create_task(scene.collector.collect())
    await until(lambda: len(told) == 2)
    scene.clock.woken.set()
    await until(lambda: len(told) == 3)
    task.cancel()
    await scene.keeper.settle()

    later = a_scene()
    task = asyncio.create_task(later.collector.collect())
    await until(lambda: len(told) == 4)
    await until(lambda: later.collector.pulse.succeeded_at is not None)
    task.cancel()

    assert [(event.data.at, event.data.value, event.data.revision) for event in told] == [
        (MIDNIGHT - timedelta(days=1), Decimal("0.4"), 0),
        (MIDNIGHT, Decimal("0.5"), 0),
        (MIDNIGHT, Decimal("0.6"), 1),
        (MIDNIGHT - timedelta(days=2), Decimal("0.3"), 0),
    ]
    assert {event.source for event in told} == {"cbbi"}
    assert all(event.time == event.data.at and event.recorded_at >= NOON for event in told)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=429), RateLimitedError),
        (Answer(status=502), SourceUnavailableError),
        (Answer(b"null"), SourceUnavailableError),
        (Answer(b"{"), WireFormatError),
        (Answer(b'{"Confidence": {"1": 0.5}}'), WireFormatError),
    ],
)
async def test_trouble_tells_nothing_and_is_left_to_the_manager(
    a_scene: Callable[[], Scene],
    foreign: Foreign,
    told: list[StandardEvent[Any]],
    answer: Answer,
    error: type[Exception],
) -> None:
    foreign.answers["/latest.json"] = [answer]
    scene = a_scene()

    with pytest.raises(error):
        await scene.collector.collect()

    assert told == []
    assert scene.collector.pulse.succeeded_at is None


def test_every_source_has_a_name_a_place_and_pages_of_its_own() -> None:
    names = [source.name for source in CONTEXT_SOURCES]

    assert len(set(names)) == len(names)
    for source in CONTEXT_SOURCES:
        pages = source.pages(source.base_url, BEFORE.date(), NOON.date())
        assert pages
        assert all(page.startswith(source.base_url) for page in pages)
        assert source.base_url.startswith("https://")
        assert source.every_seconds >= 3_600


def test_every_module_with_a_source_is_registered() -> None:
    from pkgutil import walk_packages  # noqa: PLC0415 -- of this test alone

    from market_scraper import connectors  # noqa: PLC0415

    modules = [
        module.name for module in walk_packages(connectors.__path__, "market_scraper.connectors.")
    ]
    sources = [
        module.SOURCE
        for name in modules
        if hasattr(module := __import__(name, fromlist=["SOURCE"]), "SOURCE")
        and isinstance(module.SOURCE, type(SOURCE))
    ]

    assert set(map(id, sources)) == set(map(id, registry.CONTEXT_SOURCES))
