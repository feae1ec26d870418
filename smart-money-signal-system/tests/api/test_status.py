import httpx

from signal_system.api.testing.factories import a_progress, a_status
from signal_system.api.testing.memory import MemoryReadModel


async def test_the_status_says_how_far_the_start_has_come(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    said = "Anchored 34 % of weight, first signal in about 6 min."
    read_model.status_now = a_status(progress=a_progress(phase="warming", message=said))

    answer = await api.get("/api/v1/status")

    assert answer.status_code == 200
    assert answer.json()["progress"]["message"] == said
    assert answer.json()["now"] == "2026-01-01T12:00:00Z"


async def test_what_is_unknown_is_null_not_zero(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.status_now = a_status(event_time=None, progress=a_progress(coverage=None))

    answer = (await api.get("/api/v1/status")).json()

    assert answer["event_time"] is None
    assert answer["progress"]["coverage"] is None
