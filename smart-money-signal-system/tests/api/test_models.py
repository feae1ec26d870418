from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from shared_events.payloads import ModelChange
from shared_events.testing.factories import NOON
from signal_system.drift_watch import DriftWatch
from signal_system.fold import Fold
from signal_system.ml.features.registry import classifier
from signal_system.ml.model_record import KEPT_ROWS, MISSING, Loss
from signal_system.ml.model_registry import ModelRegistry
from signal_system.predicting import Predictor
from signal_system.testing.directions import (
    a_direction_candidate,
    a_direction_champion,
    made_up_rows,
)
from signal_system.testing.events import told
from signal_system.testing.regimes import a_champion

NAME = "direction-4h-BTC"
SPEC = classifier("1h")


@pytest.fixture
def served(registry: ModelRegistry, fold: Fold, predictor: Predictor) -> Callable[..., str]:
    """Return a function that brings a champion into service."""

    def serve(**fields: Any) -> str:
        version = a_direction_champion(registry.root, **fields)
        loaded = registry.load(NAME, version)
        change = ModelChange(
            name=NAME,
            at=NOON,
            version=version,
            kind="direction-trees",
            content=loaded.files["model.json"].decode(),
            passed=True,
        )
        fold.apply(fold.position + 1, told(change))
        predictor.hold(NAME, loaded.model)
        return version

    return serve


def asked(count: int = 2, **fields: Any) -> dict[str, Any]:
    rows = [[None if np.isnan(x) else float(x) for x in row] for row in made_up_rows(count, seed=3)]
    return {"spec_hash": SPEC.hash, "rows": rows, **fields}


async def test_models_are_listed_with_their_aliases_and_what_serves(
    api: httpx.AsyncClient, registry: ModelRegistry, served: Callable[..., str]
) -> None:
    champion = served()
    challenger = registry.add(a_direction_candidate(rounds=6))
    regime = a_champion(registry.root)

    (direction, regimes) = (await api.get("/api/v1/models")).json()["models"]

    assert (direction["name"], direction["versions"]) == (NAME, 2)
    assert (direction["champion"], direction["challenger"]) == (champion, challenger)
    assert (direction["serving"], direction["shadow"]) == (champion, None)
    assert (regimes["name"], regimes["champion"], regimes["serving"]) == (
        *("regime-BTC", regime, None),
    )


async def test_a_model_tells_of_its_versions_their_gates_and_what_they_were_worth(
    api: httpx.AsyncClient, registry: ModelRegistry, fold: Fold, served: Callable[..., str]
) -> None:
    version = served()
    shut = registry.add(a_direction_candidate(rounds=6, passed=False))
    record = fold.state.directions._record(NAME, version)  # noqa: SLF001
    record.matured, record.right, record.log_loss, record.realised = (
        4,
        3,
        2.0,
        {"buy": 2, "hold": 2},
    )

    answer = (await api.get(f"/api/v1/models/{NAME}")).json()

    told_of = {each["version"]: each for each in answer["all_versions"]}
    assert set(told_of) == {version, shut}
    assert told_of[version]["passed"] is True
    assert told_of[shut]["gates"][0]["passed"] is False
    assert told_of[version]["metrics"] == {"log_loss": 0.9}
    (live,) = answer["live"]
    assert (live["version"], live["matured"], live["right"], live["log_loss"]) == (
        *(version, 4, 0.75, 0.5),
    )
    assert live["base_rate_log_loss"] == pytest.approx(np.log(2))


async def test_a_damaged_version_is_listed_as_refused(
    api: httpx.AsyncClient, registry: ModelRegistry, served: Callable[..., str]
) -> None:
    version = served()
    manifest = registry.root / NAME / version / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{}")

    (row,) = (await api.get(f"/api/v1/models/{NAME}")).json()["all_versions"]

    assert "is no manifest" in row["refused"]


@pytest.mark.parametrize("named", ["champion", "latest"])
async def test_a_card_is_found_by_version_or_alias(
    api: httpx.AsyncClient, served: Callable[..., str], named: str
) -> None:
    version = served()

    answer = (await api.get(f"/api/v1/models/{NAME}/versions/{named}")).json()

    assert answer["version"] == version
    assert answer["card"].startswith(f"# {NAME} {version}")


async def test_the_best_version_is_the_one_whose_manifest_says_so(
    api: httpx.AsyncClient, registry: ModelRegistry
) -> None:
    better = registry.add(a_direction_candidate(metrics={"log_loss": 0.8}))
    registry.add(a_direction_candidate(rounds=6, metrics={"log_loss": 0.95}))

    answer = (await api.get(f"/api/v1/models/{NAME}/best?metric=log_loss&lowest=true")).json()

    assert (answer["version"], answer["value"]) == (better, 0.8)


