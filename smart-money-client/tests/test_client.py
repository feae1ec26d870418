import asyncio
import re
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import Response

from shared_events.bus.memory import MemoryEventBus
from shared_events.testing.factories import NOON
from signal_system.api.testing.factories import a_progress, a_regime, a_signal, a_status
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build
from smart_money_client import (
    ContractError,
    NotLiveError,
    Patience,
    RefusedError,
    ServiceUnavailableError,
    SmartMoneyClient,
    UnauthorizedError,
    UnknownCoinError,
)

AT_ONCE = Patience(attempts=3, first_wait=0.0, longest_wait=0.01)
KEY = "a key of sixteen or more"


async def test_the_list_has_a_row_for_every_coin(client: SmartMoneyClient) -> None:
    rows = await client.signals()

    assert [(row.coin, row.action) for row in rows] == [("BTC", "BUY"), ("kPEPE", "SELL")]
    assert rows[0].reference_price == Decimal(100_000)
    assert rows[0].as_of == NOON


async def test_the_list_can_be_cut_down(client: SmartMoneyClient) -> None:
    assert [row.coin for row in await client.signals(["kPEPE", "NONE"])] == ["kPEPE"]


async def test_a_signal_comes_whole_with_exact_quantities(client: SmartMoneyClient) -> None:
    signal = await client.signal("BTC")

    assert signal.net_exposure == Decimal("41200000.50")
    assert signal.valid_until - signal.as_of == signal.horizon
    assert signal.contributions_for[0].exposure == Decimal(12_400_000)
    assert signal.expected_value_after_costs is None


async def test_what_has_not_changed_is_the_same_object(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    first = await client.signal("BTC")
    second = await client.signal("BTC")
    read_model.say(a_signal(action="SELL"))
    third = await client.signal("BTC")

    assert second is first
    assert third.action == "SELL"


async def test_the_history_goes_back_through_every_page(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    read_model.say(*(a_signal(journal_position=position) for position in range(8, 460)))

    everything = [signal.journal_position async for signal in client.history("BTC")]
    some = [signal.journal_position async for signal in client.history("BTC", limit=205)]
    none = [signal async for signal in client.history("BTC", limit=0)]

    assert everything == list(range(459, 6, -1))
    assert some == everything[:205]
    assert none == []


async def test_regimes_and_status_are_read(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    read_model.regimes_known = [a_regime()]

    regimes, status = await client.regime(), await client.status()

    assert regimes.market is not None
    assert regimes.market.state == "bull"
    assert (status.live, status.lag) == (True, {"trader_positions": 0})


async def test_an_unknown_coin_carries_the_services_advice(client: SmartMoneyClient) -> None:
    with pytest.raises(UnknownCoinError, match="Did you mean BTC"):
        await client.signal("btc")


@pytest.mark.parametrize("coin", ["../status", "B C", "x?y=1", "#"])
async def test_a_name_cannot_leave_its_place_in_the_path(
    client: SmartMoneyClient, coin: str
) -> None:
    with pytest.raises(RefusedError):
        await client.signal(coin)


async def test_a_key_opens_what_is_closed_without_it(read_model: MemoryReadModel) -> None:
    app = build(read_model, MemoryEventBus(), OwnSettings(api_key=SecretStr(KEY)))

    async with serving(app) as url:
        async with SmartMoneyClient(url) as without:
            with pytest.raises(UnauthorizedError):
                await without.signals()
        async with SmartMoneyClient(url, KEY) as client:
            assert len(await client.signals()) == 2


async def test_nobody_at_the_address_is_told_after_the_last_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async with SmartMoneyClient(f"http://127.0.0.1:{port}", patience=AT_ONCE) as client:
        with pytest.raises(ServiceUnavailableError, match="was asked 3 times"):
            await client.signals()


def _answering(*answers: Response) -> tuple[FastAPI, Callable[[], int]]:
    app, queue = FastAPI(), list(answers)
    given: Iterator[int] = iter(range(len(answers)))

    @app.get("/{path:path}")
    async def answer(path: str) -> Response:
        return queue[next(given)]

    return app, lambda: next(given)


def _list(*, row: str = "") -> Response:
    return Response(f'{{"signals": [{row}]}}', media_type="application/json")


async def test_trouble_that_passes_is_not_noticed() -> None:
    app, asked = _answering(Response(status_code=503), Response(status_code=500), _list())

    async with serving(app) as url, SmartMoneyClient(url, patience=AT_ONCE) as client:
        assert await client.signals() == ()

    with pytest.raises(StopIteration):
        asked()


async def test_what_is_wrong_is_not_asked_twice() -> None:
    app, asked = _answering(Response(status_code=422), _list())

    async with serving(app) as url, SmartMoneyClient(url, patience=AT_ONCE) as client:
        with pytest.raises(RefusedError, match="answered 422"):
            await client.signals()

    assert asked() == 1


@pytest.mark.parametrize(
    "answer",
    [_list(row='{"coin": 3}'), Response("<html>"), Response(b"\xff"), Response("[]")],
)
async def test_an_answer_of_another_shape_is_a_broken_contract(answer: Response) -> None:
    app, _ = _answering(answer)

    async with serving(app) as url, SmartMoneyClient(url, patience=AT_ONCE) as client:
        with pytest.raises(ContractError):
            await client.signals()


async def test_a_redirect_is_not_followed_so_the_key_stays_here() -> None:
    away = Response(status_code=307, headers={"Location": "http://127.0.0.1:1/steal"})
    app, _ = _answering(away)

    async with serving(app) as url, SmartMoneyClient(url, KEY, patience=AT_ONCE) as client:
        with pytest.raises(RefusedError, match="answered 307"):
            await client.signals()


async def test_waiting_ends_as_soon_as_the_service_is_live(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    read_model.status_now = a_status(progress=a_progress(phase="warming"))
    waiting = asyncio.create_task(client.wait_until_live(timeout=10, poll=0.001))
    await asyncio.sleep(0.01)
    early = waiting.done()

    read_model.status_now = a_status()

    assert not early
    assert (await waiting).live


async def test_waiting_too_long_says_how_far_it_came(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    said = "Anchored 34 % of weight."
    read_model.status_now = a_status(progress=a_progress(phase="warming", message=said))

    with pytest.raises(NotLiveError, match="Anchored 34 % of weight"):
        await client.wait_until_live(timeout=0.05, poll=0.001)


async def test_outside_its_context_it_says_how_to_use_it() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await SmartMoneyClient().signals()


async def test_only_a_side_on_live_data_that_has_not_run_out_is_tradable(
    client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    signal = await client.signal("BTC")
    read_model.say(a_signal(status="STALE"))
    stale = await client.signal("BTC")

    assert signal.tradable(NOON)
    assert not signal.tradable(NOON + timedelta(hours=4))
    assert not stale.tradable(datetime(2026, 1, 1, tzinfo=UTC))


async def test_the_examples_of_the_readme_run(url: str, client: SmartMoneyClient) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    first, second = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, object] = {}

    exec(second, names)  # the how-to is code of ours
    side = names["side"]
    assert callable(side)
    assert await side(client, "BTC") == "BUY"
    assert await side(client, "NONE") is None

    script = first.replace("http://127.0.0.1:4341", url)
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await runner.communicate()
    assert out.decode() == "BTC BUY 53% \n"
