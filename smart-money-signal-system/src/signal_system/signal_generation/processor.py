"""Decides, on every event, whether a coin's opinion changed, and issues the documents."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import log

from msgspec import Struct, field, structs

from shared_events.payloads import Contribution, Models, Odds, RegimeView, Signal
from shared_events.types import Action, Freshness
from signal_system.domain.circumstances import Circumstances
from signal_system.domain.claims import Claim, window_of
from signal_system.domain.exposure import Exposure, usd
from signal_system.domain.market import Market
from signal_system.domain.moves import HORIZONS, Count
from signal_system.domain.rules import Rules
from signal_system.signal_generation.aggregation import (
    INDEPENDENCE_METHOD,
    Pool,
    cost_to_flip,
    pooled,
)
from signal_system.signal_generation.calibration import (
    Calibration,
    base_rates,
    chance_of,
    shaped,
)
from signal_system.signal_generation.chain import GENESIS, linked
from signal_system.signal_generation.costs import Trip, trip
from signal_system.signal_generation.explanation import contributions
from signal_system.signal_generation.gates import (
    Case,
    Gates,
    SharedGates,
    action,
    common_gates,
    horizon_gates,
    shared_gates,
)
from signal_system.signal_generation.grid import Grid, next_due
from signal_system.signal_generation.outcomes import Outcomes
from signal_system.signal_generation.words import in_words
from signal_system.state import State

_EMPTY = Exposure()
_NO_WINDOWS = Count()


@dataclass(frozen=True, slots=True)
class _Moment:
    seen: Circumstances
    shared: SharedGates


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every signal says of how it was made."""

    arm: str
    config_hash: str
    models: Models


