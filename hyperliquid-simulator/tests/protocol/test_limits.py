"""The venue's limits refuse exactly what is published, never less and never more."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.protocol.limits import (
    ROWS_PER_WEIGHT,
    WEIGHTS,
    Limits,
    base_weight,
    row_weight,
)

WAITS = st.sampled_from([0.0, 0.0, 0.1, 1.0, 7.5, 30.0, 59.0, 60.0, 61.0])
"""Seconds between two things a client does; often none."""

NUMBERS = count()


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_1200_weight_fit_into_a_minute_and_not_one_more() -> None:
    clock = Hand()
    limits = Limits(clock)

    assert all(limits.request("a", 20) for _ in range(60))
    assert not limits.request("a", 2)
    assert limits.request("b", 20)
    clock.time += 60.0
    assert limits.request("a", 20)


def test_rows_are_charged_after_the_answer_even_beyond_the_limit() -> None:
    limits = Limits(Hand())
    assert limits.request("a", 1199)

    limits.rows("a", row_weight("userFills", 2000))

    assert limits.report()["a"]["weight"]["now"] == 1299
    assert not limits.request("a", 1)


def test_weights_are_those_of_the_published_page() -> None:
    assert base_weight("clearinghouseState") == base_weight("l2Book") == base_weight("allMids") == 2
    assert base_weight("userRole") == 60
    assert base_weight("metaAndAssetCtxs") == base_weight("portfolio") == 20
    assert base_weight("userFills") + row_weight("userFills", 2000) == 120
    assert base_weight("candleSnapshot") + row_weight("candleSnapshot", 5000) == 104


def test_the_eleventh_connection_and_the_thirty_first_in_a_minute_are_refused() -> None:
    clock = Hand()
    limits = Limits(clock)
    assert all(limits.connect("a") for _ in range(10))
    assert not limits.connect("a")

    for _ in range(20):
        limits.disconnect("a")
        assert limits.connect("a")
    limits.disconnect("a")
    assert not limits.connect("a")
    clock.time += 60.0
    assert limits.connect("a")


def test_ten_users_are_tracked_however_many_subscriptions_they_have() -> None:
    limits = Limits(Hand())
    assert all(limits.subscribe("a", f"0x{n}") is None for n in range(10))

    assert limits.subscribe("a", "0x3") is None
    assert limits.subscribe("a", "0x10") == "Cannot track more than 10 total users."
    limits.unsubscribe("a", "0x3")
    assert limits.subscribe("a", "0x10") == "Cannot track more than 10 total users."
    limits.unsubscribe("a", "0x3")
    assert limits.subscribe("a", "0x10") is None


def test_a_thousand_subscriptions_fit() -> None:
    limits = Limits(Hand())

    assert all(limits.subscribe("a", None) is None for _ in range(1000))
    assert limits.subscribe("a", None) == "Cannot subscribe to more than 1000 channels"


def test_two_thousand_messages_fit_into_a_minute() -> None:
    limits = Limits(Hand())

    assert all(limits.message("a") for _ in range(2000))
    assert not limits.message("a")


def test_a_hundred_posts_fly_at_once() -> None:
    limits = Limits(Hand())
    assert all(limits.post("a") for _ in range(100))
    assert not limits.post("a")
    assert limits.post("b")

    limits.posted("a")

    assert limits.post("a")
    assert limits.report()["a"]["posts"]["now"] == 100


def test_without_enforcement_everything_is_counted_and_nothing_refused() -> None:
    limits = Limits(Hand(), enforced=False)

    assert all(limits.request("a", 600) for _ in range(10))
    assert all(limits.connect("a") for _ in range(40))
    assert limits.report()["a"]["weight"]["now"] == 6000


# ── For every sequence of what a client does ─────────────────────────────────────────────────


@given(st.lists(st.tuples(WAITS, st.sampled_from([2, 20, 60]), st.integers(0, 120)), max_size=150))
def test_a_request_is_refused_if_and_only_if_its_weight_no_longer_fits_the_minute(
    requests: list[tuple[float, int, int]],
) -> None:
    clock, charged = Hand(), list[tuple[float, int]]()
    limits = Limits(clock)

    for wait, weight, rows in requests:
        clock.time += wait
        spent = sum(amount for when, amount in charged if when > clock.time - 60)
        fits = spent + weight <= 1200
        assert limits.request("a", weight) is fits
        if fits:
            limits.rows("a", rows)
            charged += [(clock.time, weight), (clock.time, rows)]

    report = limits.report()["a"] if requests else {"weight": {"now": 0}}
    assert report["weight"]["now"] == sum(n for when, n in charged if when > clock.time - 60)


@pytest.mark.parametrize("kind", [*WEIGHTS, *ROWS_PER_WEIGHT, "meta"])
@given(rows=st.integers(0, 10_000))
def test_rows_cost_one_for_every_started_group_and_nothing_elsewhere(kind: str, rows: int) -> None:
    per = ROWS_PER_WEIGHT.get(kind)
    cost = row_weight(kind, rows)

    assert cost == 0 if per is None or not rows else (cost - 1) * per < rows <= cost * per


@given(st.lists(st.tuples(WAITS, st.booleans()), max_size=150))
def test_a_socket_opens_if_and_only_if_fewer_than_ten_are_open_and_thirty_were_opened(
    attempts: list[tuple[float, bool]],
) -> None:
    clock, opened, now_open = Hand(), list[float](), 0
    limits = Limits(clock)

    for wait, closing in attempts:
        clock.time += wait
        if closing and now_open:
            limits.disconnect("a")
            now_open -= 1
            continue
        recent = sum(when > clock.time - 60 for when in opened)
        fits = now_open < 10 and recent < 30
        assert limits.connect("a") is fits
        now_open += fits
        opened += [clock.time] * fits


@pytest.mark.parametrize(("users", "named"), [(10, 10), (14, 15)])
@given(data=st.lists(st.tuples(st.booleans(), st.integers(0, 19)), max_size=120))
def test_a_user_is_refused_if_and_only_if_as_many_others_have_subscriptions(
    users: int, named: int, data: list[tuple[bool, int]]
) -> None:
    limits, held = Limits(Hand(), users=users), list[int]()

    for leaving, user in data:
        if leaving and user in held:
            limits.unsubscribe("a", str(user))
            held.remove(user)
            continue
        fits = user in held or len(set(held)) < users
        complaint = None if fits else f"Cannot track more than {named} total users."
        assert limits.subscribe("a", str(user)) == complaint
        held += [user] * fits

    if data:
        assert limits.report()["a"]["users"]["now"] == len(set(held))
        assert limits.report()["a"]["subscriptions"]["now"] == len(held)


@given(st.lists(st.tuples(WAITS, st.integers(1, 900)), max_size=30))
def test_a_message_is_refused_if_and_only_if_two_thousand_were_taken_within_the_minute(
    bursts: list[tuple[float, int]],
) -> None:
    clock, taken = Hand(), list[float]()
    limits = Limits(clock)

    for wait, sent in bursts:
        clock.time += wait
        room = 2000 - sum(when > clock.time - 60 for when in taken)
        allowed = sum(limits.message("a") for _ in range(sent))
        assert allowed == min(sent, room)
        taken += [clock.time] * allowed


@given(st.lists(st.booleans(), max_size=400))
def test_a_post_is_refused_if_and_only_if_a_hundred_are_in_flight(answers: list[bool]) -> None:
    limits, flying = Limits(Hand()), 0

    for answered in answers:
        if answered and flying:
            limits.posted("a")
            flying -= 1
            continue
        assert limits.post("a") is (flying < 100)
        flying = min(flying + 1, 100)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("weight", lambda limits: limits.request("a", 20)),
        ("newConnections", lambda limits: limits.connect("a") and limits.disconnect("a")),
        ("connections", lambda limits: limits.connect("a")),
        ("subscriptions", lambda limits: limits.subscribe("a", None)),
        ("users", lambda limits: limits.subscribe("a", f"0x{next(NUMBERS)}")),
        ("messages", lambda limits: limits.message("a")),
        ("posts", lambda limits: limits.post("a")),
    ],
)
def test_the_report_tells_what_was_used_at_most_and_how_often_it_was_too_much(
    name: str, use: Callable[[Limits], object]
) -> None:
    clock = Hand()
    limits = Limits(clock)
    use(limits)
    limit = limits.report()["a"][name]["limit"]
    for _ in range(2 * limit):
        use(limits)
    full = limits.report()["a"][name]
    clock.time += 60.0

    assert full["peak"] == limit
    assert full["refused"] > 0
    assert limits.report()["a"][name]["peak"] == limit
    assert limits.report()["a"][name]["now"] in {0, full["now"]}
