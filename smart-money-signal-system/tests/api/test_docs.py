import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from signal_system.api.schemas import ErrorDocument, Intake, SignalList
from signal_system.api.testing.memory import MemoryReadModel

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "api.md").read_text()


async def test_the_reference_names_every_route_and_no_other(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()["paths"]
    real = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}

    named = set(re.findall(r"^\| `((?:GET|POST) \S+)` \|", REFERENCE, re.MULTILINE))

    assert named == real | {"GET /metrics"}


@pytest.mark.parametrize(
    ("start", "model"),
    [('{"signals": [{', SignalList), ('{"accepted"', Intake), ('{"error"', ErrorDocument)],
)
def test_the_samples_of_the_reference_have_the_shape_of_the_answers(start: str, model: Any) -> None:
    samples = re.findall(r"```json\n(.*?)```", REFERENCE, re.DOTALL)

    sample = next(sample for sample in samples if sample.startswith(start))

    TypeAdapter(model).validate_json(sample)


async def test_the_sample_of_the_list_has_every_field(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    sample = re.findall(r"```json\n(.*?)```", REFERENCE, re.DOTALL)[0]
    answer = (await api.get("/api/v1/signals")).json()

    assert set(json.loads(sample)) == set(answer)
    assert set(json.loads(sample)["signals"][0]) == set(answer["signals"][0])


async def test_the_reference_explains_every_metric(api: httpx.AsyncClient) -> None:
    text = (await api.get("/metrics")).text
    real = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))

    named = set(re.findall(r"`(signal_system_\w+)", REFERENCE))

    assert named == {name for name in real if not name.endswith("_created")}
