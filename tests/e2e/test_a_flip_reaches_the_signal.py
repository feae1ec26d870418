import pytest

from workspace.testing.stack import Stack, until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(150)]


async def test_planted_traders_flip_and_the_signal_of_that_coin_turns(stack: Stack) -> None:
    await stack.start_all()
    before = await stack.actions()
    coin = next(coin for coin, action in before.items() if action != "NEUTRAL")
    opposite = {"BUY": "SELL", "SELL": "BUY"}[before[coin]]

    await stack.admin("flip", coin=coin, side="short" if opposite == "SELL" else "long")

    async def turned() -> bool:
        return (await stack.actions())[coin] == opposite

    await until(turned, f"{coin} to turn {opposite}")
