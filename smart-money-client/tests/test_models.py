from typing import Any

import pytest
from pydantic import BaseModel

from shared_events import payloads
from signal_system.api import port, schemas
from smart_money_client import models

PAIRS: list[tuple[type[BaseModel], type[BaseModel]]] = [
    (models.Signal, payloads.SignalSchema),
    (models.Gate, payloads.GateSchema),
    (models.Contribution, payloads.ContributionSchema),
    (models.RegimeView, payloads.RegimeViewSchema),
    (models.Odds, payloads.OddsSchema),
    (models.Models, payloads.ModelsSchema),
    (models.Regime, payloads.Regime),
    (models.Regimes, schemas.Regimes),
    (models.SignalRow, schemas.SignalRow),
]


@pytest.mark.parametrize(("own", "published"), PAIRS)
def test_a_bot_sees_every_field_the_service_publishes(
    own: type[BaseModel], published: type[BaseModel]
) -> None:
    assert list(own.model_fields) == list(published.model_fields)
    for name, field in own.model_fields.items():
        assert field.is_required() == published.model_fields[name].is_required(), name


@pytest.mark.parametrize(
    ("own", "published"), [(models.Status, port.Status), (models.Progress, port.Progress)]
)
def test_the_status_has_every_field_too(own: type[BaseModel], published: Any) -> None:
    assert list(own.model_fields) == list(published.__dataclass_fields__)


def test_a_field_of_a_newer_service_is_no_trouble() -> None:
    gate = models.Gate.model_validate(
        {"name": "g", "value": None, "threshold": 1, "passed": True, "new": 3}
    )

    assert gate.value is None
