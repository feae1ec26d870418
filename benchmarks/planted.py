"""Whether the simulator's planted skill is what it states, and how hard it is to find.

    uv run python benchmarks/planted.py [--seeds 10] [--share skilled=0.05 ...] [--skill-ic 0.1]

For each seed it builds the past that `hyperliquid-simulator generate` would write (420 days, 600
traders, 8 coins), and prints

* the realised information coefficient of all decisions of the skilled beside the mean of the stated
  ones, with the 95 % interval that as many independent decisions have, and the share of skilled
  accounts whose own stated coefficient lies in their own 95 % interval;
* how well several rankings find the skilled among all who judge prices for themselves: the area under
  the ROC curve (0.5 finds nothing, 1 everything), and the share of skilled among the N best, N being how
  many there are. `score` is the scraper's, `roi` and `pnl` the leaderboard's over all time; `decisions`
  is the t-statistic of exposure against the very residual that skill foresees, which only the truth
  knows: the ceiling for so many decisions.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.styles import CONTEST, OPINIONATED, shares_of
from hyperliquid_simulator.config import Config, parse_day
from hyperliquid_simulator.episodes.rankings import Rankings, scored
from hyperliquid_simulator.past.generate import generate
from hyperliquid_simulator.past.past import Past

Floats = npt.NDArray[np.float64]


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--share", action="append", default=[])
    options.add_argument("--skill-ic", type=float, default=0.1)
    given = options.parse_args()
    config = Config(
        traders=600,
        coins=8,
        builder_coins=0,
        history_days=420,
        start=parse_day("2026-02-25"),
        shares=shares_of(given.share, CONTEST),
        skill_ic=given.skill_ic,
        tempo=1.0,
    )
    found: dict[str, list[float]] = {}
    for seed in range(1, given.seeds + 1):
        past = generate(replace(config, seed=seed), config.start_ms)
        measured = {**planted(past), **ranked(past)}
        print(f"seed {seed:2d}  " + "  ".join(f"{k} {v:.3f}" for k, v in measured.items()))
        for name, value in measured.items():
            found.setdefault(name, []).append(value)
    print("\nmean and standard deviation over seeds")
    for name, values in found.items():
        print(f"{name:24s}{np.mean(values):8.3f}{np.std(values):8.3f}")


def planted(past: Past) -> Mapping[str, float]:
    """Compare the stated coefficients with what exposures and residuals come to."""
    traders, views = past.population.traders, past.views
    regime = past.prices.regime(views.coin, views.minute)
    stated = np.array([t.ic for t in traders])[views.account, regime]
    skilled = np.array([t.planted for t in traders])[views.account]
    if not skilled.any():
        return {}
    realised = float(np.corrcoef(views.exposure[skilled], views.known[skilled])[0, 1])
    inside = []
    for account in np.unique(views.account[skilled]).tolist():
        mine = views.account == account
        own = np.corrcoef(views.exposure[mine], views.known[mine])[0, 1]
        half = 1.96 / np.sqrt(mine.sum() - 3)
        inside.append(abs(np.arctanh(own) - np.arctanh(stated[mine].mean())) < half)
    return {
        "stated": float(stated[skilled].mean()),
        "realised": realised,
        "+-95%": 1.96 / float(np.sqrt(skilled.sum())),
        "inside": float(np.mean(inside)),
    }


def ranked(past: Past) -> Mapping[str, float]:
    """Return how well rankings find the skilled among those who judge for themselves."""
    traders = past.population.traders
    some = np.array([t.index for t in traders if t.style in OPINIONATED])
    skilled = np.array([traders[i].planted for i in some])
    if not skilled.any():
        return {}
    board = Rankings(past).at(int(past.records.time[-1]))
    ever = board.windows[-1]
    rankings = {
        "score": scored(board)[some],
        "roi": (ever.profit / np.maximum(ever.capital, 1))[some],
        "pnl": ever.profit[some].astype(np.float64),
        "decisions": _significance(past)[some],
    }
    found = {}
    for name, values in rankings.items():
        found[f"auc {name}"] = _area(values, skilled)
        found[f"best {name}"] = float(skilled[np.argsort(-values)[: skilled.sum()]].mean())
    return found


def _significance(past: Past) -> Floats:
    views, accounts = past.views, len(past.population)
    count, *sums = (
        np.bincount(views.account, weights, accounts)
        for weights in (
            np.ones(len(views)),
            views.exposure * views.known,
            views.exposure**2,
            views.known**2,
        )
    )
    product, own, theirs = sums
    scale = np.sqrt(own * theirs)
    significance: Floats = np.sqrt(count) * product / np.where(scale > 0, scale, 1)
    return significance


def _area(values: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Return the chance that a positive one ranks above another."""
    ranks = np.argsort(np.argsort(values)) + 1
    many = int(positive.sum())
    above = ranks[positive].sum() - many * (many + 1) / 2
    return float(above / (many * (len(values) - many)))


if __name__ == "__main__":
    main()
