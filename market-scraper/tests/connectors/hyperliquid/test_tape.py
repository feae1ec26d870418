from decimal import Decimal

from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.tape import (
    KEPT_MS,
    KEPT_PER_COIN,
    LEAST_KEPT_PER_COIN,
    REPLAYED,
    Taken,
    TradeTape,
)
from market_scraper.positions.ledger import Trade
from shared_events.testing.factories import an_address


def trade(number: int) -> Trade:
    return Trade(
        "BTC",
        Decimal(1),
        Decimal(1),
        number,
        number,
        an_address(1),
        an_address(2),
        True,  # noqa: FBT003
    )


def trades(first: int, last: int) -> list[Trade]:
    return [trade(number) for number in range(first, last + 1)]


def numbers(found: tuple[Trade, ...]) -> list[int]:
    return [each.tid for each in found]


def test_the_first_replay_begins_the_coverage() -> None:
    taken = TradeTape().take("BTC", trades(100, 129), replay=True)

    assert (taken.covered_from_ms, taken.gap) == (100, False)


def test_a_coin_with_fewer_trades_than_a_replay_holds_is_covered_from_its_beginning() -> None:
    assert TradeTape().take("BTC", trades(5, 7), replay=True).covered_from_ms == 0


def test_a_replay_that_reaches_back_to_what_was_seen_bridges_the_absence() -> None:
    tape = TradeTape()
    tape.take("BTC", trades(1, 50), replay=True)

    taken = tape.take("BTC", trades(41, 70), replay=True)

    assert numbers(taken.trades) == list(range(51, 71))
    assert (taken.covered_from_ms, taken.gap) == (None, False)


def test_a_replay_that_does_not_reach_back_proves_a_gap() -> None:
    tape = TradeTape()
    tape.take("BTC", trades(1, 50), replay=True)

    taken = tape.take("BTC", trades(61, 90), replay=True)

    assert (taken.covered_from_ms, taken.gap) == (61, True)


def test_a_replay_that_comes_after_live_trades_still_tells_what_was_missed_before_them() -> None:
    tape = TradeTape()
    tape.take("BTC", trades(1, 50), replay=True)
    tape.take("BTC", trades(91, 91), replay=False)

    taken = tape.take("BTC", trades(62, 91), replay=True)

    assert numbers(taken.trades) == list(range(62, 91))
    assert (taken.covered_from_ms, taken.gap) == (62, True)


def test_trades_of_long_ago_are_forgotten_but_for_more_than_a_replay_holds() -> None:
    tape = TradeTape()
    for number in range(2 * KEPT_PER_COIN):
        tape.take("BTC", [trade(number * 1_000)], replay=False)
    burst = [trade(KEPT_MS * 100 + number) for number in range(2 * KEPT_PER_COIN)]
    assert len(tape._seen["BTC"]) == LEAST_KEPT_PER_COIN  # noqa: SLF001 -- the bound is the point

    tape.take("BTC", burst, replay=False)

    assert len(tape._seen["BTC"]) == KEPT_PER_COIN  # noqa: SLF001
    assert tape.take("BTC", burst[-REPLAYED:], replay=True) == Taken(())


@given(absences=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), min_size=1, max_size=8))
def test_every_trade_is_taken_once_or_a_gap_is_told(absences: list[tuple[int, int]]) -> None:
    """The venue goes on while nobody listens, replays its last trades, then sends live ones."""
    tape, newest, seen = TradeTape(), 100, list[int]()
    tape.take("BTC", trades(1, newest), replay=True)
    for missed, live in absences:
        last_seen, newest = newest, newest + missed
        replay = tape.take("BTC", trades(newest - REPLAYED + 1, newest), replay=True)
        assert replay.gap == (missed >= REPLAYED)
        if not replay.gap:
            assert numbers(replay.trades) == list(range(last_seen + 1, newest + 1))
        seen += numbers(replay.trades)
        later = tape.take("BTC", trades(newest, newest + live), replay=False)
        newest += live
        assert numbers(later.trades) == list(range(newest - live + 1, newest + 1))
        seen += numbers(later.trades)

    assert len(seen) == len(set(seen))
