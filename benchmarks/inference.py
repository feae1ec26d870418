"""What a prediction costs for 300 coins: features, probabilities, reasons; and as people usually do it.

    uv run python benchmarks/inference.py

The same trees for all: three classes, 150 rounds, depth 4, fitted on made-up rows, one thread. `streamed`
is what the service runs: a bar into states that are kept, one row into the ONNX graph, TreeSHAP of
the trees for the reasons. `usual` is a row of a pandas frame in a DMatrix, asked with
`Booster.predict`, for the reasons with `pred_contribs`. Before anything is timed, both must give the
same probabilities. Coins are asked one by one, as their bars close. Takes about half a minute.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import quantiles
from time import perf_counter

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import xgboost
from rich.console import Console
from rich.table import Table

from signal_system.ml.arrays import Matrix
from signal_system.ml.direction import CLASSES, Direction
from signal_system.ml.features.registry import classifier
from signal_system.ml.features.series import FeatureSeries
from signal_system.ml.trees import Booster, Graph
from signal_system.predicting import reasons
from signal_system.testing.bars import walk
from signal_system.testing.directions import direction_parameters, importances, made_up_rows
from signal_system.training.ensembles import Shape, as_onnx, as_ubj, fitted

SPEC = classifier("1h")
SAME = 1e-5
ROUNDS = 5


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--coins", type=int, default=300)
    coins = options.parse_args().coins
    rows = made_up_rows(coins, seed=7)
    booster, model = trained()
    require_same(booster, model, rows)
    frames = [pd.DataFrame(row[None, :], columns=list(SPEC.names)) for row in rows]
    ours = {
        "features: one bar": updates(coins),
        "prediction": each(rows, lambda row: model.probabilities(row[None, :])),
        "reasons": each(rows, lambda row: reasons(model, row, "buy")),
    }
    usual = {
        "prediction": each(frames, lambda row: booster.predict(xgboost.DMatrix(row, nthread=1))),
        "reasons": each(
            frames, lambda row: booster.predict(xgboost.DMatrix(row, nthread=1), pred_contribs=True)
        ),
    }
    console = Console(width=110)
    console.print(table(coins, ours, usual))
    together = batch(model, rows)
    console.print(f"all {coins} coins in one call: {1e6 * together / coins:,.1f} us a coin")


def trained() -> tuple[xgboost.Booster, Direction]:
    """Return trees of the size that is served, as the library has them and as the service does."""
    rows = made_up_rows(4_000)
    random = np.random.default_rng(0)
    classes = np.where(
        rows[:, 0] > random.normal(size=len(rows)), 0, random.integers(1, 3, len(rows))
    )
    trees = fitted(rows, classes, np.ones(len(rows)), Shape(depth=4, rounds=150, least_weight=1.0))
    trees.set_param({"nthread": 1})  # with more, a single row waits for threads
    graph = as_onnx(trees)
    if graph is None:
        raise SystemExit("onnxmltools is not installed: uv sync --extra train")
    truth = Booster(as_ubj(trees), len(SPEC.names), len(CLASSES))
    return trees, Direction("v1", direction_parameters(), importances(), truth, Graph(graph))


def require_same(booster: xgboost.Booster, model: Direction, rows: Matrix) -> None:
    """Refuse to compare what does not say the same."""
    named = xgboost.DMatrix(pd.DataFrame(rows, columns=list(SPEC.names)))
    apart = np.abs(booster.predict(named) - model.probabilities(rows).raw).max()
    if apart > SAME:
        raise SystemExit(f"the graph is {apart:.1e} from the trees: nothing to compare")


def updates(coins: int) -> list[float]:
    """Return the seconds that one more bar of each coin took, block by block of the grid."""
    times = []
    for seed in range(coins):
        bars = walk(seed, SPEC.kept_bars + ROUNDS)
        series = FeatureSeries.open(SPEC, bars[:-ROUNDS])
        for bar in bars[-ROUNDS:]:
            began = perf_counter()
            series.update(bar)
            times.append(perf_counter() - began)
    return times


def each(rows: Sequence[Matrix] | Matrix, ask: Callable[[Matrix], object]) -> list[float]:
    """Return the seconds that asking about each row took, after a first round."""
    times = []
    for number in range(ROUNDS + 1):
        for row in rows:
            began = perf_counter()
            ask(row)
            if number:
                times.append(perf_counter() - began)
    return times


def batch(model: Direction, rows: Matrix) -> float:
    """Return the seconds that one call about all rows takes: the best of a few."""
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        model.probabilities(rows)
        times.append(perf_counter() - began)
    return min(times)


def table(coins: int, ours: dict[str, list[float]], usual: dict[str, list[float]]) -> Table:
    lines = Table(
        "us a coin", "streamed", "p99", "usual", "p99", "faster", box=None, pad_edge=False
    )
    for column in lines.columns[1:]:
        column.justify = "right"
    for name, times in ours.items():
        rival = usual.get(name)
        lines.add_row(
            name, *cells(times), *(cells(rival) if rival else ("", "")), ratio(times, rival)
        )
    both = [sum(part) for part in zip(*(ours[name] for name in ours), strict=True)]
    rivals = [sum(part) for part in zip(*(usual[name] for name in usual), strict=True)]
    lines.add_row("all of it", *cells(both), *cells(rivals), ratio(both, rivals))
    lines.caption = f"medians over {coins} coins, {ROUNDS} rounds; all {coins}: {1e3 * coins * middle(both):,.0f} ms"
    return lines


def cells(times: Sequence[float]) -> tuple[str, str]:
    return f"{1e6 * middle(times):,.0f}", f"{1e6 * quantiles(times, n=100)[98]:,.0f}"


def middle(times: Sequence[float]) -> float:
    return quantiles(times, n=2)[0]


def ratio(times: Sequence[float], rival: Sequence[float] | None) -> str:
    return "" if rival is None else f"{middle(rival) / middle(times):,.0f} x"


if __name__ == "__main__":
    main()
