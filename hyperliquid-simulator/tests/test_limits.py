from hyperliquid_simulator.limits import Limits, base_weight, row_weight


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

    assert limits.report()["a"]["weight"] == 1299
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
    assert limits.report()["a"]["posts"] == 100


def test_without_enforcement_everything_is_counted_and_nothing_refused() -> None:
    limits = Limits(Hand(), enforced=False)

    assert all(limits.request("a", 600) for _ in range(10))
    assert all(limits.connect("a") for _ in range(40))
    assert limits.report()["a"]["weight"] == 6000
