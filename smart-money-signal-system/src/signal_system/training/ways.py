"""Ways to tell regimes, each on equal terms: refitted on the same windows, causal after them.

Adding a challenger: one function, one line in `CHALLENGERS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from hmmlearn.hmm import GaussianHMM  # type: ignore[import-untyped]
from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.band import Band
from signal_system.ml.features.regime import regime
from signal_system.ml.regime_detection import MarketRegimeDetector
from signal_system.ml.standing import STATES, RegimeState
from signal_system.training.jump_fit import DIRECTION, Fit, named, online
from signal_system.training.regime_data import DAY_MS, RegimeData
from signal_system.training.regime_plan import Plan, Window

_SEED = 0
_SMOOTHING_BARS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """State numbers of all rows of a window, and what each number is called."""

    states: Ints
    names: tuple[RegimeState, ...]

    @property
    def codes(self) -> Ints:
        """The places of the names in `STATES`."""
        return np.array([STATES.index(name) for name in self.names])[self.states]


Way = Callable[[RegimeData, Sequence[Window], Plan], list[Said]]


def jump(
    data: RegimeData, windows: Sequence[Window], fits: Sequence[Fit], plan: Plan
) -> list[Said]:
    """Return what the jump model says, as the service would say it."""
    return [
        Said(settled(numbers, plan.dwell_bars, len(fit.names)), (*fit.names, "unknown"))
        for numbers, fit in zip(online(data, windows, fits), fits, strict=True)
    ]


def band(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return what the service says without a model: 100 daily bars, 2 %."""
    del plan
    detector, states = MarketRegimeDetector(Band()), []
    for day, close in zip(data.daily_days.tolist(), data.daily_closes.tolist(), strict=True):
        detector.close(day * DAY_MS, close)
        states.append(STATES.index(detector.standing.state))
    over = np.searchsorted((data.daily_days + 1) * DAY_MS, data.closed, side="right") - 1
    known = np.array([*states, STATES.index("unknown")])[over]
    return [Said(known[w.start : w.end], STATES) for w in windows]


def always_bull(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return that it is a bull market, whatever happens."""
    del data, plan
    return [Said(np.zeros(w.end - w.start, dtype=np.int64), ("bull",)) for w in windows]


def volatility_and_trend(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return terciles of volatility, parted by which way the slow trend points."""
    del plan
    names: tuple[RegimeState, ...] = ("bear", "bear", "bear", "bull", "bull", "bull")
    rising = (_direction(data) > 0).astype(np.int64)
    said = []
    for window in windows:
        edges = np.quantile(data.features[window.start : window.split, 0], (1 / 3, 2 / 3))
        level = np.searchsorted(edges, data.features[window.start : window.end, 0])
        said.append(Said(level + 3 * rising[window.start : window.end], names))
    return said


def mixture(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return the likeliest component of a Gaussian mixture, bar by bar."""
    chances = [_mixture_chances(data, window, plan) for window in windows]
    return [_named(data, w, p.argmax(axis=1)) for w, p in zip(windows, chances, strict=True)]


def smoothed_mixture(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return the same, of averaged probabilities and held to the same dwell as the jump model."""
    said = []
    for window in windows:
        chances, decay = _mixture_chances(data, window, plan), 0.5 ** (1 / _SMOOTHING_BARS)
        smooth = np.empty_like(chances)
        now = chances[0]
        for row, chance in enumerate(chances):
            smooth[row] = now = decay * now + (1 - decay) * chance
        shown = settled(smooth.argmax(axis=1), plan.dwell_bars, 0)
        said.append(_named(data, window, shown))
    return said


def markov(data: RegimeData, windows: Sequence[Window], plan: Plan) -> list[Said]:
    """Return the likeliest state of a hidden Markov model of raw returns, filtered, not smoothed."""
    models, returns = [], []
    for window in windows:
        scale = data.returns[window.start : window.split].std()
        returns.append(data.returns[window.start : window.end] / scale)
        taught = returns[-1][: window.split - window.start, None]
        model = GaussianHMM(plan.states, n_iter=15, tol=1.0, init_params="stc", random_state=_SEED)
        model.means_ = np.quantile(taught, np.linspace(0.1, 0.9, plan.states))[:, None]
        models.append(model.fit(taught))
    states = _filtered(models, np.stack(returns, axis=1)).argmax(axis=2).T
    return [_named(data, window, each) for window, each in zip(windows, states, strict=True)]


CHALLENGERS: dict[str, Way] = {
    "moving-average band (100 d, 2 %)": band,
    "volatility tercile x trend": volatility_and_trend,
    "Gaussian mixture": mixture,
    "Gaussian mixture, smoothed": smoothed_mixture,
    "hidden Markov model of returns": markov,
    "always bull": always_bull,
}


def settled(shown: Ints, dwell_bars: int, before: int) -> Ints:
    """Return what is said if a state must show for `dwell_bars`, as `Standing.after` has it.

    Parameters
    ----------
    before
        What is said until a first state has shown for so long.

    Examples
    --------
    >>> settled(np.array([0, 0, 2, 0, 2, 2, 2]), dwell_bars=2, before=3).tolist()
    [3, 0, 0, 0, 0, 2, 2]
    """
    places = np.arange(len(shown))
    began = np.maximum.accumulate(np.where(np.diff(shown, prepend=-1) != 0, places, 0))
    last = np.maximum.accumulate(np.where(places - began >= dwell_bars - 1, places, -1))
    return np.asarray(np.where(last < 0, before, shown[last]))


def _mixture_chances(data: RegimeData, window: Window, plan: Plan) -> Floats:
    rows = data.features[window.start : window.end]
    taught = rows[: window.split - window.start]
    rows = (rows - taught.mean(axis=0)) / taught.std(axis=0)
    model = GaussianMixture(plan.states, random_state=_SEED)
    model.fit(rows[: len(taught)])
    return np.asarray(model.predict_proba(rows), dtype=float)


def _filtered(models: Sequence[GaussianHMM], returns: Floats) -> Floats:
    """Return the probabilities of the states given the returns so far: later ones are not used.

    Shapes: returns (time, models), probabilities (time, models, states).
    """
    means = np.stack([model.means_[:, 0] for model in models])
    variances = np.stack([model.covars_.reshape(-1) for model in models])
    moves = np.stack([model.transmat_ for model in models])
    logs = -0.5 * ((returns[..., None] - means) ** 2 / variances + np.log(variances))
    likely = np.exp(logs - logs.max(axis=2, keepdims=True))
    chances, now = np.empty_like(likely), np.stack([model.startprob_ for model in models])
    for row, likelihood in enumerate(likely):
        now = likelihood * now
        now /= now.sum(axis=1, keepdims=True)
        chances[row] = now
        now = (now[:, None] @ moves)[:, 0]
    return np.asarray(chances)


def _named(data: RegimeData, window: Window, states: Ints) -> Said:
    """Return the states numbered by how the price had moved in them while training, and named."""
    direction = _direction(data)[window.start : window.split]
    taught = states[: len(direction)]
    present = np.unique(taught)
    means = np.array([direction[taught == state].mean() for state in present])
    order = np.full(int(states.max()) + 1, len(present))
    order[present[means.argsort(kind="stable")]] = np.arange(len(present))
    names = named(np.sort(means), float(direction.std())) if len(present) > 1 else ("unknown",)
    return Said(order[states], (*names, "unknown"))


def _direction(data: RegimeData) -> Floats:
    column = regime(data.interval).names.index(DIRECTION[data.interval])
    return np.asarray(data.features[:, column])
