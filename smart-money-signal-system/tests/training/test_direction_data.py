import numpy as np
import pytest

from shared_events.errors import DataError
from signal_system.ml.bars import MILLISECOND
from signal_system.ml.direction import CLASSES
from signal_system.ml.features.registry import classifier
from signal_system.ml.features.series import Row
from signal_system.testing.direction_walk import PLAN, first_rows, hours, planted, rows_of
from signal_system.training.direction_data import direction_data
from signal_system.training.direction_plan import walk


def test_a_row_joins_what_was_known_at_a_close_with_what_came_of_it() -> None:
    bars, data = hours(0.5), planted()
    spec, place = classifier("1h"), 700

    bar = int(data.labels.first[place])

    assert data.labels.began[place] == bars.closed[bar]
    told = data.features[place][spec.names.index("return_1")]
    assert told == pytest.approx(bars.closes[bar] / bars.closes[bar - 1] - 1, rel=1e-4)
    assert np.exp(data.last_returns[place]) - 1 == pytest.approx(float(told), rel=1e-4)


def test_outcomes_are_named_by_the_side_that_paid() -> None:
    data = planted()

    named = np.array(CLASSES)[data.classes]

    assert set(named[data.labels.outcomes > 0]) == {"buy"}
    assert set(named[data.labels.outcomes < 0]) == {"sell"}
    assert set(named[data.labels.outcomes == 0]) == {"hold"}


def test_later_bars_change_no_settled_row() -> None:
    whole, cut = planted(), rows_of(hours(0.5).rows(slice(3_000)))

    np.testing.assert_array_equal(cut.features, whole.features[: len(cut)])
    np.testing.assert_array_equal(cut.classes, whole.classes[: len(cut)])
    np.testing.assert_array_equal(cut.markets, whole.markets[: len(cut)])


def test_of_a_corrected_bar_the_row_as_it_was_first_known_counts() -> None:
    bars, spec = hours(0.5), classifier("1h")
    at = int(bars.closed[2_000])
    first, later = (np.full(len(spec.names), value, np.float32) for value in (1.0, 2.0))
    told = [Row(at, at, first), Row(at, at + 9, later)]

    data = direction_data(bars, told, spec, PLAN.horizon, PLAN.barriers)

    np.testing.assert_array_equal(data.features, [first])


def test_nothing_teaches_that_was_not_known_a_horizon_before_its_test() -> None:
    data = planted()

    for fold in walk(data, PLAN):
        known = data.labels.ended[fold.train]
        first = data.labels.began[fold.test[0]]
        assert known.max() <= first - PLAN.horizon // MILLISECOND
        assert data.labels.began[fold.train].min() >= first - PLAN.window // MILLISECOND


def test_the_tests_follow_each_other_and_leave_nothing_out() -> None:
    data = planted()

    tested = np.concatenate([fold.test for fold in walk(data, PLAN)])

    np.testing.assert_array_equal(tested, np.arange(tested[0], len(data)))


def test_too_short_a_history_is_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="--window-days"):
        walk(first_rows(planted(), 1_500), PLAN)
    with pytest.raises(DataError, match="longer history"):
        walk(first_rows(planted(), 0), PLAN)
