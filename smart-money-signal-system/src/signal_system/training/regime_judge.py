"""What a way of telling regimes was worth out of sample, with how well that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from signal_system.evaluation.deflated_sharpe import Track
from signal_system.evaluation.metrics import compounded, deepest_fall
from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.standing import STATES
from signal_system.training.regime_data import RegimeData
from signal_system.training.regime_plan import Window
from signal_system.training.resampling import Estimate, by_day, estimate
from signal_system.training.turns import BULL, TABLES, Noticed, noticed
from signal_system.training.ways import Said

DELAYS = (1, 5)
SHORT_RUN_BARS = 6


@dataclass(frozen=True, slots=True)
class Held:
    """What holding the coin in bull markets alone paid, costs taken off, acted on so late."""

    delay_bars: int
    sharpe: Estimate
    fall: float
    paid: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything about one way, on the rows of all tests together.

    Attributes
    ----------
    short_runs
        Share of the runs that ended within `SHORT_RUN_BARS`.
    agreement_mean, agreement_least
        Share of the bars that two refits, one after the other, both call the same.
    volatility_r2
        Of the log volatility ahead, each state standing for its mean while training.
    shares
        Of the bars, by name.
    transitions
        Probability of each name a bar after each.
    """

    switches_per_year: float
    median_dwell_bars: float
    short_runs: float
    dwells: tuple[int, ...]
    agreement_mean: float | None
    agreement_least: float | None
    volatility_r2: Estimate
    shares: dict[str, float]
    transitions: dict[str, dict[str, float]]
    noticed: dict[str, Noticed]
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Judges every way on the tests of the same `windows`.

    Parameters
    ----------
    cost
        Of a round trip, as a fraction.
    """

    data: RegimeData
    windows: Sequence[Window]
    cost: float

    @property
    def rows(self) -> slice:
        """The rows of all tests."""
        return slice(self.windows[0].split, self.windows[-1].end)

    def codes(self, said: Sequence[Said]) -> Ints:
        """Return what was said on the rows of all tests, as places in `STATES`."""
        parts = zip(self.windows, said, strict=True)
        return np.concatenate([each.codes[w.split - w.start :] for w, each in parts])

    def runs(self, said: Sequence[Said]) -> Ints:
        """Return for how many bars each state lasted, whatever it was called."""
        parts = zip(self.windows, said, strict=True)
        states = np.concatenate([each.states[w.split - w.start :] for w, each in parts])
        return np.diff(np.flatnonzero(np.diff(states, prepend=-1, append=-1)))

    def verdict(self, said: Sequence[Said]) -> Verdict:
        """Return what `said`, one for each window, was worth."""
        codes, agreements, runs = self.codes(said), self.agreements(said), self.runs(said)
        return Verdict(
            switches_per_year=(len(runs) - 1) / len(codes) * self.data.per_year,
            median_dwell_bars=float(np.median(runs)),
            short_runs=float(np.mean(runs < SHORT_RUN_BARS)),
            dwells=tuple(runs.tolist()),
            agreement_mean=float(np.mean(agreements)) if agreements else None,
            agreement_least=min(agreements, default=None),
            volatility_r2=self.volatility_r2(said),
            shares={STATES[code]: float(np.mean(codes == code)) for code in np.unique(codes)},
            transitions=_transitions(codes),
            noticed={name: noticed(self.data, self.rows, codes, name) for name in TABLES},
            held=tuple(self._held(codes, delay) for delay in DELAYS),
        )

    def agreements(self, said: Sequence[Said]) -> list[float]:
        """Compare each refit with the one before, on the bars whose past both have seen."""
        found = []
        for (before, early), (window, late) in pairwise(zip(self.windows, said, strict=True)):
            shared, first = before.end - window.start, window.start - before.start
            same = early.states[first:] == late.states[:shared]
            found.append(float(np.mean(same & (early.codes[first:] == late.codes[:shared]))))
        return found

    def volatility_r2(self, said: Sequence[Said]) -> Estimate:
        """Return how much of the volatility ahead the states explain."""
        guesses = []
        for window, each in zip(self.windows, said, strict=True):
            taught, ahead = self._taught(window)
            means = [
                ahead[each.states[taught] == state].mean()
                if np.any(each.states[taught] == state)
                else ahead.mean()
                for state in range(len(each.names))
            ]
            guesses.append(np.array(means)[each.states[window.split - window.start :]])
        return self._r2(np.concatenate(guesses))

    def volatility_r2_without_states(self) -> Estimate:
        """Return how much of it a line through the present log volatility explains."""
        guesses, present = [], self.data.features[:, 0]
        for window in self.windows:
            taught, ahead = self._taught(window)
            slope, level = np.polyfit(present[window.start + taught], ahead, 1)
            guesses.append(level + slope * present[window.split : window.end])
        return self._r2(np.concatenate(guesses))

    def track(self, said: Sequence[Said]) -> Track | None:
        """Return the shape of what holding in bull markets alone paid, acted on a bar late."""
        return Track.of(self._paid(self.codes(said), 1).tolist())

    def _taught(self, window: Window) -> tuple[Ints, Floats]:
        """Return the training rows whose volatility ahead ended before the test, and that."""
        ahead = self.data.ahead[window.start : window.split - self.data.horizon]
        known = np.flatnonzero(np.isfinite(ahead))
        return known, ahead[known]

    def _r2(self, guesses: Floats) -> Estimate:
        sizes = [window.end - window.split for window in self.windows]
        usual = np.repeat([self._taught(window)[1].mean() for window in self.windows], sizes)
        truth = self.data.ahead[self.rows]
        known = np.isfinite(truth)
        missed, spread = (truth - guesses)[known] ** 2, (truth - usual)[known] ** 2
        table = by_day(self.data.days[self.rows][known], missed, spread)
        return estimate(table, lambda sums: 1 - sums[0] / sums[1])

    def _held(self, codes: Ints, delay: int) -> Held:
        paid = self._paid(codes, delay)
        table = by_day(self.data.days[self.rows], paid, paid**2, np.ones(len(paid)))
        root = self.data.per_year**0.5
        return Held(
            delay_bars=delay,
            sharpe=estimate(table, lambda sums: _sharpe(sums) * root),
            fall=deepest_fall(paid.tolist()),
            paid=compounded(paid.tolist()),
        )

    def _paid(self, codes: Ints, delay: int) -> Floats:
        """Return what each bar paid who held during it if it was bull `delay` bars before it began."""
        bull = np.concatenate([np.zeros(delay + 1), (codes == BULL)])[: len(codes)]
        turnover = np.abs(np.diff(bull, prepend=0.0))
        moves = np.expm1(self.data.returns[self.rows])
        return np.asarray(moves * bull - turnover * self.cost / 2)


def _transitions(codes: Ints) -> dict[str, dict[str, float]]:
    counts = np.zeros((len(STATES), len(STATES)))
    np.add.at(counts, (codes[:-1], codes[1:]), 1)
    present = np.unique(codes)
    return {
        STATES[now]: {
            STATES[then]: float(counts[now, then] / max(1.0, counts[now].sum())) for then in present
        }
        for now in present
    }


def _sharpe(sums: Floats) -> Floats:
    total, squares, count = sums
    mean = total / count
    return np.asarray(mean / np.sqrt(squares / count - mean**2))
