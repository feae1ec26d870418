from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import json

from shared_events.journal import Tick
from shared_events.payloads import Outcome, WhaleAlert
from shared_events.testing.factories import NOON, an_address
from signal_system.fold import Fold, FoldSnapshot
from signal_system.fold_config import FoldConfig
from signal_system.testing.events import Event, book, member, price, profile, status
from signal_system.testing.whales import a_change, a_move

M = 1_000_000


class Desk:
    """A fold that is told of the world and remembers its position."""

    def __init__(self, config: FoldConfig | None = None) -> None:
        self.fold, self.position = Fold(config or FoldConfig()), 0
        self.tell(status(), price("BTC", 100, open_interest=10_000_000), price("ETH", 10))
        self.tell(*(member(n) for n in range(1, 9)))

    def tell(self, *records: Event | Tick) -> list[WhaleAlert]:
        """Return the alerts that `records` lead to."""
        alerts = []
        for record in records:
            issued = self.fold.apply(self.position, record)
            alerts += [each.data for each in issued if isinstance(each.data, WhaleAlert)]
            self.position += 1
        return alerts


@pytest.fixture
def desk() -> Desk:
    return Desk()


def rules(alerts: list[WhaleAlert]) -> list[tuple[str, str]]:
    return [(alert.rule, alert.severity) for alert in alerts]


def btc(trader: int, sequence: int, before: float, after: float, usd: float, at: float) -> Event:
    return a_move(trader, sequence, [a_change("BTC", before, after, notional=usd)], at)


def test_an_order_in_slices_is_told_once_and_again_only_as_it_gets_graver(desk: Desk) -> None:
    told = [
        desk.tell(btc(1, n + 1, 2_000 * n, 2_000 * (n + 1), 0.2 * M, n * 30)) for n in range(60)
    ]

    assert [len(each) for each in told[:4]] == [0, 0, 0, 0], "below a million there is nothing"
    assert rules([alert for alerts in told for alert in alerts]) == [
        ("large_open", "LOW"),
        ("large_open", "MEDIUM"),
        ("large_open", "HIGH"),
    ]
    first, second, third = (alert for alerts in told for alert in alerts)
    assert (second.supersedes, third.supersedes) == (first.alert_id, second.alert_id)
    assert first.episode == second.episode
    assert [first.notional, first.before, first.after] == [M, 0, 10_000]


def test_what_reduced_a_position_may_go_on_to_turn_it(desk: Desk) -> None:
    desk.tell(book(1, 1, {"BTC": 50_000}))

    reduced = desk.tell(btc(1, 2, 50_000, 20_000, 3 * M, 10))
    closed = desk.tell(btc(1, 3, 20_000, 0, 2 * M, 11))
    turned = desk.tell(btc(1, 4, 0, -20_000, 2 * M, 12))

    assert rules(reduced + closed + turned) == [
        ("large_reduce", "MEDIUM"),
        ("large_close", "MEDIUM"),
        ("flip", "MEDIUM"),
    ]
    assert turned[0].supersedes == closed[0].alert_id
    assert closed[0].supersedes == reduced[0].alert_id


@pytest.mark.parametrize(
    ("usd", "equity", "interest", "fires"),
    [
        (0.6 * M, 2 * M, 1 * M, True),
        (0.6 * M, 3 * M, 1 * M, False),
        (0.6 * M, 2 * M, 2 * M, False),
        (0.6 * M, None, 1 * M, False),
        (1.0 * M, None, None, True),
    ],
    ids=["large for both", "small for it", "small for the coin", "unknown", "large anyway"],
)
def test_a_smaller_move_is_large_if_it_is_for_the_trader_and_for_the_coin(
    desk: Desk, usd: float, equity: float | None, interest: float | None, *, fires: bool
) -> None:
    desk.tell(price("BTC", 100, 1, open_interest=None if interest is None else Decimal(interest)))

    alerts = desk.tell(a_move(1, 1, [a_change("BTC", 0, 1, notional=usd)], 2, equity=equity))

    assert bool(alerts) is fires


def test_a_book_told_for_the_first_time_is_no_move(desk: Desk) -> None:
    assert desk.tell(book(1, 1, {"BTC": 900_000})) == []


