import numpy as np
import pytest

from signal_system.ml.features.regime import regime
from signal_system.testing.regimes import bars_of
from signal_system.testing.walk import BARS, small_data
from signal_system.training.regime_data import regime_data


def test_every_row_stands_at_its_bar_with_what_came_after_it() -> None:
    bars, data = BARS, small_data()
    assert data.features.shape == (len(data), len(regime("1h").names))
    at = {int(closed): n for n, closed in enumerate(bars.closed)}
    returns = np.diff(np.log(bars.closes))
    for row in (0, 100, len(data) - 25):
        bar = at[int(data.closed[row])]
        assert data.closes[row] == bars.closes[bar]
        assert data.returns[row] == pytest.approx(returns[bar - 1])
        ahead = returns[bar : bar + 24]
        assert data.ahead[row] == pytest.approx(np.log(np.sqrt(np.sum(ahead**2))))
    assert np.isnan(data.ahead[-24:]).all()
    assert np.isfinite(data.ahead[:-24]).all()


def test_a_day_closes_with_its_last_bar() -> None:
    bars, data = BARS, small_data()
    last = {
        int(closed - 1) // 86_400_000: close
        for closed, close in zip(bars.closed, bars.closes, strict=True)
    }

    assert dict(zip(data.daily_days.tolist(), data.daily_closes.tolist(), strict=True)) == last


def test_too_few_bars_have_no_rows() -> None:
    few = bars_of([(n * 3_600_000, 100.0 + n) for n in range(100)])

    assert len(regime_data(few, "1h", 24)) == 0
