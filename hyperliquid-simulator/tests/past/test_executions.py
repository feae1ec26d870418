"""What an account filled: past and present as one, of which only what is asked for is made."""

from itertools import chain, islice
from operator import attrgetter

import pytest
from hypothesis import given, settings, strategies as st

from hyperliquid_simulator.accounts.fill_log import KEPT
from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.config import Config, parse_start
from hyperliquid_simulator.past import executions
from hyperliquid_simulator.past.executions import Executions
from hyperliquid_simulator.wire import transaction_hash
from hyperliquid_simulator.world.world import World

START = parse_start("2026-09-24T12:00:00Z")
BUSY = Config(traders=40, coins=6, history_days=60, tempo=4.0, orders_per_second=200, start=START)


@pytest.fixture(scope="module")
def found() -> Executions:
    """The fills of a maker with a past, after some blocks."""
    world = World(BUSY, BUSY.start_ms)
    for _ in range(200):
        world.step()
    makers = (world.executions(maker.address) for maker in world.population.makers)
    return max((each for each in makers if each), key=lambda each: each.count)


@pytest.fixture(scope="module")
def everything(found: Executions) -> list[Fill]:
    """All of them in execution order."""
    return list(found.oldest_first())


def test_both_past_and_present_are_among_them_and_they_are_in_order_of_time(
    found: Executions, everything: list[Fill]
) -> None:
    live = len(found.account.fills)

    assert 0 < live < len(everything) == min(found.count, KEPT)
    assert sorted(everything, key=attrgetter("time")) == everything
    assert len({(fill.time, fill.coin, fill.tid, fill.side) for fill in everything}) == len(
        everything
    )


@settings(deadline=None)
@given(parts=st.tuples(st.floats(0, 0.9999), st.floats(0, 0.9999)))
def test_a_time_holds_what_the_whole_has_of_it(
    found: Executions, everything: list[Fill], parts: tuple[float, float]
) -> None:
    start, end = (everything[int(part * len(everything))].time for part in parts)
    expected = [fill for fill in everything if start <= fill.time <= end]

    blocks = list(found.newest_blocks(start, end))

    assert list(found.oldest_first(start, end)) == expected
    assert list(chain.from_iterable(reversed(blocks))) == expected
    assert all(len({fill.time for fill in block}) == 1 for block in blocks)


def test_only_the_asked_for_part_of_the_past_is_made(
    found: Executions, everything: list[Fill], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(seed: int, height: int, index: int) -> str:
        made.append(height)
        return transaction_hash(seed, height, index)

    monkeypatch.setattr(executions, "transaction_hash", counted)
    middle = everything[len(everything) // 2].time

    assert len(list(islice(found.oldest_first(middle), 10))) == 10
    assert len(made) <= executions.MADE_AT_ONCE
