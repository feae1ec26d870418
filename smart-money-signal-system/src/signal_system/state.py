"""The one read model: who holds what, what markets cost, how well we see. Events change it.

A pure fold over the journal: it takes time from the records, and two states that have taken the
same events agree (`State.digest`), in whatever order the streams were interleaved.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar, cast

from msgspec import Raw, Struct, json

from shared_events.envelope import StandardEvent
from shared_events.journal import Tick
from shared_events.payloads import (
    Candle,
    MarketContext,
    SourceStatus,
    TrackedTrader,
    TraderPositions,
    TraderProfile,
)
from signal_system.domain.circumstances import Circumstances
from signal_system.domain.coverage import Coverage
from signal_system.domain.exposure import Exposure
from signal_system.domain.families import Families
from signal_system.domain.market import Market, usable
from signal_system.domain.roster import RosterSnapshot, collected
from signal_system.domain.rules import Rules
from signal_system.domain.sources import Sources
from signal_system.domain.trader import Move, Trader
from signal_system.ml.regime_detection import RegimeModel
from signal_system.price_history import LATEST, MAX_COINS, PriceHistory, is_final
from signal_system.weighting_engine import TraderWeightingEngine, Weight

MAX_STRANGERS = 10_000

_SILENT = Weight(0)

Word = TypeVar("Word", TrackedTrader, TraderProfile)


class Effect(NamedTuple):
    """What one record changed: the coins to decide anew, the scopes whose regime turned."""

    coins: Collection[str] = ()
    turned: Collection[str] = ()


_NOTHING = Effect()


class StateSnapshot(Struct, kw_only=True):
    """Everything a state is made of, less what follows from it."""

    now: datetime | None
    applied: int
    ignored: int
    newest: dict[str, datetime]
    newest_book_at: datetime | None
    traders: list[Trader]
    strangers: list[str]
    roster: RosterSnapshot | None
    markets: dict[str, Market]
    sources: Sources
    prices: PriceHistory


class State:
    """Who holds what, by trader and by coin, kept up in constant time per change.

    Parameters
    ----------
    engine
        Says what a trader's opinion counts.
    rules
        Freshness limits and the cost that base rates are counted against.
    model
        The band of the regime.
    """

    def __init__(self, engine: TraderWeightingEngine, rules: Rules, model: RegimeModel) -> None:
        self._engine, self._rules, self._model = engine, rules, model
        self.now: datetime | None = None
        self.applied = self.ignored = 0
        self.newest: dict[str, datetime] = {}
        self.traders: dict[str, Trader] = {}
        self.weights: dict[str, Weight] = {}
        self.families = Families()
        self.coins: dict[str, Exposure] = {}
        self.markets: dict[str, Market] = {}
        self.sources = Sources()
        self.prices = PriceHistory()
        self._coverage = Coverage(timedelta(seconds=rules.freshness_seconds))
        self._newest_book_at: datetime | None = None
        self._roster: RosterSnapshot | None = None
        self._strangers: dict[str, None] = {}
        self._digests: dict[str, bytes] = {}
        self._folds: dict[str, Callable[[Any, datetime], Effect]] = {
            "trader_positions": self._on_positions,
            "tracked_traders": self._on_roster,
            "trader_profiles": self._on_profile,
            "market_contexts": self._on_market,
            "candles": self._on_candle,
        }

    @property
    def recording(self) -> bool:
        """Whether the events are a recording's: then only they move time."""
        return self.sources.recording

    def apply(self, record: StandardEvent[Any] | Tick) -> Effect:
        """Take one record of the journal and say what it changed."""
        if isinstance(record, Tick):
            self._pass(record.at)
            return _NOTHING
        self.applied += 1
        at = record.recorded_at
        if record.type == "source_status":
            self._hear_source(record.data, at)
        self._pass(at)
        if record.type not in self.newest or at > self.newest[record.type]:
            self.newest[record.type] = at
        fold = self._folds.get(record.type)
        return fold(record.data, at) if fold else _NOTHING

    def circumstances(self) -> Circumstances | None:
        """Return how well everything is seen now; None before the first record."""
        now = self.now
        if now is None:
            return None
        limit = self._coverage.limit.total_seconds()
        return Circumstances(
            now=now,
            data_age=_age(self._newest_book_at, now),
            freshness_limit=limit,
            price_limit=limit if self.recording else self._rules.price_seconds,
            heartbeat_age=_age(self.sources.heartbeat(), now),
            heartbeat_limit=limit if self.recording else self._rules.heartbeat_seconds,
            source=self.sources.worst(),
            coverage=self._coverage.share(now),
        )

    def weight_of(self, entity: str) -> Weight:
        """Return the weight of the entity's head, or of its heaviest member if that has none."""
        own = self.weights.get(entity)
        if own is not None:
            return own
        members = (
            self.weights.get(each, _SILENT) for each in sorted(self.families.members(entity))
        )
        return max(members, key=lambda weight: weight.ppm, default=_SILENT)

    def size_of(self, entity: str, coin: str) -> int | None:
        """Return what the entity's tracked members hold of `coin`, in hundred-millionths.

        None if one of them holds nobody knows what.
        """
        books = [
            self.traders[address].book
            for address in self.families.members(entity)
            if address in self.weights
        ]
        sizes = [book[coin].size for book in books if coin in book]
        return None if None in sizes else sum(size for size in sizes if size)

    def tracked(self) -> Iterable[Trader]:
        """Return the traders on the roster."""
        return (trader for trader in self.traders.values() if trader.tracked)

    def digest(self) -> str:
        """Return a SHA-256 over what is known, which says nothing of when or in which order."""
        for address, trader in self.traders.items():
            if address not in self._digests:
                self._digests[address] = self._digest_of(trader)
        rest = (
            sorted((coin, _plain(each.mark), each.delisted) for coin, each in self.markets.items()),
            sorted((coin, sorted(each.counts.items())) for coin, each in self.prices.moves.items()),
            sorted((coin, each.standing) for coin, each in self.prices.regimes.items()),
        )
        traders = b"".join(self._digests[address] for address in sorted(self.traders))
        return sha256(traders + json.encode(rest)).hexdigest()

    def snapshot(self, traders: Sequence[Raw] | None = None) -> StateSnapshot:
        """Return what `restore` needs to go on from here, `traders` encoded or as they are."""
        return StateSnapshot(
            now=self.now,
            applied=self.applied,
            ignored=self.ignored,
            newest=self.newest,
            newest_book_at=self._newest_book_at,
            traders=cast("list[Trader]", traders) or list(self.traders.values()),
            strangers=list(self._strangers),
            roster=self._roster,
            markets=self.markets,
            sources=self.sources,
            prices=self.prices,
        )

    def restore(self, saved: StateSnapshot) -> None:
        """Become the state that `saved` was taken of; this one must be new."""
        self.now, self.applied, self.ignored = saved.now, saved.applied, saved.ignored
        self.newest, self._newest_book_at = saved.newest, saved.newest_book_at
        self.markets, self.sources, self._roster = saved.markets, saved.sources, saved.roster
        self.prices = saved.prices
        self._strangers = dict.fromkeys(saved.strangers)
        self.traders = {trader.address: trader for trader in saved.traders}
        for trader in saved.traders:
            known = self.families.learn(trader.address, trader.master, (), trader.children)
            for address in known:
                self.families.settle(address)
        for trader in saved.traders:
            self._reweigh(trader)
        self._judge_freshness()

    def _pass(self, at: datetime) -> None:
        if (self.now is None or at > self.now) and at < LATEST:
            self.now = at

    def _hear_source(self, told: SourceStatus, at: datetime) -> None:
        was_live = not self.recording
        if not self.sources.hear(told, min(told.at, at)):
            self.ignored += 1
        if was_live and self.recording:
            self.now = at  # a recording has its own time, which may be long ago
            self._judge_freshness()
        if self._freshness_seconds() != self._coverage.limit.total_seconds():
            self._judge_freshness()

    def _on_positions(self, told: TraderPositions, at: datetime) -> Effect:
        trader = self._trader(told.address)
        moves = trader.hear(told, min(told.as_of, at))
        if moves is None:
            self.ignored += 1
            return _NOTHING
        weight = self.weights.get(told.address, _SILENT).ppm
        self._see(trader, weight)
        if not moves:
            return _NOTHING
        self._digests.pop(told.address, None)
        head = self.families.head(told.address)
        return Effect([move.coin for move in moves if self._shift(head, weight, move)])

    def _on_roster(self, told: TrackedTrader, at: datetime) -> Effect:
        told, trader = _no_later(told, at), self._trader(told.address)
        if not trader.enrol(told):
            self.ignored += 1
        self._roster = collected(self._roster, told)
        changed = [trader]
        if self._roster is not None and self._roster.is_whole:
            changed += self._left_out_of(self._roster)
            self._roster = None
        return Effect({coin for each in changed for coin in self._reweigh(each)})

    def _on_profile(self, told: TraderProfile, at: datetime) -> Effect:
        if told.role is None and told.master is None and not told.children:
            return _NOTHING  # whom it belongs to is not known: that parts no family
        told, trader = _no_later(told, at), self._trader(told.address)
        before = trader.children
        if not trader.introduce(told):
            self.ignored += 1
            return _NOTHING
        moved = self.families.learn(told.address, told.master, before, told.children)
        return Effect({coin for address in moved for coin in self._rehome(address)})

    def _on_market(self, told: MarketContext, at: datetime) -> Effect:
        known, said_at = self.markets.get(told.coin), min(told.at, at)
        if known is not None and said_at < known.at:
            self.ignored += 1
            return _NOTHING
        if known is None and len(self.markets) >= MAX_COINS:
            return _NOTHING
        mark = None if told.delisted else usable(told.mark)  # the last price of what is no market
        self.markets[told.coin] = Market(said_at, mark, told.delisted)
        return Effect((told.coin,))

    def _on_candle(self, told: Candle, at: datetime) -> Effect:
        if not is_final(told, at):
            return _NOTHING
        return Effect((), self.prices.hear(told, self._rules, self._model))

    def _trader(self, address: str) -> Trader:
        """Return the trader, new if need be; strangers are forgotten before memory runs out."""
        trader = self.traders.get(address)
        if trader is None:
            trader = self.traders[address] = Trader(address=address)
            self._estrange(address)
        return trader

    def _estrange(self, address: str) -> None:
        self._strangers[address] = None
        if len(self._strangers) > MAX_STRANGERS:
            self._forget(next(iter(self._strangers)))

    def _forget(self, stranger: str) -> None:
        del self._strangers[stranger]
        trader = self.traders.pop(stranger)
        self._digests.pop(stranger, None)
        for address in self.families.learn(stranger, None, trader.children, ()):
            self._rehome(address)

    def _left_out_of(self, roster: RosterSnapshot) -> list[Trader]:
        gone = [
            trader
            for trader in self.tracked()
            if trader.address not in roster.addresses
            and (trader.rostered_at is None or trader.rostered_at <= roster.at)
        ]
        for trader in gone:
            trader.tracked, trader.rostered_at = False, roster.at
        return gone

    def _reweigh(self, trader: Trader) -> Collection[str]:
        """Give `trader` the voice that is due; return the coins this moved."""
        address, weight = trader.address, self._engine.weigh(trader)
        before = self.weights.get(address, _SILENT).ppm
        if trader.tracked:
            self.weights[address] = weight
            self._strangers.pop(address, None)
        else:
            self.weights.pop(address, None)
            self._estrange(address)
        self._digests.pop(address, None)
        self._see(trader, weight.ppm)
        if weight.ppm == before:
            return ()
        head = self.families.head(address)
        return [
            coin
            for coin, held in trader.book.items()
            if self._shift(head, weight.ppm - before, Move(coin, 0, held.voice))
        ]

    def _see(self, trader: Trader, weight: int) -> None:
        """Note as of when the book of `trader` is known; without a voice it is no news."""
        at = trader.verified_at
        self._coverage.see(trader.address, weight, at)
        if weight and at and (self._newest_book_at is None or at > self._newest_book_at):
            self._newest_book_at = at

    def _rehome(self, address: str) -> Collection[str]:
        """Let `address` vote with its family; return the coins this moved."""
        before = self.families.head(address)
        self.families.settle(address)
        after = self.families.head(address)
        trader = self.traders.get(address)
        self._digests.pop(address, None)
        if before == after or trader is None:
            return ()
        weight = self.weights.get(address, _SILENT).ppm
        for coin, held in trader.book.items():
            self._shift(before, weight, Move(coin, held.voice, 0))
            self._shift(after, weight, Move(coin, 0, held.voice))
        return list(trader.book) if weight else ()

    def _shift(self, head: str, weight: int, move: Move) -> bool:
        """Move the stake of `head`; tell whether that changed the coin."""
        if not weight:
            return False
        exposure = self.coins.get(move.coin)
        if exposure is None:
            if len(self.coins) >= MAX_COINS:
                return False
            exposure = self.coins[move.coin] = Exposure()
        exposure.shift(head, weight * (move.after - move.before))
        return True

    def _freshness_seconds(self) -> float:
        return self.sources.freshness_seconds(self._rules.freshness_seconds)

    def _judge_freshness(self) -> None:
        self._coverage.judge_by(timedelta(seconds=self._freshness_seconds()))

    def _digest_of(self, trader: Trader) -> bytes:
        book = sorted((coin, held.size) for coin, held in trader.book.items() if held.size)
        weight = self.weights.get(trader.address, _SILENT).ppm
        if not book and not weight:
            return b""
        head = self.families.head(trader.address)
        return sha256(json.encode((trader.address, head, weight, book))).digest()


def _no_later(told: Word, at: datetime) -> Word:
    """Return `told` as said no later than it was recorded: a stray future would outlast all news."""
    return told if told.at <= at else told.model_copy(update={"at": at})


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())


def _plain(price: Decimal | None) -> str:
    """Return the same text for 100 and 100.0."""
    return "" if price is None else format(price.normalize(), "f")
