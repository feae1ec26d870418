"""What every scheme's stances on a recorded panel of traders were worth later, coin against coin.

At each snapshot of the recording every scheme has a stance in every coin, by the weights of the last
bar and the books of that very snapshot. It is held against the coin's return until the snapshot that
is nearest to the horizon's end. Snapshots overlap and markets trend: intervals are those of a
stationary bootstrap in stretches of a day.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from shared_events.errors import ConfigError
from shared_events.journal import decode_record, read, segments
from signal_system.domain.exposure import SIZE_SCALE
from signal_system.evaluation.contest import Floats, resampled, spearman
from signal_system.fold import FoldConfig
from signal_system.state import State
from signal_system.weighting_engine import TraderWeightingEngine
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.rules import DAY
from signal_system.weighting_engine.schemes import COMBINED, EXPERTS

HORIZON_HOURS: Final = (5, 10, 24)
NEAR_SECONDS: Final = 7_200.0
LEAST_COINS: Final = 10
DRAWS: Final = 1_000
_LINK: Final = 0.5
_LEAST_SNAPSHOTS: Final = 10


class Mean(Struct, frozen=True):
    """A mean over snapshots and the middle 95 % of its bootstrap."""

    value: float
    low: float
    high: float


class Foresight(Struct, frozen=True):
    """What a scheme's stances were worth over one horizon; None where it had none.

    Attributes
    ----------
    snapshots
        How many could be judged.
    rank_ic
        Spearman's correlation, over the coins of a snapshot, of stance with later return.
    hits
        Part of the opinions whose side the price took.
    brier
        Brier score of the stance's probability, less the 0.25 of a coin thrown: below 0 is better.
    """

    hours: int
    snapshots: int
    rank_ic: Mean | None
    hits: Mean | None
    brier: Mean | None


class Row(Struct, frozen=True):
    """One scheme.

    Attributes
    ----------
    abstained
        Part of the coins and snapshots without an opinion.
    bets
        How many independent traders of equal weight would earn as steadily as those it listens to:
        (sum of w)^2 / w'Cw, C the correlation of what their books earned; None if it hears nobody.
    """

    scheme: str
    abstained: float
    bets: float | None
    foresight: tuple[Foresight, ...]


class PanelReport(Struct, frozen=True):
    """All schemes on one recording."""

    journal: str
    config_hash: str
    snapshots: int
    coins: int
    traders: int
    days: float
    schemes: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Prices and stances by coin; books (voters, coins) and weights (voters, experts) by number."""

    at: float
    prices: dict[str, float]
    stances: dict[str, dict[str, float]]
    books: dict[int, dict[str, float]]
    weights: Floats


def judged_panel(
    journal: Path, config: FoldConfig, on_progress: Callable[[int], None]
) -> PanelReport:
    """Return what every scheme's stances were worth on the recording in `journal`.

    Raises
    ------
    ConfigError
        If there is no journal, or too few snapshots.
    """
    if not journal.is_dir() or not segments(journal):
        raise ConfigError(f"there is no journal in {journal}: write one with market-scraper replay")
    seen = list(_snapshots(journal, config, on_progress))
    if len(seen) < _LEAST_SNAPSHOTS:
        raise ConfigError(f"{journal} has {len(seen)} snapshots: at least {_LEAST_SNAPSHOTS}")
    earned = _earned(seen)
    return PanelReport(
        journal=journal.name,
        config_hash=config.hash,
        snapshots=len(seen),
        coins=len({coin for each in seen for coin in each.prices}),
        traders=len({voter for each in seen for voter in each.books}),
        days=(seen[-1].at - seen[0].at) / DAY,
        schemes=tuple(_row(name, seen, earned, config.rules.conviction) for name in ACCOUNTS),
    )


def markdown(found: PanelReport) -> str:
    """Return the report as a table for a page."""
    head = "| scheme | abstained | bets |"
    head += "".join(
        f" rank IC {hours} h | hits {hours} h | Brier {hours} h |" for hours in HORIZON_HOURS
    )
    rule = "|---|" + "---:|" * (head.count("|") - 2)
    title = (
        f"{found.snapshots} snapshots over {found.days:.1f} days, {found.coins} coins, "
        f"{found.traders} traders"
    )
    return "\n".join((title, "", head, rule, *(_line(row) for row in found.schemes))) + "\n"


def _line(row: Row) -> str:
    cells = [
        f"`{row.scheme}`",
        f"{row.abstained:.1%}",
        "" if row.bets is None else f"{row.bets:.1f}",
    ]
    for each in row.foresight:
        for mean, form in ((each.rank_ic, "+.3f"), (each.hits, ".1%"), (each.brier, "+.4f")):
            told = mean and f"{mean.value:{form}} ({mean.low:{form}} to {mean.high:{form}})"
            cells.append(told or "")
    return "| " + " | ".join(cells) + " |"


def _snapshots(
    journal: Path, config: FoldConfig, on_progress: Callable[[int], None]
) -> Iterator[_Snapshot]:
    engine = TraderWeightingEngine(config.weighting)
    state, before = State(engine, config.rules, config.baseline), None
    for position, raw in read(journal):
        record = decode_record(raw)
        at = record.recorded_at if hasattr(record, "recorded_at") else record.at
        if before is not None and at > before:
            yield _taken(before.timestamp(), state, engine)
        state.apply(record)
        before = at
        on_progress(position)
    if before is not None:
        yield _taken(before.timestamp(), state, engine)