async def test_rows_of_ones_own_are_answered_as_the_service_would(
    api: httpx.AsyncClient, predictor: Predictor, served: Callable[..., str]
) -> None:
    version = served()

    answer = (await api.post(f"/api/v1/models/{NAME}/predict", json=asked(reasons=True))).json()

    said = predictor.held[NAME, version].probabilities(made_up_rows(2, seed=3))
    assert (answer["version"], answer["role"], answer["features"]) == (
        *(version, "champion", list(SPEC.names)),
    )
    for each, calibrated in zip(answer["answers"], said.calibrated, strict=True):
        assert list(each["calibrated"].values()) == pytest.approx(calibrated.tolist())
        assert each["calibrated"][each["predicted"]] == max(each["calibrated"].values())
        assert len(each["reasons"]) == 5


@pytest.mark.parametrize(
    ("question", "status", "code", "hint"),
    [
        ({"spec_hash": "0" * 64}, 409, "other_features", "signal-system features list"),
        ({"rows": [[1.0, 2.0]]}, 422, "invalid_input", "price_to_ema_9"),
        ({"rows": []}, 422, "invalid_input", "/docs"),
        ({"rows": [[0.0] * 28] * 65}, 422, "invalid_input", "/docs"),
        ({"rows": [[1e31] * 28]}, 422, "invalid_input", "/docs"),
        ({"more": 1}, 422, "invalid_input", "/docs"),
        ({"role": "challenger"}, 503, "no_version_serves", "models promote"),
    ],
)
async def test_what_cannot_be_answered_says_what_to_do(
    api: httpx.AsyncClient,
    served: Callable[..., str],
    question: dict[str, Any],
    status: int,
    code: str,
    hint: str,
) -> None:
    served()

    answer = await api.post(f"/api/v1/models/{NAME}/predict", json=asked(1) | question)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert hint in error["hint"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{" * 9_000_000, "application/json", 413),
        (b"{", "application/json", 422),
    ],
)
async def test_a_body_of_another_kind_or_size_is_not_read(
    api: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    path, headers = f"/api/v1/models/{NAME}/predict", {"Content-Type": kind}

    assert (await api.post(path, content=content, headers=headers)).status_code == status


async def test_a_regime_model_says_nothing_to_a_single_row(
    api: httpx.AsyncClient, registry: ModelRegistry
) -> None:
    a_champion(registry.root)

    answer = await api.post("/api/v1/models/regime-BTC/predict", json=asked(1))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_askable")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/models/nothing",
        "/api/v1/models/nothing/drift",
        "/api/v1/models/nothing/versions/latest",
        "/api/v1/models/nothing/best?metric=a",
        f"/api/v1/models/{NAME}/versions/challenger",
        f"/api/v1/models/{NAME}/best?metric=a",
    ],
)
async def test_what_there_is_not_is_a_404(
    api: httpx.AsyncClient, served: Callable[..., str], path: str
) -> None:
    served()

    assert (await api.get(path)).status_code == 404


def shifted(count: int) -> Sequence[bytes]:
    """Return rows whose first column is always in its highest bin, the others as in training."""
    random = np.random.default_rng(1)
    shares = (0.95 * 0.3, 0.95 * 0.4, 0.95 * 0.3, 0.05)
    bins = random.choice([0, 1, 2, MISSING], size=(count, len(SPEC.names)), p=shares)
    bins[:, 0] = random.choice([1, 2], size=count, p=(0.1, 0.9))
    return [bytes(row.tolist()) for row in bins]


async def test_drift_is_found_and_training_anew_proposed(
    api: httpx.AsyncClient, fold: Fold, served: Callable[..., str], watch: DriftWatch
) -> None:
    version = served()
    record = fold.state.directions._record(NAME, version)  # noqa: SLF001
    record.rows = list(shifted(KEPT_ROWS))
    record.windows = [Loss(NOON, 1.0, "hold")] * 10

    (report,) = (await api.get(f"/api/v1/models/{NAME}/drift")).json()["reports"]

    assert [each["name"] for each in report["columns"] if each["drifted"]] == [SPEC.names[0]]
    assert SPEC.names[0] in report["proposal"]
    assert report["loss"] == {"losses": 10, "before": None, "since": None, "risen_at": None}
    await watch.look()
    listed = (await api.get("/api/v1/models")).json()["models"][0]
    assert listed["retrain"] == report["proposal"]
