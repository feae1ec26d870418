from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.budget import (
    MINUTE,
    WeightBudget,
    base_weight,
    row_weight,
)

LIMIT = 100
requests = st.lists(
    st.tuples(st.floats(0, 30), st.integers(1, LIMIT), st.integers(0, LIMIT)), max_size=60
)


@given(requests=requests)
def test_no_minute_ever_holds_more_than_the_limit(requests: list[tuple[float, int, int]]) -> None:
    budget, now = WeightBudget(LIMIT), 0.0
    spent: list[tuple[float, int]] = []

    for pause, weight, cost in requests:
        now += pause
        while (wait := budget.wait(weight, now)) > 0:
            now += wait
        lease = budget.take(weight, now)
        budget.settle(lease, min(cost, weight))
        spent.append((now, lease.weight))

    for start, _ in spent:
        within = sum(weight for at, weight in spent if start <= at < start + MINUTE)
        assert within <= LIMIT


def test_a_full_budget_says_how_long_to_wait() -> None:
    budget = WeightBudget(LIMIT)
    budget.take(60, now=0)
    budget.take(40, now=10)

    assert budget.wait(1, now=20) == 40
    assert budget.wait(61, now=20) == 50
    assert budget.wait(60, now=60) == 0


def test_what_was_not_needed_is_given_back() -> None:
    budget = WeightBudget(LIMIT)
    lease = budget.take(100, now=0)

    budget.settle(lease, 20)

    assert budget.used(0) == 20
    assert budget.wait(80, now=0) == 0


def test_giving_back_late_changes_nothing_any_more() -> None:
    budget = WeightBudget(LIMIT)
    lease = budget.take(100, now=0)
    assert budget.used(61) == 0

    budget.settle(lease, 20)

    assert budget.used(61) == 0


def test_weights_are_the_venues() -> None:
    assert base_weight({"type": "clearinghouseState"}) == 2
    assert base_weight({"type": "userRole"}) == 60
    assert base_weight({"type": "metaAndAssetCtxs"}) == 20
    assert row_weight({"type": "candleSnapshot"}, 61) == 2
    assert row_weight({"type": "userFills"}, 2000) == 100
