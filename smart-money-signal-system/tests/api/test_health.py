import asyncio
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared_events.testing.factories import NOON
from signal_system.api.routes import health
from signal_system.api.testing.factories import a_progress, a_status
from signal_system.api.testing.memory import MemoryReadModel


async def test_a_living_process_says_so(api: httpx.AsyncClient) -> None:
    assert (await api.get("/health/live")).json() == {"status": "live"}


async def test_ready_when_every_part_answers(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "failing": {}})


async def test_not_ready_names_what_fails(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.failing = {"bus": "no answer", "store": None}

    answer = await api.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "failing": {"bus": "no answer"}}


@pytest.mark.parametrize(("phase", "code"), [("restoring", 503), ("warming", 200), ("live", 200)])
async def test_ready_as_soon_as_nothing_is_being_restored(
    api: httpx.AsyncClient, read_model: MemoryReadModel, phase: str, code: int
) -> None:
    read_model.status_now = a_status(progress=a_progress(phase=phase))

    assert (await api.get("/health/ready")).status_code == code


async def test_a_part_that_never_answers_fails_the_check(
    api: httpx.AsyncClient, read_model: MemoryReadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> Mapping[str, str | None]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(read_model, "checks", hang)
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.01)

    answer = await api.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["failing"] == {"checks": "no answer within 0.01 s"}


async def _samples(api: httpx.AsyncClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = (await api.get("/metrics")).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_metrics_are_the_numbers_of_the_status(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.status_now = a_status(
        lag={"trader_positions": 12},
        newest={"candles": NOON - timedelta(seconds=90)},
        sources={"hyperliquid": "STALE"},
        dead_letters=3,
    )

    samples = await _samples(api)

    assert samples["signal_system_lag", (("stream", "trader_positions"),)] == 12
    assert samples["signal_system_newest_event_age_seconds", (("type", "candles"),)] == 90
    assert samples["signal_system_source_live", (("source", "hyperliquid"),)] == 0
    assert samples["signal_system_dead_letters_total", ()] == 3
    assert samples["signal_system_duplicates_ignored_total", ()] == 1
    assert samples["signal_system_journal_position", ()] == 7
    assert samples["signal_system_coverage", ()] == 0.984


async def test_an_unknown_coverage_is_no_sample(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.status_now = a_status(progress=a_progress(coverage=None))

    assert ("signal_system_coverage", ()) not in await _samples(api)


async def test_answers_are_timed_by_route_and_unknown_paths_share_one_label(
    api: httpx.AsyncClient,
) -> None:
    for path in ("/api/v1/signals/BTC", "/api/v1/signals/ETH", "/a", "/b"):
        await api.get(path)

    samples = await _samples(api)

    name = "signal_system_api_seconds_count"
    route = (("method", "GET"), ("route", "/api/v1/signals/{coin}"), ("status", "200"))
    unmatched = (("method", "any"), ("route", "unmatched"), ("status", "404"))
    assert samples[name, route] == 2
    assert samples[name, unmatched] == 2
