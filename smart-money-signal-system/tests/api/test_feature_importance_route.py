import httpx
import pytest

from signal_system.api.schemas import FeatureImportance, FeatureImportances, LiveAttribution
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.ml.features.registry import classifier
from signal_system.testing.directions import CUTOFF, importances


def an_importance(coin: str, live: LiveAttribution | None = None) -> FeatureImportance:
    return FeatureImportance(
        model=f"direction-4h-{coin}",
        coin=coin,
        role="champion",
        horizon_seconds=14_400,
        model_version="v1",
        spec_hash=classifier("1h").hash,
        importances=importances(),
        live=live,
    )


async def test_every_classifier_in_service_says_what_its_features_are_worth(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    said = LiveAttribution(
        bar_closed_at=CUTOFF,
        predicted="buy",
        probability=0.4,
        explains="raw_margin",
        reasons=[("return_1", 0.2)],
    )
    read_model.importances = [an_importance("BTC", said), an_importance("ETH")]

    answer = (await api.get("/api/v1/feature-importance")).json()

    assert [model["coin"] for model in answer["models"]] == ["BTC", "ETH"]
    assert answer["models"][0]["live"]["reasons"] == [["return_1", 0.2]]
    assert answer["models"][1]["live"] is None
    assert FeatureImportances.model_validate(answer).models == read_model.importances


async def test_one_coin_is_told_of_its_own_alone(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    read_model.importances = [an_importance("BTC"), an_importance("ETH")]

    eth, sol = [
        (await api.get(f"/api/v1/feature-importance/{coin}")).json()["models"]
        for coin in ("ETH", "SOL")
    ]

    assert [model["coin"] for model in eth] == ["ETH"]
    assert sol == []


@pytest.mark.parametrize("path", ["/api/v1/feature-importance/a b"])
async def test_what_no_coin_could_be_called_is_refused(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 422


async def test_the_example_of_the_reference_is_an_answer(api: httpx.AsyncClient) -> None:
    schemas = (await api.get("/openapi.json")).json()["components"]["schemas"]

    examples = schemas["FeatureImportance"]["examples"]

    assert [FeatureImportance.model_validate(each).coin for each in examples] == ["BTC"]
