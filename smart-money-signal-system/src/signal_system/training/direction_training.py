"""Chooses a shape, walks forward, judges beside baselines, and grows the trees that would serve.

The walk is cut once: what is chosen is chosen on its first part, what is reported is reported on the
rest, which nothing was chosen by. Every refit learns from outcomes known a horizon before its test.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import numpy as np
import xgboost

from signal_system.evaluation.deflated_sharpe import Deflated, Track, deflated
from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.bars import MILLISECOND, Bars
from signal_system.ml.features.checks import Shuffled
from signal_system.ml.importances import Importances
from signal_system.ml.manifest import Gate
from signal_system.ml.splits import Split
from signal_system.training.classifiers import (
    BASE_RATE,
    CHALLENGERS,
    LOGISTIC,
    TREES,
    Way,
    base_rate,
    boosted,
    grown,
)
from signal_system.training.direction_data import DirectionData
from signal_system.training.direction_gates import exact_prefixes, gates_of, seams
from signal_system.training.direction_importance import importances
from signal_system.training.direction_judge import Judge, Verdict
from signal_system.training.direction_plan import Plan, walk
from signal_system.training.ensembles import SEED, Shape
from signal_system.training.resampling import Estimate

STEPS = ("choice", TREES, *CHALLENGERS, "shuffled labels", "importances", "judgement")

_SHUFFLED_FOLDS = 16
_SEAM_ROWS = 500

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One shape on the first part of the walk."""

    shape: Shape
    log_loss: float
    net: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Everything that came out; `verdicts` are of the reported part alone.

    Attributes
    ----------
    against_logistic
        By how much less the log loss of the trees is than the line's, in thousandths of a nat.
    shuffled
        The area under the curve after learning from labels that were shuffled.
    deflated
        Of every way, traded where it was worth its costs: the chance that it is skill.
    daily
        What each way's gated trades paid each day of the reported part, after costs.
    trees, beta, taught
        What would serve, and the rows that taught it.
    """

    plan: Plan
    data: DirectionData
    trials: Sequence[Trial]
    shape: Shape
    chosen_on: Ints
    reported_on: Ints
    refits: int
    verdicts: Mapping[str, Verdict]
    against_logistic: Estimate
    shuffled: Shuffled
    deflated: Mapping[str, Deflated]
    variants: int
    daily: Mapping[str, Floats]
    trees: xgboost.Booster
    beta: float
    taught: Ints
    importances: Importances
    gates: Sequence[Gate]


def train(
    bars: Bars, data: DirectionData, plan: Plan, *, progress: Progress = lambda _: None
) -> Outcome:
    """Return what `data`, made of `bars`, teach; `progress` is told each step as it ends."""
    folds = walk(data, plan)
    cut = max(2, round(len(folds) * plan.choosing_share))
    early, late = folds[:cut], folds[cut:]
    trials = choose(data, early, plan)
    shape = min(trials, key=lambda trial: trial.log_loss).shape
    progress("choice")
    said = {}
    for name, way in {TREES: boosted(shape), **CHALLENGERS}.items():
        said[name] = walked(data, late, way, plan)
        progress(name)
    judge = Judge(data, _tested(late), said[BASE_RATE], plan.cost)
    shuffled = _shuffled(data, late, shape, plan)
    progress("shuffled labels")
    found = importances(data, late, shape, plan)
    progress("importances")
    verdicts = {name: judge.verdict(each) for name, each in said.items()}
    luck, variants = _deflated(judge, said, trials)
    everything = np.arange(len(data))
    newest = everything[data.labels.began >= data.labels.began[-1] - plan.window // MILLISECOND]
    trees, beta, taught = grown(data, newest, plan, shape)
    against = judge.better_than(said[TREES], said[LOGISTIC])
    exact = exact_prefixes(bars, data.spec, plan)
    gates = gates_of(
        verdicts[TREES],
        against,
        shuffled,
        luck.get(TREES),
        exact,
        seams(trees, data.features[-_SEAM_ROWS:]),
    )
    progress("judgement")
    return Outcome(
        plan=plan,
        data=data,
        trials=trials,
        shape=shape,
        chosen_on=_tested(early),
        reported_on=_tested(late),
        refits=len(late),
        verdicts=verdicts,
        against_logistic=against,
        shuffled=shuffled,
        deflated=luck,
        variants=variants,
        daily={name: judge.daily(judge.worthwhile(each))[1] for name, each in said.items()},
        trees=trees,
        beta=beta,
        taught=taught,
        importances=found,
        gates=gates,
    )


def choose(data: DirectionData, folds: Sequence[Split], plan: Plan) -> Sequence[Trial]:
    """Return what each of the plan's shapes was worth on `folds`."""
    judge = Judge(data, _tested(folds), walked(data, folds, base_rate, plan), plan.cost)
    trials = []
    for shape in plan.shapes:
        said = walked(data, folds, boosted(shape), plan)
        track = judge.net_track(judge.worthwhile(said))
        net = None if track is None else track.sharpe
        trials.append(Trial(shape, judge.log_loss(said), net))
    return trials


def walked(data: DirectionData, folds: Sequence[Split], way: Way, plan: Plan) -> Floats:
    """Return what `way` says to the tests of all folds, refitted before each."""
    return np.concatenate(
        [way(data, fold.train, plan).probabilities(data, fold.test) for fold in folds]
    )


def _shuffled(data: DirectionData, folds: Sequence[Split], shape: Shape, plan: Plan) -> Shuffled:
    """Return what trees know of the direction that were taught the labels of other rows.

    Whatever that is, they know it from somewhere they should not.
    """
    random = np.random.default_rng(SEED)
    areas = []
    for place in np.linspace(0, len(folds) - 1, min(_SHUFFLED_FOLDS, len(folds))).astype(int):
        fold, classes = folds[place], data.classes.copy()
        classes[fold.train] = random.permutation(classes[fold.train])
        mixed = replace(data, classes=classes)
        said = boosted(shape)(mixed, fold.train, plan).probabilities(data, fold.test)
        areas.append(Judge(data, fold.test, said, plan.cost).area(said))
    known = [area for area in areas if area is not None]
    return Shuffled(fmean(known), stdev(known) / len(known) ** 0.5, len(known))


def _deflated(
    judge: Judge, said: Mapping[str, Floats], trials: Sequence[Trial]
) -> tuple[Mapping[str, Deflated], int]:
    """Judge each way's gated trades by everything that might have been chosen, and count that.

    Taking a side always is no such thing: it loses by its costs, and by how much would be counted
    as luck.
    """
    gated = {name: judge.net_track(judge.worthwhile(each)) for name, each in said.items()}
    tracks: dict[str, Track] = {name: track for name, track in gated.items() if track is not None}
    ratios = [track.sharpe for track in tracks.values()]
    ratios += [trial.net for trial in trials if trial.net is not None]
    return {name: deflated(track, ratios) for name, track in tracks.items()}, max(1, len(ratios))


def _tested(folds: Sequence[Split]) -> Ints:
    return np.concatenate([fold.test for fold in folds])
