"""Chooses, walks forward, judges beside challengers, and fits what would serve.

The walk is cut once: what is chosen is chosen on its first part, what is reported is reported on the
rest, which nothing was chosen by. Every refit learns from the rows before its test alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared_events.errors import DataError
from signal_system.evaluation.deflated_sharpe import Deflated, deflated
from signal_system.ml.arrays import Ints
from signal_system.ml.bars import Bars
from signal_system.ml.jump_regime import JumpParameters
from signal_system.ml.manifest import Gate
from signal_system.training.jump_fit import Fit, fit_all, matched, online, parameters
from signal_system.training.regime_data import RegimeData, regime_data
from signal_system.training.regime_judge import Judge, Verdict
from signal_system.training.regime_plan import Plan, Window, windows
from signal_system.training.resampling import Estimate
from signal_system.training.ways import CHALLENGERS, jump

JUMP = "jump model"

AGREEMENT_MEAN, AGREEMENT_LEAST = 0.9, 0.75
_LOOKED_BACK = 8_000
_CUTS = (0.35, 0.6, 0.85)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One penalty on the first part of the walk."""

    penalty: float
    median_dwell_bars: float
    agreement_mean: float
    agreement_least: float
    volatility_r2: float
    admissible: bool


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Everything that came out; `verdicts` and `codes` are of the reported part alone.

    Attributes
    ----------
    numbers_kept
        Share of the refits each of whose states lies closest to the one with its number before.
    """

    plan: Plan
    data: RegimeData
    trials: Sequence[Trial]
    penalty: float
    chosen_on: Sequence[Window]
    reported_on: Sequence[Window]
    verdicts: dict[str, Verdict]
    codes: dict[str, Ints]
    without_states: Estimate
    numbers_kept: float
    deflated: dict[str, Deflated]
    parameters: JumpParameters
    gates: Sequence[Gate]

    @property
    def verdict(self) -> Verdict:
        """Of the jump model."""
        return self.verdicts[JUMP]


def train(
    bars: Bars, coin: str, plan: Plan, *, cost: float, progress: Progress = lambda _: None
) -> Outcome:
    """Return what `bars` teach; `progress` is told each step as it ends."""
    data = regime_data(bars, plan.interval, plan.horizon)
    if len(data) < plan.least_rows:
        raise DataError(
            f"{len(bars)} bars make {len(data)} rows of features, and {plan.least_rows} are needed:"
            " bring a longer history, or take a shorter --window-days"
        )
    progress("features")
    walk = windows(len(data), plan)
    cut = max(2, round(len(walk) * plan.choosing_share))
    early, late = walk[:cut], walk[cut:]
    trials = choose(Judge(data, early, cost), plan)
    penalty = best_of(trials).penalty
    progress("choice")
    judge = Judge(data, late, cost)
    fits = fit_all(data, late, plan, [penalty])[0]
    said = {JUMP: jump(data, late, fits, plan)}
    progress(JUMP)
    for name, way in CHALLENGERS.items():
        said[name] = way(data, late, plan)
        progress(name)
    verdicts = {name: judge.verdict(each) for name, each in said.items()}
    tracks = {name: track for name, each in said.items() if (track := judge.track(each))}
    ratios = [track.sharpe for track in tracks.values()]
    final = Window(len(data) - plan.window, len(data), len(data))
    fitted = fit_all(data, [final], plan, [penalty])[0][0]
    progress("judgement")
    model = parameters(fitted, data, slice(final.start, final.split), coin, plan)
    gates = gates_of(verdicts[JUMP], plan, exact_prefixes(bars, plan, model))
    progress("gates")
    return Outcome(
        plan=plan,
        data=data,
        trials=trials,
        penalty=penalty,
        chosen_on=early,
        reported_on=late,
        verdicts=verdicts,
        codes={name: judge.codes(each) for name, each in said.items()},
        without_states=judge.volatility_r2_without_states(),
        numbers_kept=numbers_kept(fits),
        deflated={name: deflated(track, ratios) for name, track in tracks.items()},
        parameters=model,
        gates=gates,
    )


def choose(judge: Judge, plan: Plan) -> list[Trial]:
    """Return what each of the plan's penalties was worth on the windows of `judge`."""
    trials = []
    fits = fit_all(judge.data, judge.windows, plan, plan.penalties)
    for penalty, each in zip(plan.penalties, fits, strict=True):
        said = jump(judge.data, judge.windows, each, plan)
        agreements, dwell = judge.agreements(said), float(np.median(judge.runs(said)))
        mean, least = float(np.mean(agreements)), min(agreements)
        stable = mean >= AGREEMENT_MEAN and least >= AGREEMENT_LEAST
        trials.append(
            Trial(
                penalty=penalty,
                median_dwell_bars=dwell,
                agreement_mean=mean,
                agreement_least=least,
                volatility_r2=judge.volatility_r2(said).value or 0.0,
                admissible=stable and dwell >= plan.least_dwell,
            )
        )
    return trials


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the stable trial whose states explain the most; of all, if none is stable."""
    stable = [trial for trial in trials if trial.admissible]
    return max(stable or trials, key=lambda trial: trial.volatility_r2)


def numbers_kept(fits: Sequence[Fit]) -> float:
    """Return the share of `fits` whose states continue those of the one before, number by number."""
    order = tuple(range(len(fits[0].names)))
    kept = [matched(late, early) == order for early, late in pairwise(fits)]
    return sum(kept) / len(kept)


def gates_of(verdict: Verdict, plan: Plan, exact: float) -> list[Gate]:
    """Return what must hold before a candidate may serve."""
    return [
        _gate("prefix invariance", "share of rows that later bars leave as they were", exact, 1.0),
        _gate(
            "refit agreement, mean",
            "share of the bars that two refits call the same",
            verdict.agreement_mean,
            AGREEMENT_MEAN,
        ),
        _gate("refit agreement, least", "of any two", verdict.agreement_least, AGREEMENT_LEAST),
        Gate(
            name="switches a year",
            says="at most so many changes of the state",
            value=verdict.switches_per_year,
            threshold=plan.most_switches_per_year,
            passed=verdict.switches_per_year <= plan.most_switches_per_year,
        ),
        _gate(
            "volatility R2",
            "lower end of the interval: states explain the volatility ahead out of sample",
            verdict.volatility_r2.low,
            0.0,
        ),
    ]


def exact_prefixes(bars: Bars, plan: Plan, model: JumpParameters) -> float:
    """Return the share of rows whose features and state stay the same bits whatever comes later.

    The newest bars are cut off at three places, and once replaced by others.
    """
    tail = bars.rows(slice(-_LOOKED_BACK, None))
    times, *columns = _judged(tail, plan, model)
    same = []
    for share in _CUTS:
        until = times[int(len(times) * share)]
        cut = int(np.searchsorted(tail.closed, until, side="right"))
        changed = tail.closes.copy()
        changed[cut:] = changed[cut:][::-1] * 1.5
        for other in (tail.rows(slice(cut)), tail.with_closes(changed)):
            others = _judged(other, plan, model)
            rows = int(np.searchsorted(times, until, side="right"))
            same += [
                np.mean(before[:rows] == after[:rows])
                for before, after in zip((times, *columns), others, strict=True)
            ]
    return float(np.mean(same))


def _judged(bars: Bars, plan: Plan, model: JumpParameters) -> tuple[Ints, ...]:
    """Return for each row when it closed, its features as bits, and its state."""
    data = regime_data(bars, plan.interval, plan.horizon)
    states = online(data, [Window(0, len(data), len(data))], [Fit.of(model)])[0]
    return data.closed, data.features.view(np.int64), states


def _gate(name: str, says: str, value: float | None, threshold: float) -> Gate:
    passed = value is not None and value >= threshold
    return Gate(name=name, says=says, value=value, threshold=threshold, passed=passed)
