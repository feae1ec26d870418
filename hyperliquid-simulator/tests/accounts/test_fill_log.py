"""An account remembers as many fills as the venue, whole and in order, whatever is asked for."""

from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.fill_log import KEPT, PACKED, FillLog
from hyperliquid_simulator.accounts.trades import Cause, Fill, Liquidated
from hyperliquid_simulator.wire import ZERO_HASH

CAUSES = (None, Cause(hidden=True), Cause(liquidated=Liquidated("0x" + "1" * 40, 5, "market")))
MORE = KEPT + 2 * PACKED + 50


def fill(nth: int) -> Fill:
    """Return one of a row of fills, three to a block."""
    crossed, cause, twap = nth % 2 == 0, CAUSES[nth % 3], (None, nth)[nth % 2]
    basic = (0, nth + 1, 1, "B", nth // 3, -nth, nth, ZERO_HASH, nth)
    return Fill(*basic, crossed, -1, 2**49, twap, cause)


FILLS = [fill(nth) for nth in range(MORE)]


def logged(many: int) -> FillLog:
    """Return a log of so many fills."""
    log = FillLog()
    for each in FILLS[:many]:
        log.append(each)
    return log


LONG = logged(MORE)


def test_it_forgets_what_the_venue_forgets_and_nothing_else() -> None:
    assert list(LONG) == FILLS[-KEPT:]
    assert len(LONG) == KEPT


@given(many=st.integers(0, 3 * PACKED))
def test_whatever_was_put_in_comes_out_again(many: int) -> None:
    log = logged(many)

    assert list(log) == FILLS[:many]
    assert len(log) == many


@given(start=st.integers(-1, MORE // 3 + 1), lasting=st.integers(-1, MORE // 3 + 1))
def test_a_part_is_what_the_whole_has_of_that_time(start: int, lasting: int) -> None:
    end = start + lasting
    expected = [each for each in FILLS[-KEPT:] if start <= each.time <= end]

    assert list(LONG.oldest_first(start, end)) == expected
    assert list(LONG.newest_first(start, end)) == expected[::-1]
