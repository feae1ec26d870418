from datetime import timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from shared_events.payloads import PositionChange
from shared_events.testing.factories import NOON, an_address
from signal_system.testing.whales import a_change
from signal_system.whale_alerts.episodes import Episode, Episodes

GAP = timedelta(seconds=120)
TRADER = an_address(1)


def grown(changes: list[tuple[float, PositionChange]]) -> tuple[list[Episode], Episodes]:
    """Return the moves that ended, and those that may go on."""
    episodes, ended = Episodes(), list[Episode]()
    for second, change in changes:
        at = NOON + timedelta(seconds=second)
        if over := episodes.interrupted(TRADER, change, at, GAP):
            ended.append(over)
        episodes.begin_or_go_on(TRADER, change, at).grow(change, Decimal(100), at, str(second))
    return ended, episodes


def test_slices_of_an_order_are_one_move() -> None:
    slices = [(30.0 * n, a_change("BTC", n, n + 1, notional=100)) for n in range(10)]

    ended, episodes = grown(slices)

    [move] = episodes.going.values()
    assert ended == []
    assert (move.kind, move.side) == ("open", "buy")
    assert [move.notional, move.price, move.before, move.after] == [1000, 100, 0, 10]
    assert move.evidence == ("0.0", *(str(30.0 * n) for n in range(3, 10)))


def test_a_pause_and_a_turn_each_end_a_move() -> None:
    ended, episodes = grown(
        [
            (0, a_change("BTC", 0, 5)),
            (121, a_change("BTC", 5, 9)),
            (122, a_change("BTC", 9, 2)),
        ]
    )

    [last] = episodes.going.values()
    assert [each.kind for each in ended] == ["open", "increase"]
    assert last.kind == "reduce"


def test_a_move_becomes_what_it_amounts_to() -> None:
    kinds = []
    for after in (5, 3, 0, -4):
        _, episodes = grown([(0, a_change("BTC", 8, 6)), (1, a_change("BTC", 6, after))])
        kinds += [each.kind for each in episodes.going.values()]

    assert kinds == ["reduce", "reduce", "close", "flip"]


def test_a_change_that_no_trade_told_of_counts_at_the_mark_price() -> None:
    _, episodes = grown([(0, a_change("BTC", 0, -3, notional=None))])

    [move] = episodes.going.values()
    assert [move.notional, move.price, move.side] == [300, 100, "sell"]


def test_what_nobody_can_value_is_worth_nothing_rather_than_guessed() -> None:
    change = a_change("BTC", 0, 3, notional=None)
    move = Episodes().begin_or_go_on(TRADER, change, NOON)

    move.grow(change, None, NOON, "an event")

    assert [move.notional, move.price] == [0, None]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 400)), max_size=40))
def test_moves_are_over_when_they_rested_and_not_before(steps: list[tuple[str, int]]) -> None:
    episodes, last = Episodes(), dict[str, int]()
    for coin, second in sorted(steps, key=lambda step: step[1]):
        now = NOON + timedelta(seconds=second)
        over = {each.coin for each in episodes.over(now, GAP)}
        assert over == {each for each, when in last.items() if second - when > GAP.seconds}
        last = {each: when for each, when in last.items() if each not in over} | {coin: second}
        episodes.begin_or_go_on(TRADER, a_change(coin, 0, 1), now).grow(
            a_change(coin, 0, 1), None, now, "e"
        )

    assert {each.coin for each in episodes.going.values()} == last.keys()
