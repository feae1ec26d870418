"""From what traders do to the alerts that somebody would want to have."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct, convert, field, to_builtins

from shared_events.payloads import Position, PositionChange, TraderPositions, WhaleAlert
from shared_events.types import Freshness
from signal_system.domain.market import Market
from signal_system.domain.size_cohorts import size_cohort
from signal_system.domain.trader import Trader
from signal_system.whale_alerts.config import AlertRules
from signal_system.whale_alerts.episodes import Episodes
from signal_system.whale_alerts.habits import Habits
from signal_system.whale_alerts.registry import RULES
from signal_system.whale_alerts.rule import Case, Finding, Holding, Person, Rule
from signal_system.whale_alerts.tally import Tally
from signal_system.whale_alerts.telling import Telling, Verdict


class Known(Protocol):
    """What the detector asks the state for."""

    @property
    def traders(self) -> Mapping[str, Trader]:
        """Everybody, by address."""
        ...

    @property
    def markets(self) -> Mapping[str, Market]:
        """Every coin that was told of."""
        ...

    def entity_of(self, address: str) -> str:
        """Return whom an address votes as."""
        ...


class Asking(Protocol):
    """Puts one question to a rule."""

    def __call__(self, rule: Rule) -> Iterable[Finding]:
        """Return what the rule finds."""
        ...


class AlertMemory(Struct, kw_only=True):
    """What the detector remembers, for a snapshot.

    Attributes
    ----------
    perils
        Large positions that the venue may close, by coin and address.
    rules
        What each rule remembers, by name.
    """

    episodes: Episodes = field(default_factory=Episodes)
    habits: Habits = field(default_factory=Habits)
    telling: Telling = field(default_factory=Telling)
    tally: Tally = field(default_factory=Tally)
    perils: dict[str, dict[str, Position]] = {}
    rules: dict[str, Any] = {}


class WhaleAlertDetector:
    """Coalesces trades into moves, asks every rule about them, and tells each finding once.

    Parameters
    ----------
    limits
        The rules' thresholds.
    known
        Read, never changed.
    rules
        Those to ask.
    """

    def __init__(
        self, limits: AlertRules, known: Known, rules: Iterable[type[Rule]] = RULES
    ) -> None:
        self._limits, self._known = limits, known
        self._rules = [rule() for rule in rules]
        self._gap = timedelta(seconds=limits.episode_gap_seconds)
        self._cool_down = timedelta(seconds=limits.cool_down_seconds)
        self.memory = AlertMemory()

    def hear(
        self, told: TraderPositions, coins: Collection[str], at: datetime, event: str
    ) -> Iterator[WhaleAlert]:
        """Yield what the news of a trader is worth.

        Parameters
        ----------
        coins
            Those whose size it changed.
        at
            When it was recorded: nothing happened later.
        event
            Its id.
        """
        self._end_moves(at)
        habits = self.memory.habits
        for change in told.changes:
            if change.coin in coins and change.size_after != change.size_before:
                when = min(change.last.time if change.last else told.as_of, at)
                yield from self._moved(self._case(told.address, change, when, event))
        habits.holds(told.address, {each.coin for each in told.positions if each.size})
        for coin in coins:
            self.memory.perils.get(coin, {}).pop(told.address, None)
        book = self._known.traders[told.address].book
        for position in told.positions:
            if book[position.coin].sequence == told.sequence:
                yield from self._note_peril(told.address, position, at)

    def price(self, coin: str, at: datetime) -> Iterator[WhaleAlert]:
        """Yield which large positions of `coin` are in danger at its new price."""
        market, perils = self._known.markets.get(coin), self.memory.perils.get(coin)
        if market is None or market.mark is None or not perils:
            return
        for address, position in perils.items():
            yield from self._held(Holding(address, position, market.mark, at))

    def tick(self, status: Freshness, now: datetime) -> Iterator[WhaleAlert]:
        """Yield what the passing of time leads to, `status` being how well everything is seen."""
        self._end_moves(now)
        yield from self._told(lambda rule: rule.seen(status, now))

    def snapshot(self) -> AlertMemory:
        """Return what `restore` needs to go on from here."""
        self.memory.rules = {
            rule.name: to_builtins(rule.memory) for rule in self._rules if rule.memory is not None
        }
        return self.memory

    def restore(self, saved: AlertMemory) -> None:
        """Become the detector that `saved` was taken of; a rule it did not know starts anew."""
        self.memory = saved
        for rule in self._rules:
            if rule.memory is not None and rule.name in saved.rules:
                rule.memory = convert(saved.rules[rule.name], type(rule.memory))

    def rewind(self) -> None:
        """Forget what goes on: time went back to where a recording begins."""
        self.memory = AlertMemory(habits=self.memory.habits, tally=self.memory.tally)
        self._rules = [type(rule)() for rule in self._rules]

    def _end_moves(self, now: datetime) -> None:
        for episode in self.memory.episodes.over(now, self._gap):
            self.memory.habits.learn(episode)

    def _case(self, address: str, change: PositionChange, at: datetime, event: str) -> Case:
        """Return the move that `change` is part of, grown by it."""
        episodes, habits = self.memory.episodes, self.memory.habits
        ended = episodes.interrupted(address, change, at, self._gap)
        if ended is not None:
            habits.learn(ended)
        market, trader = self._known.markets.get(change.coin), self._known.traders.get(address)
        episode = episodes.begin_or_go_on(address, change, at)
        episode.grow(change, market.mark if market else None, at, event)
        equity = trader.equity if trader else None
        person = Person(address, self._known.entity_of(address), equity, habits.of(address))
        return Case(episode, person, market, self._limits)

    def _moved(self, case: Case) -> Iterator[WhaleAlert]:
        return self._told(lambda rule: rule.moved(case))

    def _held(self, holding: Holding) -> Iterator[WhaleAlert]:
        return self._told(lambda rule: rule.held(holding, self._limits))

    def _note_peril(self, address: str, position: Position, at: datetime) -> Iterator[WhaleAlert]:
        market = self._known.markets.get(position.coin)
        perils = self.memory.perils.setdefault(position.coin, {})
        perils.pop(address, None)
        mark = position.mark or (market.mark if market else None)
        if position.liquidation_price is None or mark is None:
            return
        if abs(position.size) * mark >= self._limits.notional:
            perils[address] = position
            yield from self._held(Holding(address, position, mark, at))

    def _told(self, ask: Asking) -> Iterator[WhaleAlert]:
        for rule in self._rules:
            for finding in ask(rule):
                verdict = self.memory.telling.judge(
                    rule.name, finding, self._limits.severity_steps, self._cool_down
                )
                if verdict is not None:
                    yield _alert(rule, finding, verdict)


def _alert(rule: Rule, finding: Finding, verdict: Verdict) -> WhaleAlert:
    case = finding.case
    return WhaleAlert(
        alert_id=verdict.alert_id,
        rule=rule.name,
        rule_version=rule.version,
        severity=verdict.severity,
        episode=finding.thread,
        at=finding.at,
        message=finding.message,
        supersedes=verdict.supersedes,
        magnitude=round(finding.magnitude, 4),
        **(_of_nobody(finding) if case is None else _of_move(case)),
    )


def _of_nobody(finding: Finding) -> dict[str, Any]:
    return {
        "address": finding.address,
        "coin": finding.coin,
        "side": finding.side,
        "notional": finding.notional,
    }


def _of_move(case: Case) -> dict[str, Any]:
    episode, equity = case.episode, case.person.equity
    return {
        "address": episode.address,
        "coin": episode.coin,
        "side": episode.side,
        "notional": episode.notional,
        "share_of_equity": case.share_of_equity,
        "share_of_open_interest": case.share_of_open_interest,
        "price": episode.price,
        "before": episode.before,
        "after": episode.after,
        "tier": None if equity is None else size_cohort(equity),
        "evidence": episode.evidence,
    }