def test_an_event_that_comes_again_or_late_moves_nothing(desk: Desk) -> None:
    opened = btc(1, 5, 0, 20_000, 2 * M, 10)

    assert len(desk.tell(opened)) == 1
    assert desk.tell(opened, btc(1, 4, 0, 90_000, 9 * M, 11)) == []


def test_a_rule_is_silent_on_the_same_move_made_anew_until_it_cools_down(desk: Desk) -> None:
    told = desk.tell(btc(1, 1, 0, 1, 2 * M, 0))
    again = desk.tell(btc(1, 2, 1, 0, 2 * M, 200), btc(1, 3, 0, 1, 2 * M, 400))
    later = desk.tell(btc(1, 4, 1, 0, 2 * M, 1_200), btc(1, 5, 0, 1, 2 * M, 1_400))

    assert rules(told) == [("large_open", "LOW")]
    assert rules(again) == [("large_close", "LOW")], "opening again within a quarter of an hour"
    assert ("large_open", "LOW") in rules(later)


def test_a_graver_one_does_not_wait_to_cool_down(desk: Desk) -> None:
    desk.tell(btc(1, 1, 0, 1, 2 * M, 0), btc(1, 2, 1, 0, 2 * M, 200))

    assert rules(desk.tell(btc(1, 3, 0, 9, 40 * M, 400))) == [("large_open", "CRITICAL")]


def test_whales_of_one_owner_are_one_whale(desk: Desk) -> None:
    desk.tell(profile(2, master=1), profile(3, master=1))
    family = desk.tell(*(btc(n, 1, 0, 1, 2 * M, n) for n in (1, 2, 3)))
    strangers = desk.tell(btc(4, 1, 0, 1, 2 * M, 10), btc(5, 1, 0, 1, 2 * M, 11))

    assert "agreement" not in dict(rules(family))
    [alert] = [each for each in strangers if each.rule == "agreement"]
    assert [alert.address, alert.coin, alert.side, alert.notional] == [None, "BTC", "buy", 10 * M]
    assert alert.message.startswith("3 independent whales bought")


def test_those_who_moved_long_ago_do_not_agree(desk: Desk) -> None:
    told = desk.tell(*(btc(n, 1, 0, 1, 2 * M, n * 1_000) for n in (1, 2, 3, 4)))

    assert "agreement" not in dict(rules(told))


def test_a_liquidation_is_told_as_one(desk: Desk) -> None:
    desk.tell(book(1, 1, {"BTC": 9_000}))
    gone = a_change("BTC", 9_000, 0, notional=0.9 * M, liquidation=True)

    [alert] = desk.tell(a_move(1, 2, [gone], 5))

    assert (alert.rule, alert.severity) == ("liquidated", "MEDIUM")
    assert "was liquidated in BTC long" in alert.message


def test_danger_is_told_as_the_price_comes_near_and_again_after_it_was_gone(desk: Desk) -> None:
    change = a_change("BTC", 0, 20_000, notional=0)
    desk.tell(a_move(1, 1, [change], liquidation_price=Decimal(80)))

    told = [
        rules(desk.tell(price("BTC", mark, at)))
        for at, mark in ((1, 90), (2, 84), (3, 83), (4, 81), (2_000, 95), (2_001, 84))
    ]

    near = "liquidation_near"
    assert told == [[], [(near, "LOW")], [], [(near, "MEDIUM")], [], [(near, "LOW")]]


def test_a_position_that_is_gone_is_in_no_danger(desk: Desk) -> None:
    change = a_change("BTC", 0, 20_000, notional=0)
    desk.tell(a_move(1, 1, [change], liquidation_price=Decimal(80)))
    desk.tell(book(1, 2, {}, 1))

    assert desk.tell(price("BTC", 81, 2)) == []


def known_trader(desk: Desk) -> None:
    """Let trader 1 make twelve moves of a hundred thousand dollars."""
    for n in range(12):
        side = (0, 1) if n % 2 == 0 else (1, 0)
        desk.tell(btc(1, n + 1, *side, 0.1 * M, n * 300))


