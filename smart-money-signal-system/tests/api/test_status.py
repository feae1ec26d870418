import httpx

from signal_system.api.testing.factories import a_progress, a_regime, a_status
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


async def test_the_regime_of_the_market_stands_apart_from_those_of_coins(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.regimes_known = [a_regime(scope="BTC", state="range"), a_regime()]

    answer = (await api.get("/api/v1/regime")).json()

    assert answer["market"]["state"] == "bull"
    assert answer["market"]["probabilities"] == {"bull": 0.81, "range": 0.15, "bear": 0.04}
    assert [regime["scope"] for regime in answer["coins"]] == ["BTC"]


async def test_no_regime_yet_is_null(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/regime")).json() == {"market": None, "coins": []}
