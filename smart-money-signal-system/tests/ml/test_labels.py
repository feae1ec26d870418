from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from signal_system.ml.arrays import Ints
from signal_system.ml.bars import Bars
from signal_system.ml.labels import Labels, fixed_horizon, triple_barrier, uniqueness, volatility

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000

steps = st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=120)
gaps = st.sets(st.integers(1, 119), max_size=10)


def bars(returns: list[float], missing: set[int] = frozenset()) -> Bars:  # type: ignore[assignment]
    """Return hourly bars that end `returns` apart, each a little wider than its body."""
    closes = 100 * np.exp(np.cumsum(returns))
    opens = np.concatenate([[100.0], closes[:-1]])
    kept = np.array([n for n in range(len(closes)) if n not in missing])
    return Bars(
        length=HOUR,
        opened=kept * HOUR_MS,
        opens=opens[kept],
        highs=np.maximum(opens, closes)[kept] * 1.001,
        lows=np.minimum(opens, closes)[kept] * 0.999,
        closes=closes[kept],
        volumes=np.ones(len(kept)),
    )


def barrier(of: Bars) -> Labels:
    return triple_barrier(of, 5 * HOUR, width=0.5, half_life=4)


def horizon(of: Bars) -> Labels:
    return fixed_horizon(of, 5 * HOUR, cost=0.01)


def by_hand(of: Bars, start: int) -> tuple[int, int] | None:
    """Return the outcome of the bar `start` and the bar that settled it, one bar at a time."""
    reach = 0.5 * volatility(of.closes, 4)[start] * 5**0.5
    above, below = of.closes[start] * (1 + reach), of.closes[start] * (1 - reach)
    for bar in range(start + 1, len(of)):
        up, down = of.highs[bar] >= above, of.lows[bar] <= below
        if up != down:
            return (1 if up else -1), bar
        if up or of.closed[bar] >= of.closed[start] + 5 * HOUR_MS:
            return 0, bar
    return None


@given(steps, gaps)
def test_the_barrier_that_is_touched_first_settles_a_label(
    returns: list[float], missing: set[int]
) -> None:
    of = bars(returns, missing)

    labels = barrier(of)

    found = dict(zip(labels.first, zip(labels.outcomes, labels.last, strict=True), strict=True))
    scale = volatility(of.closes, 4)
    expected = {n: by_hand(of, n) for n in range(12, len(of)) if scale[n] > 0}
    assert found == {n: label for n, label in expected.items() if label is not None}


@given(steps, gaps, st.integers(1, 119), st.sampled_from([barrier, horizon]))
def test_a_label_never_changes_as_later_bars_come(
    returns: list[float], missing: set[int], cut: int, label: object
) -> None:
    assert callable(label)
    whole, past = bars(returns, missing), bars(returns[: max(cut, 2)], missing)

    known, early = label(whole), label(past)

    seen = known.ended <= (past.closed[-1] if len(past) else -1)
    for name in ("first", "last", "began", "ended", "outcomes", "returns"):
        assert np.array_equal(getattr(early, name), getattr(known, name)[seen])


@given(steps, gaps)
def test_after_a_horizon_the_side_that_paid_its_costs_is_right(
    returns: list[float], missing: set[int]
) -> None:
    labels = horizon(bars(returns, missing))

    for side in (1, -1):
        taken = labels.outcomes == side
        paid = labels.after_costs(np.full(len(labels), side), cost=0.01)
        assert np.array_equal(paid > 0, taken)
    assert np.all(labels.ended - labels.began >= 5 * HOUR_MS)


def test_a_bar_that_touches_both_barriers_tells_nothing() -> None:
    calm, wild = bars([0.01, -0.01] * 10), bars([0.01, -0.01] * 10)
    wild.highs[15], wild.lows[15] = 200, 50

    assert barrier(wild).outcomes[14 - 12] == 0
    assert barrier(wild).last[14 - 12] == 15
    assert barrier(calm).last[14 - 12] > 15


def test_no_bars_have_no_labels() -> None:
    none = bars([0.01, 0.01]).rows(slice(0))

    assert len(horizon(none)) == 0
    assert len(barrier(none)) == 0
    assert len(uniqueness(np.array([], dtype=int), np.array([], dtype=int))) == 0


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    one = st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda s: (s[0], s[0] + s[1]))
    return st.lists(one, min_size=1, max_size=30)


@given(spans())
def test_uniqueness_is_the_mean_share_of_the_bars_a_label_saw(spans: list[tuple[int, int]]) -> None:
    first, last = (np.array(column) for column in zip(*sorted(spans), strict=True))

    found = uniqueness(first, last)

    for start, end, share in zip(first, last, found, strict=True):
        counts = [int(np.sum((first < bar) & (bar <= last))) for bar in range(start + 1, end + 1)]
        assert share == pytest.approx(np.mean([1 / count for count in counts]))
    assert _seen(first, last) == pytest.approx(np.sum(found * (last - first)))


def _seen(first: Ints, last: Ints) -> int:
    """Return how many bars at least one label saw: no bar counts twice."""
    return len({bar for start, end in zip(first, last, strict=True) for bar in range(start, end)})