def _taken(at: float, state: State, engine: TraderWeightingEngine) -> _Snapshot:
    prices = {coin: float(each.mark) for coin, each in state.markets.items() if each.mark}
    books, limit = dict[int, dict[str, float]](), engine.config.paper.leverage_limit
    for head in {state.voices.families.head(each.address) for each in state.tracked()}:
        number = engine.roll.number(head)
        if number is not None:
            books[number] = dict(_book(head, state, prices, limit))
    voters = engine.voters()
    kept = engine.weights()
    weights = np.stack(
        [
            kept[:, number] if expert.learns else expert.weigh(voters) * voters.tracked
            for number, expert in enumerate(EXPERTS)
        ],
        axis=1,
    )
    stances = {
        expert.name: _stance(
            weights[:, number] * _units(engine, relative=expert.relative), books, prices
        )
        for number, expert in enumerate(EXPERTS)
    }
    for expert in EXPERTS:
        if expert.relative and stances[expert.name]:
            lean = sum(stances[expert.name].values()) / len(prices)
            stances[expert.name] = {
                coin: stances[expert.name].get(coin, 0.0) - lean for coin in prices
            }
    trusts = zip(stances.values(), engine.contest.hedge.weights, strict=True)
    mixed = dict.fromkeys(prices, 0.0)
    for stance, trust in trusts:
        for coin, wanted in stance.items():
            mixed[coin] += trust * wanted
    return _Snapshot(at, prices, stances | {COMBINED: mixed}, books, weights)


def _book(
    head: str, state: State, prices: dict[str, float], limit: float
) -> Iterator[tuple[str, float]]:
    """Yield what share of full exposure the voter holds of each coin that has a price."""
    coins = {coin for each in state.voices.members(head) for coin in each.book}
    for coin in sorted(coins & prices.keys()):
        size, equity = state.voices.stance(head, coin)
        if size and equity:
            exposure = size / SIZE_SCALE * prices[coin] / max(equity, 1.0) / limit
            yield coin, min(max(exposure, -1.0), 1.0)


def _units(engine: TraderWeightingEngine, *, relative: bool) -> Floats | float:
    return engine.evidence.per_risk() if relative else 1.0


def _stance(
    weights: Floats, books: dict[int, dict[str, float]], prices: dict[str, float]
) -> dict[str, float]:
    """Return the pool's stance as the accounts of schemes take it: N / (G + mean G)."""
    net, gross = dict.fromkeys(prices, 0.0), dict.fromkeys(prices, 0.0)
    for voter, book in books.items():
        weight = float(weights[voter])
        if weight:
            for coin, exposure in book.items():
                net[coin] += weight * exposure
                gross[coin] += weight * abs(exposure)
    usual = sum(gross.values()) / max(1, len(gross))
    return {coin: net[coin] / (gross[coin] + usual) for coin in prices if gross[coin]}


def _earned(seen: list[_Snapshot]) -> Floats:
    """Return what every voter's book earned from each snapshot to the next: (steps, voters)."""
    voters = len(seen[-1].weights)
    earned = np.zeros((len(seen) - 1, voters))
    for step, (before, after) in enumerate(pairwise(seen)):
        returns = {
            coin: np.log(after.prices[coin] / price)
            for coin, price in before.prices.items()
            if coin in after.prices
        }
        for voter, book in before.books.items():
            earned[step, voter] = sum(each * returns.get(coin, 0.0) for coin, each in book.items())
    return earned


def _row(name: str, seen: list[_Snapshot], earned: Floats, conviction: float) -> Row:
    said = [
        abs(each.stances[name].get(coin, 0.0)) >= conviction
        for each in seen
        for coin in each.prices
    ]
    horizons = tuple(_foresight(name, seen, hours, conviction) for hours in HORIZON_HOURS)
    return Row(name, 1 - float(np.mean(said)), _bets(name, seen[-1], earned), horizons)


def _bets(name: str, last: _Snapshot, earned: Floats) -> float | None:
    names = [expert.name for expert in EXPERTS]
    if name not in names:
        return None
    deviation = earned.std(axis=0)
    weights = np.where(deviation > 0, last.weights[:, names.index(name)], 0.0)
    if not weights.any():
        return None
    scaled = earned / np.where(deviation > 0, deviation, 1.0)
    return float(weights.sum() ** 2 / (scaled @ weights).var())


def _foresight(name: str, seen: list[_Snapshot], hours: int, conviction: float) -> Foresight:
    ranks, hits, briers = list[float](), list[float](), list[float]()
    for now in seen:
        later = min(seen, key=lambda each: abs(each.at - now.at - hours * 3_600))
        if abs(later.at - now.at - hours * 3_600) > NEAR_SECONDS:
            continue
        wanted = now.stances[name]
        coins = [coin for coin in wanted if coin in later.prices]
        stance = np.array([wanted[coin] for coin in coins])
        if len(coins) < LEAST_COINS or not stance.any():
            continue
        moved = np.log([later.prices[coin] / now.prices[coin] for coin in coins])
        rank = spearman(stance, moved)
        ranks += [] if rank is None else [rank]
        rose, sure = moved > 0, np.abs(stance) >= conviction
        hits += [float(((stance > 0) == rose)[sure].mean())] if sure.any() else []
        probability = 1 / (1 + np.exp(-_LINK * stance))
        briers.append(float(((probability - rose) ** 2).mean()) - 0.25)
    a_day = max(1, round(DAY * len(seen) / max(seen[-1].at - seen[0].at, 1.0)))
    means = (_mean(each, a_day) for each in (ranks, hits, briers))
    return Foresight(hours, len(briers), *means)


def _mean(values: list[float], block: int) -> Mean | None:
    if not values:
        return None
    found = np.array(values)
    drawn = found[resampled(len(found), DRAWS, block)].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return Mean(float(found.mean()), low, high)