@dataclass(frozen=True, slots=True)
class View:
    """What holds over one horizon: its gates, and what they leave of the opinion."""

    action: Action
    gates: Gates
    trip: Trip
    base: Odds
    odds: Odds
    calibrated: bool

    @property
    def confidence(self) -> float:
        """The probability that the action is right after costs."""
        return chance_of(self.action, self.odds)


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds for one coin at one moment; `views` by horizon, in seconds."""

    coin: str
    status: Freshness
    pool: Pool
    exposure: Exposure
    market: Market | None
    seen: Circumstances
    views: Mapping[int, View]

    @property
    def has_side(self) -> bool:
        """Whether it is more than NEUTRAL over any horizon."""
        return any(view.action != "NEUTRAL" for view in self.views.values())

    @property
    def actions(self) -> dict[int, Action]:
        """The action over each horizon."""
        return {horizon: view.action for horizon, view in self.views.items()}

    @property
    def net(self) -> Decimal | None:
        """Return the weighted net exposure in USD; None without a price."""
        return self.usd(self.exposure.net)

    def usd(self, stake: int) -> Decimal | None:
        """Return what `stake` is worth; None without a price."""
        return usd(stake, self.market.mark) if self.market and self.market.mark else None


class Opinion(Struct):
    """What was last issued on one coin; `due` is when the next document is, None if not waiting."""

    actions: dict[int, Action] = {}
    net: Decimal | None = None
    due: datetime | None = None

    @property
    def has_side(self) -> bool:
        """Whether it was more than NEUTRAL over any horizon."""
        return any(action != "NEUTRAL" for action in self.actions.values())


class Memory(Struct):
    """What decisions remember beside the state, for a snapshot.

    Attributes
    ----------
    outcomes
        What was claimed and is not yet known to have come true.
    waiting
        Coins that a recording's present instant touched: its events are simultaneous, so they are
        decided once, when the instant is over.
    calibrations
        What outcomes taught, by horizon, of the configuration with the hash `calibrated_for`.
    forecasts, forecast_chain
        How many signals the track record has, and the hash of the newest.
    """

    opinions: dict[str, Opinion] = {}
    chain: str = GENESIS
    issued: int = 0
    verdict: tuple[bool | str, ...] = ()
    waiting: set[str] = set()
    outcomes: Outcomes = field(default_factory=Outcomes)
    calibrations: dict[int, Calibration] = {}
    calibrated_for: str = ""
    forecasts: int = 0
    forecast_chain: str = GENESIS


class SignalGenerationProcessor:
    """Turns the state into signals.

    Parameters
    ----------
    state
        Read, never changed.
    rules
        What an opinion must satisfy.
    provenance
        Stated in every signal.
    memory
        Where an earlier processor left off.
    """

    def __init__(
        self, state: State, rules: Rules, provenance: Provenance, memory: Memory | None = None
    ) -> None:
        self._state, self._rules, self._provenance = state, rules, provenance
        self.memory = memory or Memory()
        if self.memory.calibrated_for != provenance.config_hash:
            self.memory.calibrations = {}  # another configuration's scores mean something else
            self.memory.calibrated_for = provenance.config_hash
        self._grid = self._waiting_grid()
        self.changed: set[str] = set(self.memory.opinions)
        """Coins decided anew since somebody last emptied this: for those who show decisions."""

    def react(self, touched: Collection[str], position: int) -> Iterator[list[Signal]]:
        """Decide the coins that the record at `position` touched, and those that are due.

        Yields coin by coin what is issued: all coins at once are more work than a loop may do in
        one piece. The state must not change until the last one came.
        """
        moment = self._moment()
        if moment is None:
            return
        if moment.shared.verdict != self.memory.verdict:
            self.memory.verdict = moment.shared.verdict
            touched = {*touched, *self._state.voices.coins}
        if self._state.recording:
            self.memory.waiting.update(touched)
        else:
            yield from self._decide({*touched, *self._waited()}, moment, position)

    def settle(self, position: int) -> Iterator[list[Signal]]:
        """Decide what the instant that ended with the record at `position` touched, as `react`."""
        moment, touched = self._moment(), self._waited()
        if moment is not None:
            yield from self._decide(touched, moment, position)

    def rewind(self) -> None:
        """Let every waiting coin be due: time went back to where a recording begins.

        What was claimed about the time after that will never be known, and what was learnt from it is
        not known yet.
        """
        self.memory.outcomes, self.memory.calibrations = Outcomes(), {}
        for opinion in self.memory.opinions.values():
            opinion.due = self._state.now if opinion.due else None
        self._grid = self._waiting_grid()

    def decision(self, coin: str) -> Decision | None:
        """Return what holds for `coin` now; None before anything is known at all."""
        moment = self._moment()
        return None if moment is None else self._decision(coin, moment)

    def status(self) -> Freshness | None:
        """Return how well everything is seen now; None before anything is known at all."""
        moment = self._moment()
        return None if moment is None else moment.shared.status

    def learn(self, claim: Claim, realised: Action) -> None:
        """Take what came true of `claim`, which a signal made."""
        known = self.memory.calibrations.setdefault(claim.horizon_seconds, Calibration())
        known.learn(claim, realised, self._rules.outcome_correlation)

    def signals(self, decision: Decision, position: int) -> list[Signal]:
        """Return the decision's documents, one per horizon, outside of the chain."""
        common = self._common(decision, position)
        return [
            structs.replace(
                common,
                horizon_seconds=horizon,
                action=view.action,
                valid_until=decision.seen.now + timedelta(seconds=horizon),
                confidence=view.confidence,
                calibrated=view.calibrated,
                probabilities=view.odds,
                base_rates=view.base,
                models=self._models(common.models, horizon, view),
                why=self._why(decision, view, common.contributions_for),
                expected_value_after_costs=view.trip.earned,
                cost_to_flip_usd=self._cost_to_flip(decision, view),
                gates=view.gates,
            )
            for horizon, view in decision.views.items()
        ]

    def _waited(self) -> Collection[str]:
        """Return the coins that waited for the end of a recorded instant, which do so no longer."""
        if not self.memory.waiting:
            return ()
        waited, self.memory.waiting = self.memory.waiting, set()
        return waited

    def _moment(self) -> _Moment | None:
        seen = self._state.circumstances()
        return None if seen is None else _Moment(seen, shared_gates(seen, self._rules))

    def _waiting_grid(self) -> Grid:
        opinions = self.memory.opinions.items()
        return Grid({coin: opinion.due for coin, opinion in opinions if opinion.due})

    def _decision(self, coin: str, moment: _Moment) -> Decision:
        state, seen = self._state, moment.seen
        exposure = state.voices.coins.get(coin, _EMPTY)
        market, opinion = state.markets.get(coin), self.memory.opinions.get(coin)
        pool = self._pool(exposure, market)
        age = max(0.0, (seen.now - market.at).total_seconds()) if market and market.mark else None
        case = Case(
            pool,
            age,
            "NEUTRAL",
            self._lead(coin, pool, seen.now),
            against=_against(exposure, pool),
            entropy=self._entropy(coin),
        )
        common = common_gates(case, seen, moment.shared, self._rules)
        held = opinion.actions if opinion else {}
        views = {
            horizon: self._view(case, coin, horizon, held.get(horizon, "NEUTRAL"), common)
            for horizon in HORIZONS
        }
        return Decision(coin, moment.shared.status, pool, exposure, market, seen, views)

    def _view(self, case: Case, coin: str, horizon: int, held: Action, common: Gates) -> View:
        side = 1 if case.pool.tilt >= 0 else -1
        count, market = self._count(coin, horizon), self._state.markets.get(coin)
        base, known = base_rates(count), self._calibration(horizon)
        odds = shaped(base, case.pool.score, known.trust) if known else base
        edge = side * (odds.up - odds.down) if known else None
        way = trip(side, horizon, market, count, self._rules, edge)
        gates = (*common, *horizon_gates(replace(case, held=held, trip=way), self._rules))
        verdict = action(gates, case.pool.tilt)
        return View(verdict, gates, way, base, odds, known is not None)

    def _calibration(self, horizon: int) -> Calibration | None:
        """Return what outcomes taught of the horizon; None while they are too few."""
        known = self.memory.calibrations.get(horizon)
        enough = known is not None and known.independent >= self._rules.min_independent_outcomes
        return known if enough else None

    def _models(self, common: Models, horizon: int, view: View) -> Models:
        if not view.calibrated:
            return common
        version = self.memory.calibrations[horizon].version(horizon)
        return structs.replace(common, calibration=version)

    def _count(self, coin: str, horizon_seconds: int) -> Count:
        moves = self._state.prices.moves.get(coin)
        return moves.over(horizon_seconds) if moves else _NO_WINDOWS

    def _entropy(self, coin: str) -> float | None:
        found = self._state.regimes.of(coin)
        return entropy(found.standing.probabilities.values()) if found else None

    def _pool(self, exposure: Exposure, market: Market | None) -> Pool:
        pooling, link = self._state.pooling, self._rules.log_odds_per_tilt
        usual = pooling.usual_stake(market.mark) if market and market.mark else 0
        return pooled(exposure, link, usual, pooling.lean)

    def _lead(self, coin: str, pool: Pool, now: datetime) -> float | None:
        """Return the least lead that any classifier in service gives to the side of `pool`."""
        side = 1 if pool.tilt > 0 else -1
        believed = self._state.directions.believed(coin, now)
        return min((each.lead(side) for each in believed), default=None)

    def _decide(
        self, touched: Collection[str], moment: _Moment, position: int
    ) -> Iterator[list[Signal]]:
        due = self._grid.due(moment.seen.now)
        coins = {*touched, *due} if due else touched
        if not coins:
            return
        self.changed.update(coins)
        for coin in sorted(set(coins)):
            decision = self._decision(coin, moment)
            if self._is_news(decision, is_due=coin in due):
                yield self._issue(decision, position)

    def _is_news(self, decision: Decision, *, is_due: bool) -> bool:
        """Tell whether to issue `decision`, and see to it that its coin waits for its next turn."""
        opinion, has_voters = self.memory.opinions.get(decision.coin), decision.pool.voters > 0
        is_first = opinion is None and has_voters
        if opinion is None:
            if not has_voters:
                return False
            opinion = self.memory.opinions[decision.coin] = Opinion()
        if is_due:
            opinion.due = None
        if opinion.due is None and has_voters:
            opinion.due = next_due(decision.coin, decision.seen.now, self._rules.grid_seconds)
            self._grid.wait(decision.coin, opinion.due)
        return is_first or decision.actions != opinion.actions or (is_due and has_voters)

    def _issue(self, decision: Decision, position: int) -> list[Signal]:
        issued = [self._linked(signal) for signal in self.signals(decision, position)]
        self.memory.issued += len(issued)
        opinion = self.memory.opinions[decision.coin]
        opinion.actions, opinion.net = decision.actions, decision.net
        return issued

    def _linked(self, signal: Signal) -> Signal:
        """Return `signal` as the next of the chain, and of the track record's if it will be scored."""
        memory, window = self.memory, window_of(signal.as_of, signal.horizon_seconds)
        scored = memory.outcomes.is_new(signal.subject, window) and signal.reference_price
        if scored:
            signal = structs.replace(
                signal, forecast_number=memory.forecasts, forecast_prev_hash=memory.forecast_chain
            )
        chained = linked(signal, memory.chain)
        memory.chain = chained.hash
        if scored:
            memory.forecasts, memory.forecast_chain = memory.forecasts + 1, chained.hash
        return chained

    def _common(self, decision: Decision, position: int) -> Signal:
        """Return the document of `decision` with what the horizons share; the rest is a stand-in."""
        made, seen, pool = self._provenance, decision.seen, decision.pool
        opinion, net = self.memory.opinions.get(decision.coin), decision.net
        market = decision.market
        supporting, opposing = self._contributions(decision)
        return Signal(
            coin=decision.coin,
            horizon_seconds=HORIZONS[0],
            action="NEUTRAL",
            score=pool.score,
            probability_up=pool.probability_up,
            confidence=0.0,
            calibrated=False,
            status=decision.status,
            as_of=seen.now,
            valid_until=seen.now,
            freshness_limit_seconds=seen.freshness_limit,
            voters=pool.voters,
            independent_voters=pool.independent_voters,
            independence_method=INDEPENDENCE_METHOD,
            scheme=self._state.scheme,
            arm=made.arm,
            config_hash=made.config_hash,
            journal_position=position,
            prev_hash="",
            hash="",
            reference_price=market.mark if market else None,
            reference_price_at=market.at if market else None,
            data_age_seconds=seen.data_age,
            coverage=seen.coverage,
            net_exposure=net,
            net_exposure_change=_change(opinion.net if opinion else None, net),
            long_exposure=decision.usd(decision.exposure.long),
            short_exposure=decision.usd(decision.exposure.short),
            regime=self._regime(decision.coin),
            contributions_for=supporting,
            contributions_against=opposing,
            models=structs.replace(
                made.models,
                regime=self._state.regimes.version(decision.coin),
                classifier=self._state.directions.stated(decision.coin, seen.now),
            ),
        )

    def _contributions(
        self, decision: Decision
    ) -> tuple[tuple[Contribution, ...], tuple[Contribution, ...]]:
        mark = decision.market.mark if decision.market else None
        link = self._rules.log_odds_per_tilt
        return contributions(
            decision.coin, decision.exposure, mark, self._state, decision.pool, link
        )

    def _why(self, decision: Decision, view: View, supporting: Sequence[Contribution]) -> str:
        kept = self._rules.conviction_kept * self._rules.log_odds_per_tilt
        cost = self._cost_to_flip(decision, view)
        return in_words(view.action, decision.pool.score, kept, view.gates, supporting, cost)

    def _cost_to_flip(self, decision: Decision, view: View) -> Decimal | None:
        """Return None where no amount would do: a gate that money does not open is shut."""
        conviction = view.gates[-1]
        if decision.market is None or decision.market.mark is None:
            return None
        if not all(gate.passed for gate in view.gates[:-1]):
            return None
        threshold = self._rules.conviction_kept if conviction.passed else self._rules.conviction
        pool, mark = decision.pool, decision.market.mark
        return cost_to_flip(decision.exposure, threshold, mark, pool.usual, pool.lean)

    def _regime(self, coin: str) -> RegimeView | None:
        found = self._state.regimes.of(coin)
        if found is None:
            return None
        standing = found.standing
        return RegimeView(state=standing.state, probability=standing.probability, scope=found.scope)


def _change(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    return None if before is None or after is None else after - before


def entropy(probabilities: Iterable[float]) -> float | None:
    """Return how undecided `probabilities` are, 1 if all are alike; None with fewer than two.

    Examples
    --------
    >>> entropy([0.5, 0.5]), entropy([1.0, 0.0]), entropy([])
    (1.0, 0.0, None)
    """
    shares = list(probabilities)
    if len(shares) in (0, 1):
        return None
    return sum(-share * log(share) for share in shares if share > 0) / log(len(shares))


def _against(exposure: Exposure, pool: Pool) -> float:
    """Return which share of the independent voices is not on the side that the pool leans to."""
    longs, shorts = exposure.voices
    both = longs + shorts
    return (shorts if pool.tilt >= 0 else longs) / both if both else 0.0
