import httpx
import pytest

from signal_system.api.testing.factories import a_regime
from signal_system.api.testing.memory import MemoryReadModel


async def test_the_regime_of_the_market_stands_apart_from_those_of_coins(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.regimes_known = [a_regime(scope="ETH", state="neutral"), a_regime()]

    answer = (await api.get("/api/v1/regime")).json()

    assert answer["market"]["state"] == "bull"
    assert answer["market"]["probabilities"] == {"bull": 0.81, "neutral": 0.15, "bear": 0.04}
    assert [regime["scope"] for regime in answer["coins"]] == ["ETH"]


async def test_no_regime_yet_is_null(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/regime")).json() == {"market": None, "coins": []}
    assert (await api.get("/api/v1/regime/BTC")).json() == {
        "coin": "BTC",
        "scope": "market",
        "now": None,
        "history": [],
    }


async def test_a_coin_is_in_its_own_regime_if_it_has_one_else_in_the_markets(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.regimes_known = [a_regime(), a_regime(scope="ETH", state="bear")]

    eth, sol = [(await api.get(f"/api/v1/regime/{coin}")).json() for coin in ("ETH", "SOL")]

    assert (eth["scope"], eth["now"]["state"]) == ("ETH", "bear")
    assert (sol["scope"], sol["now"]["state"]) == ("market", "bull")


async def test_its_turns_are_told_newest_first_as_many_as_asked_for(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.turns["market"] = [
        a_regime(state="bear", previous="bull"),
        a_regime(previous="bear"),
    ]

    answer = (await api.get("/api/v1/regime/BTC", params={"limit": 1})).json()

    assert [turn["state"] for turn in answer["history"]] == ["bear"]


@pytest.mark.parametrize("path", ["/api/v1/regime/a b", "/api/v1/regime/BTC?limit=0"])
async def test_what_no_coin_could_be_called_is_refused(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 422