def test_what_somebody_never_did_is_worth_an_alert_from_when_its_habits_are_known(
    desk: Desk,
) -> None:
    stranger = desk.tell(a_move(2, 1, [a_change("ETH", 0, 1, notional=0.5 * M)]))
    known_trader(desk)
    first = desk.tell(a_move(1, 20, [a_change("ETH", 0, 1, notional=0.5 * M)], 9_000))
    again = desk.tell(
        a_move(1, 21, [a_change("ETH", 1, 0, notional=1)], 9_300),
        a_move(1, 22, [a_change("ETH", 0, 1, notional=0.5 * M)], 12_000),
    )

    assert stranger == []
    assert rules(first) == [("first_position", "LOW"), ("unusual", "LOW")]
    assert "first_position" not in dict(rules(again))


def test_blindness_is_told_once_and_graver_the_longer_it_lasts(desk: Desk) -> None:
    desk.tell(book(1, 1, {"BTC": 1}), status(1), Tick(NOON + timedelta(seconds=2)))
    minutes = (1, 2, 4, 9, 30, 70)

    told = [rules(desk.tell(Tick(NOON + timedelta(minutes=each)))) for each in minutes]

    assert [each for alerts in told for each in alerts] == [
        ("data_stale", "LOW"),
        ("data_stale", "MEDIUM"),
        ("data_stale", "HIGH"),
        ("data_stale", "CRITICAL"),
    ]


def test_a_start_before_anything_was_seen_is_no_alert() -> None:
    fold = Fold(Desk().fold.config)

    issued = [
        each for n in range(100) for each in fold.apply(n, Tick(NOON + timedelta(seconds=60 * n)))
    ]

    assert issued == []


def test_an_alert_is_held_against_the_price_four_hours_later(desk: Desk) -> None:
    [opened] = desk.fold.apply(desk.position, btc(1, 1, 0, 20_000, 2 * M, 0))[:1]

    issued = desk.fold.apply(desk.position + 1, price("BTC", 103, 14_400))

    outcomes = [each.data for each in issued if isinstance(each.data, Outcome)]
    [outcome] = [each for each in outcomes if each.signal_id == opened.id]
    assert (outcome.action, outcome.right, outcome.horizon_seconds) == ("BUY", True, 14_400)


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_restart_anywhere_changes_no_alert(cut: int) -> None:
    story: list[Event | Tick] = [
        *(btc(n, 1, 0, 20_000, 2 * M, n) for n in (1, 2)),
        a_move(3, 1, [a_change("BTC", 0, 15_000)], 3, liquidation_price=Decimal(90)),
        price("BTC", 91, 4),
        btc(3, 2, 15_000, 40_000, 3 * M, 5),
        btc(3, 3, 40_000, 50_000, 9 * M, 60),
        Tick(NOON + timedelta(seconds=600)),
        btc(3, 4, 50_000, 0, 50 * M, 601),
    ]
    whole = Desk().tell(*story)
    desk = Desk()

    told = desk.tell(*story[:cut])
    saved = json.decode(desk.fold.snapshot(), type=FoldSnapshot)
    desk.fold = Fold(desk.fold.config)
    desk.fold.restore(saved)
    told += desk.tell(*story[cut:])

    assert told == whole
    assert {"agreement", "liquidation_near", "large_close"} <= {alert.rule for alert in whole}
    assert len({alert.alert_id for alert in whole}) == len(whole)


def test_everything_that_can_be_said_of_a_move_is_said(desk: Desk) -> None:
    move = a_move(1, 1, [a_change("BTC", 0, 20_000, notional=2 * M)], 3, equity=4 * M)

    [alert] = desk.tell(move)

    assert alert == WhaleAlert(
        alert_id=alert.alert_id,
        rule="large_open",
        rule_version="1",
        severity="LOW",
        episode=f"move:{an_address(1)}:BTC:buy:{round((NOON.timestamp() + 3) * 1000)}",
        address=an_address(1),
        coin="BTC",
        at=NOON + timedelta(seconds=3),
        message=f"0x0000..{an_address(1)[-4:]} opened BTC long: 2.00 M USD traded",
        side="buy",
        magnitude=2.0,
        notional=Decimal(2 * M),
        share_of_equity=Decimal("0.5"),
        share_of_open_interest=Decimal("0.002"),
        price=Decimal(100),
        before=Decimal(0),
        after=Decimal(20_000),
        tier="tidal whale",
        evidence=(move.id,),
    )
