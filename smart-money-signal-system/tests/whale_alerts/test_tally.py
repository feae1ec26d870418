from decimal import Decimal

from hypothesis import given, strategies as st

from shared_events.payloads import Outcome
from shared_events.testing.factories import NOON
from signal_system.whale_alerts.tally import Count, Tally, wilson


def outcome(claim: str, *, right: bool | None) -> Outcome:
    return Outcome(
        signal_id=claim,
        coin="BTC",
        horizon_seconds=14_400,
        action="BUY",
        resolved_at=NOON,
        resolved=right is not None,
        reference_price=Decimal(100),
        right=right,
    )


def test_only_what_was_claimed_and_is_known_counts() -> None:
    tally = Tally()
    for claim in ("a", "b", "c", None):
        tally.fire("flip", claim)

    tally.learn(outcome("a", right=True))
    tally.learn(outcome("b", right=False))
    tally.learn(outcome("c", right=None))
    tally.learn(outcome("of a signal", right=True))

    assert tally.counts == {"flip": Count(fired=4, resolved=2, right=1)}
    assert tally.waiting == {}


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_interval_holds_the_share_and_is_a_part_of_one(right: int, resolved: int) -> None:
    right = min(right, resolved)

    found = wilson(right, resolved)

    assert found is not None
    assert -1e-12 <= found.low <= right / resolved + 1e-12
    assert right / resolved - 1e-12 <= found.high <= 1 + 1e-12
