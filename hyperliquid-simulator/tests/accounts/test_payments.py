import numpy as np
from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.payments import LOOK_MS, Course, Owner, Payments, payments
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.wire import MICRO

LOOKS = 12
CAPITAL = 10_000 * MICRO
OWNER = Owner(account=0, capital=CAPITAL, began_ms=DAY_MS, ended_ms=None, patient=True)
dollars = st.integers(min_value=-60_000, max_value=60_000)


def course(profit: list[int], gross: int = 0) -> Course:
    """Return one account's course, a row per look, in dollars."""
    times = DAY_MS + np.arange(len(profit)) * LOOK_MS
    won = np.array(profit, dtype=np.int64)[:, None] * MICRO
    return Course(times, won, np.full_like(won, gross * MICRO))


def until(rows: Payments, time_ms: int) -> list[tuple[int, int]]:
    known = rows.until(time_ms)
    return list(zip(known.time.tolist(), known.usd.tolist(), strict=True))


@given(
    past=st.lists(dollars, min_size=LOOKS, max_size=LOOKS),
    futures=st.lists(st.lists(dollars, min_size=3, max_size=3), min_size=2, max_size=2),
)
def test_what_was_paid_by_a_look_does_not_depend_on_what_came_after(
    past: list[int], futures: list[list[int]]
) -> None:
    last = DAY_MS + (LOOKS - 1) * LOOK_MS

    one, other = (until(payments([OWNER], course(past + more)), last) for more in futures)

    assert one == other
    assert one[0][1] == CAPITAL


@given(profit=st.lists(dollars, min_size=LOOKS, max_size=LOOKS), gross=st.integers(0, 30_000))
def test_after_every_look_an_owner_has_neither_too_little_nor_too_much(
    profit: list[int], gross: int
) -> None:
    rows = payments([OWNER], course(profit, gross))

    for nth, won in enumerate(profit):
        at = DAY_MS + nth * LOOK_MS
        worth = int(rows.until(at + 3_600_000).total(1)[0]) + won * MICRO
        assert worth >= min(CAPITAL // 2, CAPITAL) - MICRO
        assert worth >= gross * MICRO // 4 - MICRO
        assert worth <= max(5 * CAPITAL // 2, 2 * gross * MICRO) + MICRO


def test_an_owner_without_losses_or_gains_pays_once() -> None:
    rows = payments([OWNER], course([0] * LOOKS))

    assert rows.usd.tolist() == [CAPITAL]
    assert rows.time[0] < DAY_MS


def test_a_gambler_pays_once_and_takes_what_the_liquidation_left() -> None:
    ended = DAY_MS + 5 * LOOK_MS - 1
    gambler = Owner(account=0, capital=CAPITAL, began_ms=DAY_MS, ended_ms=ended, patient=False)

    rows = payments([gambler], course([0, -5_000, 30_000, -8_000, -9_000, *[-9_500] * 7]))

    assert rows.usd.tolist() == [CAPITAL, -500 * MICRO]
    assert rows.time[1] > ended
