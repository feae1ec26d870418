"""Runs every scheme on paper beside the others and learns whom to trust from what came of each.

A scheme's account holds in each coin the mean exposure of those it listens to,

    N / (G + mean G),   N = sum of weight times exposure, G the same of absolute exposures,

so that agreement of many counts and a few faded stakes do not. A relative scheme takes every stake in
units of its holder's usual risk, as it was when it was last changed, and of what comes out the mean
over all coins away: it bets on coins against each other and not on the market. An account pays for every change, on the
market's terms: late, and at a price.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from signal_system.weighting_engine.columns import Floats, Saved, sums
from signal_system.weighting_engine.evidence import Estimates, Evidence
from signal_system.weighting_engine.hedge import AdaHedge, loss
from signal_system.weighting_engine.paper import EXPOSURE_UNIT, Bar, Paper, Wish
from signal_system.weighting_engine.port import Scheme
from signal_system.weighting_engine.rules import DAY, EvidenceRules, HedgeRules, PaperRules
from signal_system.weighting_engine.schemes import COMBINED, EXPERTS, SCHEMES, Abstain

ACCOUNTS: Final = (*SCHEMES, COMBINED)
"""Whose accounts these are, in order: the experts', and that of their mixture."""


class ContestSnapshot(Struct):
    """Everything `Contest` is made of but the paper accounts."""

    results: Saved
    hedge: AdaHedge


class Contest:
    """The experts' accounts, which are the first on `paper`, and the trust in each.

    Parameters
    ----------
    paper
        New; everybody else's accounts come after these.

    Attributes
    ----------
    stances
        What each account last wanted to hold, by its name and the coin.
    common
        By scheme: mean G, and the mean over all coins that was taken away.
    """

    def __init__(
        self, paper: Paper, rules: HedgeRules, evidence: EvidenceRules, bars: PaperRules
    ) -> None:
        self._paper, self._rules, self._bars = paper, rules, bars
        self.results = Evidence(evidence, bars.bar_seconds)
        speaking = sum(expert.name != Abstain.name for expert in EXPERTS)
        prior = [
            rules.abstain_prior
            if expert.name == Abstain.name
            else (1 - rules.abstain_prior) / speaking
            for expert in EXPERTS
        ]
        self.hedge = AdaHedge.of(prior)
        self._books: dict[str, npt.NDArray[Any]] = {}
        self.stances: dict[str, dict[str, float]] = {}
        self.common: dict[str, tuple[float, float]] = {}
        for _ in ACCOUNTS:
            paper.open(fades=False)
            self.results.open()

    def learn(self, bar: Bar) -> None:
        """Take what the experts' accounts did in `bar`, the market's part aside."""
        mine = bar.rows(slice(len(ACCOUNTS))).with_habits_as_timing()
        deviation = np.sqrt(self.results.columns["square"])
        pairs = zip(mine.timing.tolist(), deviation.tolist(), strict=True)
        losses = [loss(*each) for each in pairs][: len(EXPERTS)]
        self.hedge.learn(losses, self._bars.bar_seconds / DAY / self._rules.regime_days)
        self.results.add(mine, {})

    def found(self) -> Estimates:
        """Return how well every account did, and how sure that is."""
        return self.results.estimates()

    def read_books(self) -> None:
        """Note what every voter holds now, for all who `follow` until the next bar."""
        rows = self._paper.positions
        votes = np.flatnonzero(rows["account"] >= len(ACCOUNTS))
        self._books = {name: rows[name][votes] for name in ("coin", "held", "target")}
        self._books["voter"] = rows["account"][votes] - len(ACCOUNTS)

    def follow(self, expert: Scheme, weights: Floats, at: float) -> None:
        """Let the account of `expert` hold what voters of such `weights` hold."""
        pooled, usual = self._pooled(weights, "target" if expert.relative else "held")
        lean = float(pooled.mean()) if expert.relative and len(pooled) else 0.0
        self.common[expert.name] = (usual, lean)
        pooled -= lean
        wanted = zip(self._paper.coins, pooled.tolist(), strict=True)
        self._want(expert.name, dict(wanted), at)

    def follow_all(self, at: float) -> None:
        """Let the mixture's account hold what the experts want, by the trust in each."""
        mixed: dict[str, float] = {}
        for expert, trust in zip(SCHEMES, self.hedge.weights, strict=True):
            for coin, wanted in self.stances.get(expert, {}).items():
                mixed[coin] = mixed.get(coin, 0.0) + trust * wanted
        self._want(COMBINED, mixed, at)

    def combined(self, weights: Floats) -> Floats:
        """Return the mixture of the experts' weights, a column each, by the trust in each."""
        sums = weights.sum(axis=0)
        trust = np.divide(self.hedge.weights, sums, out=np.zeros_like(sums), where=sums > 0)
        mixed: Floats = weights @ trust
        most = float(mixed.max(initial=0.0))
        return mixed / most if most else mixed

    def conviction(self) -> float:
        """Return the trust in all experts but the one that abstains."""
        return sum(
            trust
            for expert, trust in zip(EXPERTS, self.hedge.weights, strict=True)
            if expert.name != Abstain.name
        )

    def snapshot(self) -> ContestSnapshot:
        """Return what `restore` needs to go on from here."""
        return ContestSnapshot(self.results.snapshot(), self.hedge)

    def restore(self, saved: ContestSnapshot) -> None:
        """Become what `saved` was taken of."""
        self.results.restore(saved.results)
        self.hedge = saved.hedge

    def _want(self, name: str, stance: dict[str, float], at: float) -> None:
        """Trade an account as far as the edge of a band around what is wanted."""
        self.stances[name] = stance
        account, due = ACCOUNTS.index(name), at + self._bars.delay_seconds
        held = dict(self._paper.exposures(account))
        most = max((abs(wanted) for wanted in stance.values()), default=0.0)
        band = self._rules.band * min(1.0, most)
        for coin, wanted in stance.items():
            before = held.get(coin, 0.0)
            nearest = min(max(before, wanted - band), wanted + band) if wanted else 0.0
            if nearest != before:
                self._paper.follow(coin, Wish(due, account, nearest, is_exposure=True))

    def _pooled(self, weights: Floats, what: str) -> tuple[Floats, float]:
        """Return the exposure in each coin of a pool of voters with such weights, and mean G."""
        books, coins = self._books, self._paper.coins
        coin, stakes = books["coin"], weights[books["voter"]] * books[what]
        net, gross = sums(coin, stakes, len(coins)), sums(coin, np.abs(stakes), len(coins))
        usual = float(gross.mean()) if coins else 0.0
        pooled: Floats = np.divide(net, gross + usual, out=np.zeros_like(net), where=gross > 0)
        return pooled, usual / EXPOSURE_UNIT
