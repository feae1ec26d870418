from datetime import timedelta

import httpx
import pytest

from shared_events.testing.factories import NOON, an_address
from signal_system.api.schemas import RuleStatistics
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.testing.whales import an_alert

PATH = "/api/v1/whale-alerts"


@pytest.fixture(autouse=True)
def raised(read_model: MemoryReadModel) -> None:
    read_model.raised = [
        an_alert(1),
        an_alert(2, coin="ETH", severity="HIGH"),
        an_alert(3, rule="flip", severity="CRITICAL"),
        an_alert(4, rule="data_stale", address=None, coin=None, side=None),
    ]


async def ids(api: httpx.AsyncClient, **params: str | int) -> list[int]:
    answer = await api.get(PATH, params=params)
    return [int(alert["alert_id"], 16) for alert in answer.json()["alerts"]]


async def test_alerts_are_told_newest_first(api: httpx.AsyncClient) -> None:
    assert await ids(api) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"coin": "BTC"}, [3, 1]),
        ({"address": an_address(2)}, [2]),
        ({"rule": "flip"}, [3]),
        ({"severity": "HIGH"}, [3, 2]),
        ({"since": (NOON + timedelta(minutes=3)).isoformat()}, [4, 3]),
        ({"coin": "BTC", "severity": "MEDIUM"}, [3]),
        ({"coin": "DOGE"}, []),
    ],
    ids=str,
)
async def test_only_what_was_asked_for_is_told(
    api: httpx.AsyncClient, params: dict[str, str], found: list[int]
) -> None:
    assert await ids(api, **params) == found


async def test_pages_follow_each_other_without_a_gap(api: httpx.AsyncClient) -> None:
    first = (await api.get(PATH, params={"limit": 3})).json()
    second = (await api.get(PATH, params={"limit": 3, "cursor": first["next"]})).json()

    pages = [*first["alerts"], *second["alerts"]]
    assert [int(alert["alert_id"], 16) for alert in pages] == [4, 3, 2, 1]
    assert second["next"] is None


async def test_asking_again_for_the_same_costs_nothing(api: httpx.AsyncClient) -> None:
    tag = (await api.get(PATH)).headers["etag"]

    assert (await api.get(PATH, headers={"If-None-Match": tag})).status_code == 304


async def test_one_alert_is_found_by_its_name(api: httpx.AsyncClient) -> None:
    known, unknown = [await api.get(f"{PATH}/{n:020x}") for n in (2, 99)]

    assert known.json()["coin"] == "ETH"
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_alert")


@pytest.mark.parametrize(
    "query",
    [
        "severity=HUGE",
        "address=0x1",
        "since=2026-01-05",
        "cursor=1",
        "cursor=9999999999999999999-1",
        "rule=A%20B",
        "limit=501",
    ],
)
async def test_what_cannot_be_meant_is_refused(api: httpx.AsyncClient, query: str) -> None:
    assert (await api.get(f"{PATH}?{query}")).status_code == 422


async def test_how_often_a_rule_was_right_is_told_with_its_interval(
    api: httpx.AsyncClient, read_model: MemoryReadModel
) -> None:
    known = RuleStatistics(
        rule="flip", fired=9, resolved=4, right=1, share_right=0.25, low=0.05, high=0.7
    )
    read_model.statistics = [known]

    answer = (await api.get(f"{PATH}/statistics")).json()

    assert answer == {"rules": [known.model_dump()]}
