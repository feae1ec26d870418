from collections.abc import Callable
from typing import NoReturn

import httpx
import pytest

from shared_events.errors import TransientError
from signal_system.api.testing.memory import MemoryReadModel


def _raising(error: Exception) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


async def test_a_bug_shows_no_trace_and_no_detail_to_the_caller(
    api: httpx.AsyncClient, read_model: MemoryReadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "rows", _raising(ZeroDivisionError("secret detail")))

    answer = await api.get("/api/v1/signals", headers={"X-Request-ID": "my-id.1"})

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "my-id.1" in answer.json()["error"]["hint"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == "my-id.1"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_something_that_is_away_for_now_is_a_503_with_a_time_to_wait(
    api: httpx.AsyncClient, read_model: MemoryReadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "rows", _raising(TransientError("at /var/x", retry_after=2.4)))

    answer = await api.get("/api/v1/signals")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "3"
    assert "/var/x" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v2", 404, "not_found"),
        ("GET", "/assets/none.js", 404, "not_found"),
        ("DELETE", "/api/v1/signals", 405, "method_not_allowed"),
        ("GET", "/api/v1/signals/BTC?horizon=x", 422, "invalid_input"),
        ("POST", "/api/v1/events", 415, "unsupported_media_type"),
    ],
)
async def test_every_refusal_has_the_one_shape(
    api: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert answer.json()["error"]["code"] == code


async def test_each_request_has_an_id_the_caller_may_choose(api: httpx.AsyncClient) -> None:
    own = await api.get("/health/live", headers={"X-Request-ID": "trace-42"})
    first, second = [await api.get("/health/live") for _ in range(2)]

    assert own.headers["x-request-id"] == "trace-42"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", '"'])
async def test_an_id_that_could_do_harm_is_replaced(api: httpx.AsyncClient, given: str) -> None:
    answer = await api.get("/health/live", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] != given
