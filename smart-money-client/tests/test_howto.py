import re
from pathlib import Path
from typing import Any

import pytest

from shared_events.testing.factories import NOON
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from smart_money_client import SmartMoneyClient

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "use-signals-in-a-bot.md"


@pytest.fixture(scope="module")
def bot() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "bot"}
    for snippet in re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL):
        exec(snippet, names)
    return names


async def test_the_bot_hears_of_a_turn_that_is_worth_acting_on(
    bot: dict[str, Any], client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    far = NOON.replace(year=9999)
    read_model.say(a_signal(calibrated=True, valid_until=far))
    turns = bot["turns"](client, "BTC", every=0.001)

    first = await anext(turns)
    read_model.say(a_signal(calibrated=True, valid_until=far, action="SELL"))
    second = await anext(turns)

    assert (first.action, second.action) == ("BUY", "SELL")


async def test_the_bot_does_nothing_on_a_base_rate(
    bot: dict[str, Any], client: SmartMoneyClient
) -> None:
    assert not bot["worth_acting_on"](await client.signal("BTC"))


async def test_turns_in_the_past_are_counted(
    bot: dict[str, Any], client: SmartMoneyClient, read_model: MemoryReadModel
) -> None:
    read_model.say(a_signal(action="SELL", journal_position=8), a_signal(journal_position=9))

    assert await bot["flips"](client, "BTC") == 2
