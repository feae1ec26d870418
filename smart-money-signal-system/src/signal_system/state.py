"""The one read model: who holds what, what markets cost, how well we see. Events change it.

A pure fold over the journal: it takes time from the records, and two states that have taken the
same events agree (`State.digest`), in whatever order the streams were interleaved.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar, cast

from msgspec import Raw, Struct, json

from shared_events.envelope import StandardEvent
from shared_events.journal import Tick
from shared_events.payloads import (
    Candle,
    MarketContext,
    ModelChange,
    Prediction,
    SourceStatus,
    TrackedTrader,
    TraderPositions,
    TraderProfile,
)
from signal_system.directions import Directions, DirectionsMemory
from signal_system.domain.circumstances import Circumstances
from signal_system.domain.claims import ClosedBar
from signal_system.domain.coverage import Coverage
from signal_system.domain.exposure import SIZE_SCALE, Pooling
from signal_system.domain.market import Market, spread_of, usable
from signal_system.domain.roster import RosterSnapshot, collected
from signal_system.domain.rules import Rules
from signal_system.domain.sources import Sources
from signal_system.domain.trader import Move, Trader
from signal_system.ml.band import Band
from signal_system.price_history import LATEST, MAX_COINS, PriceHistory, is_final
from signal_system.regimes import News, Regimes, RegimesSnapshot
from signal_system.voices import Voices
from signal_system.weighting_engine import EngineSnapshot, TraderWeightingEngine

MAX_STRANGERS = 10_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Word = TypeVar("Word", TrackedTrader, TraderProfile)


class Quote(NamedTuple):
    """What a coin cost at a moment."""

    coin: str
    price: Decimal
    at: datetime


class Effect(NamedTuple):
    """What one record changed.

    Attributes
    ----------
    coins
        To decide anew.
    regimes
        There is news of.
    quote
        A price that was heard.
    moved
        Coins of which a trader's positions are news; None if none were told, or old ones.
    bar
        One that closed.
    """

    coins: Collection[str] = ()
    regimes: Sequence[News] = ()
    quote: Quote | None = None
    bar: ClosedBar | None = None
    moved: Collection[str] | None = None


_NOTHING = Effect()
_ELSEWHERE = frozenset({"binance"})
"""Venues that are told of for comparison: nobody who is tracked holds anything there."""


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
    regimes: RegimesSnapshot
    directions: DirectionsMemory
    engine: EngineSnapshot


class State:
    """Who holds what, by trader and by coin, kept up in constant time per change.

    Parameters
    ----------
    engine
        Says what a trader's opinion counts; it is told everything it learns from.
    rules
        Freshness limits and the cost that base rates are counted against.
    baseline
        Tells the market's regime while no model does.
    """

    def __init__(self, engine: TraderWeightingEngine, rules: Rules, baseline: Band) -> None:
        self._engine, self._rules = engine, rules
        self.now: datetime | None = None
        self.applied = self.ignored = 0
        self.newest: dict[str, datetime] = {}
        self.traders: dict[str, Trader] = {}
        self.voices = Voices(self.traders)
        self.markets: dict[str, Market] = {}
        self.sources = Sources()
        self.prices = PriceHistory()
        self.regimes = Regimes(rules.market_coin, baseline)
        self.directions = Directions()
        self._coverage = Coverage(timedelta(seconds=rules.freshness_seconds))
        self._newest_book_at: datetime | None = None
        self._weigh_at = _EPOCH
        self._roster: RosterSnapshot | None = None
        self._strangers: dict[str, None] = {}
        self._digests: dict[str, bytes] = {}
        self._folds: dict[str, Callable[[Any, datetime], Effect]] = {
            "trader_positions": self._on_positions,
            "tracked_traders": self._on_roster,
            "trader_profiles": self._on_profile,
            "market_contexts": self._on_market,
            "candles": self._on_candle,
            "models": self._on_model,
            "predictions": self._on_prediction,
        }

    @property
    def recording(self) -> bool:
        """Whether the events are a recording's: then only they move time."""
        return self.sources.recording

    def apply(self, record: StandardEvent[Any] | Tick) -> Effect:
        """Take one record of the journal and say what it changed."""
        if isinstance(record, Tick):
            self._catch_up(record.at)
            expired = self._expired()
            if expired:
                self._see_regimes()
            return Effect(self._expired_directions(), expired)
        self.applied += 1
        at = record.recorded_at
        if record.type == "source_status":
            self._hear_source(record.data, at)
        self._catch_up(at)
        if record.type not in self.newest or at > self.newest[record.type]:
            self.newest[record.type] = at
        fold = self._folds.get(record.type)
        effect, expired = fold(record.data, at) if fold else _NOTHING, self._expired()
        if expired:
            effect = effect._replace(regimes=(*effect.regimes, *expired))
        if coins := self._expired_directions():
            effect = effect._replace(coins={*effect.coins, *coins})
        if effect.regimes:
            self._see_regimes()
        return effect

    def is_due(self, at: datetime) -> bool:
        """Tell whether `advance` has work to do before a record of that moment is applied."""
        return at >= self._weigh_at and at < LATEST

    def advance(self, at: datetime) -> Iterator[Collection[str]]:
        """Let time pass until `at`, and weigh everybody anew in steps of a few milliseconds.

        Yields the coins that each step changed.
        """
        self._pass(at)
        before = self._engine.pooling
        for _ in self._engine.weigh_anew():
            yield ()
        for name in self._engine.changed():
            yield [coin for each in self.voices.members(name) for coin in self._reweigh(each)]
        if self._engine.pooling != before:
            yield list(self.voices.coins)
        self._weigh_at = _EPOCH + timedelta(seconds=self._engine.bar_ends_at)

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
            price_limit=self.price_limit,
            heartbeat_age=_age(self.sources.heartbeat(), now),
            heartbeat_limit=limit if self.recording else self._rules.heartbeat_seconds,
            source=self.sources.worst(),
            coverage=self._coverage.share(now),
        )

    @property
    def price_limit(self) -> float:
        """How old a reference price may be, in seconds; in a recording as old as a book."""
        limit = self._coverage.limit.total_seconds()
        return limit if self.recording else self._rules.price_seconds

    def tracked(self) -> Iterable[Trader]:
        """Return the traders on the roster."""
        return (trader for trader in self.traders.values() if trader.tracked)

    def entity_of(self, address: str) -> str:
        """Return whom an address votes as."""
        return self.voices.families.head(address)

    @property
    def scheme(self) -> str:
        """The name of the scheme by which voices now count."""
        return self._engine.scheme

    @property
    def pooling(self) -> Pooling:
        """How stakes now become tilts."""
        return self._engine.pooling

    def weight_of(self, entity: str) -> int:
        """Return the weight of the entity's head, or of its heaviest member, in ppm."""
        return self.voices.of(self.voices.speaker(entity))

    def dimensions_of(self, entity: str) -> Mapping[str, float]:
        """Return what that weight is made of."""
        speaker = self.traders.get(self.voices.speaker(entity))
        return self._engine.dimensions(entity, speaker.score if speaker else None)

    def size_of(self, entity: str, coin: str) -> int | None:
        """Return what the entity holds of `coin`, in hundred-millionths; None if unknown."""
        return self.voices.size_of(entity, coin)

    def digest(self) -> str:
        """Return a SHA-256 over what is known, which says nothing of when or in which order."""
        for address, trader in self.traders.items():
            if address not in self._digests:
                self._digests[address] = self._digest_of(trader)
        rest = (
            sorted((coin, _plain(each.mark), each.delisted) for coin, each in self.markets.items()),
            sorted((coin, sorted(each.counts.items())) for coin, each in self.prices.moves.items()),
            self.regimes.digest(),
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
            regimes=self.regimes.snapshot(),
            directions=self.directions.memory,
            engine=self._engine.snapshot(),
        )

    def restore(self, saved: StateSnapshot) -> None:
        """Become the state that `saved` was taken of; this one must be new."""
        self.now, self.applied, self.ignored = saved.now, saved.applied, saved.ignored
        self.newest, self._newest_book_at = saved.newest, saved.newest_book_at
        self.markets, self.sources, self._roster = saved.markets, saved.sources, saved.roster
        self.prices = saved.prices
        self.regimes.restore(saved.regimes)
        self.directions = Directions(saved.directions)
        self._engine.restore(saved.engine)
        self._weigh_at = _EPOCH + timedelta(seconds=self._engine.bar_ends_at)
        self._strangers = dict.fromkeys(saved.strangers)
        self.traders |= {trader.address: trader for trader in saved.traders}
        for trader in saved.traders:
            known = self.voices.families.learn(trader.address, trader.master, (), trader.children)
            for address in known:
                self.voices.families.settle(address)
        for trader in saved.traders:
            self._settle_voice(trader)
        self._judge_freshness()

    def _pass(self, at: datetime) -> None:
        if (self.now is None or at > self.now) and at < LATEST:
            self.now = at
            self._engine.pass_to((at - _EPOCH).total_seconds())

    def _catch_up(self, at: datetime) -> None:
        if self.is_due(at):
            for _ in self.advance(at):
                pass
        else:
            self._pass(at)

    def _hear_source(self, told: SourceStatus, at: datetime) -> None:
        was_live = not self.recording
        if not self.sources.hear(told, min(told.at, at)):
            self.ignored += 1
        if was_live and self.recording:
            self.now = at  # a recording has its own time, which may be long ago
            self._engine.pass_to((at - _EPOCH).total_seconds())
            self._weigh_at = _EPOCH + timedelta(seconds=self._engine.bar_ends_at)
            self._judge_freshness()
        if self._freshness_seconds() != self._coverage.limit.total_seconds():
            self._judge_freshness()

    def _on_positions(self, told: TraderPositions, at: datetime) -> Effect:
        trader = self._trader(told.address)
        moves = trader.hear(told, min(told.as_of, at))
        if moves is None:
            self.ignored += 1
            return _NOTHING
        self._see(trader)
        if not moves:
            return Effect(moved=())
        self._digests.pop(told.address, None)
        self._tell(told.address, moves)
        moved = {move.coin for move in moves}
        return Effect(self.voices.follow(told.address, moves), moved=moved)

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
        self._note_record(told)
        if told.role is None and told.master is None and not told.children:
            return _NOTHING  # whom it belongs to is not known: that parts no family
        told, trader = _no_later(told, at), self._trader(told.address)
        before = trader.children
        if not trader.introduce(told):
            self.ignored += 1
            return _NOTHING
        moved = self.voices.families.learn(told.address, trader.master, before, told.children)
        return Effect({coin for address in moved for coin in self._rehome(address)})

    def _on_market(self, told: MarketContext, at: datetime) -> Effect:
        if _is_elsewhere(told.coin):
            return _NOTHING
        known, said_at = self.markets.get(told.coin), min(told.at, at)
        if known is not None and said_at < known.at:
            self.ignored += 1
            return _NOTHING
        if known is None and len(self.markets) >= MAX_COINS:
            return _NOTHING
        mark = None if told.delisted else usable(told.mark)  # the last price of what is no market
        funding = None if told.funding is None else float(told.funding)
        impact = spread_of(told.impact_bid, told.impact_ask)
        self.markets[told.coin] = Market(
            at=said_at,
            mark=mark,
            delisted=told.delisted,
            open_interest=usable(told.open_interest),
            spread=spread_of(told.bid, told.ask) if impact is None else impact,
            funding_hourly=funding,
        )
        if mark is None:
            return Effect((told.coin,))
        self._engine.hear(told.coin, float(mark), said_at.timestamp(), funding)
        return Effect((told.coin,), quote=Quote(told.coin, mark, said_at))

    def _on_candle(self, told: Candle, at: datetime) -> Effect:
        price = usable(told.close)
        if price is None or not is_final(told, at) or _is_elsewhere(told.coin):
            return _NOTHING
        self.prices.hear(told, float(price), self._rules)
        news = self.regimes.hear(told, float(price), self.now or at)
        bar = _closed_bar(told)
        if told.coin not in self.prices.moves:
            return Effect((), news, None, bar)
        closed_at = min(told.close_time, at)
        self._engine.hear(told.coin, float(price), closed_at.timestamp())
        return Effect((), news, Quote(told.coin, price, closed_at), bar)

    def _on_model(self, told: ModelChange, at: datetime) -> Effect:
        del at
        return Effect(self.directions.adopt(told), self.regimes.adopt(told))

    def _on_prediction(self, told: Prediction, at: datetime) -> Effect:
        del at
        return Effect(self.directions.hear(told))

    def _expired(self) -> Sequence[News]:
        return () if self.now is None else self.regimes.expire(self.now)

    def _expired_directions(self) -> Sequence[str]:
        return () if self.now is None else self.directions.expire(self.now)

    def _see_regimes(self) -> None:
        """Let the engine know how probable the market's states are; one that is sure says only which."""
        found = self.regimes.of(self._rules.market_coin)
        standing = found.standing if found else None
        told = standing and (standing.probabilities or {standing.state: 1.0})
        self._engine.see_regimes({str(state): share for state, share in (told or {}).items()})

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
        for address in self.voices.families.learn(stranger, None, trader.children, ()):
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

    def _note_record(self, told: TraderProfile) -> None:
        """Let the engine know what the venue says of a voter's own account."""
        month = told.windows.get("month")
        facts: dict[str, Decimal | None] = {"maker_share": told.maker_share}
        if month is not None:
            facts |= {"roi": month.roi, "volume": month.volume, "profit": month.pnl}
        known = {name: float(fact) for name, fact in facts.items() if fact is not None}
        self._engine.note(told.address, **known)

    def _reweigh(self, trader: Trader) -> Collection[str]:
        """Give `trader` the voice that is due; return the coins this moved."""
        head, had_voice = self.voices.families.head(trader.address), self._has_voice(trader)
        if trader.tracked:
            self._engine.enrol(head, tracked=True)
            self._engine.note(head, score=None if trader.score is None else float(trader.score))
        moved = self._settle_voice(trader)
        if trader.tracked != had_voice:
            if not self.voices.members(head):
                self._engine.enrol(head, tracked=False)
            self._tell(trader.address, _all_of(trader))
        return moved

    def _has_voice(self, trader: Trader) -> bool:
        return trader.address in self.voices.weights

    def _settle_voice(self, trader: Trader) -> Collection[str]:
        address, tracked = trader.address, trader.tracked
        head = self.voices.families.head(address)
        voice = self._engine.voice(head, trader.score) if tracked else None
        moved = self.voices.give(trader, voice)
        if tracked:
            self._strangers.pop(address, None)
        else:
            self._estrange(address)
        self._digests.pop(address, None)
        self._see(trader)
        return moved

    def _see(self, trader: Trader) -> None:
        """Note as of when the book of `trader` is known; off the roster it is no news.

        Whoever is on it without a say counts next to nothing, unless nobody has a say.
        """
        at = trader.verified_at
        weight = max(1, self.voices.of(trader.address)) if self._has_voice(trader) else 0
        self._coverage.see(trader.address, weight, at)
        if weight and at and (self._newest_book_at is None or at > self._newest_book_at):
            self._newest_book_at = at

    def _rehome(self, address: str) -> Collection[str]:
        self._digests.pop(address, None)
        before = self.voices.families.head(address)
        moved = self.voices.rehome(address)
        trader = self.traders.get(address)
        if trader is not None and self._has_voice(trader):
            self._engine.enrol(self.voices.families.head(address), tracked=True)
            self._tell(address, _all_of(trader))
            self._tell_of(before, _all_of(trader))
        return moved

    def _tell(self, address: str, moves: Iterable[Move]) -> None:
        """Let the engine follow whoever `address` votes as."""
        self._tell_of(self.voices.families.head(address), moves)

    def _tell_of(self, head: str, moves: Iterable[Move]) -> None:
        number = self._engine.roll.number(head)
        if number is None:
            return
        for coin, before, after in moves:
            size, equity = self.voices.stance(head, coin)
            side = 1 if after > before else -1
            self._engine.follow(number, coin, size / SIZE_SCALE, equity, side)

    def _freshness_seconds(self) -> float:
        return self.sources.freshness_seconds(self._rules.freshness_seconds)

    def _judge_freshness(self) -> None:
        self._coverage.judge_by(timedelta(seconds=self._freshness_seconds()))

    def _digest_of(self, trader: Trader) -> bytes:
        book = sorted((coin, held.size) for coin, held in trader.book.items() if held.size)
        weight = self.voices.of(trader.address)
        if not book and not weight:
            return b""
        head = self.voices.families.head(trader.address)
        return sha256(json.encode((trader.address, head, weight, book))).digest()


def _no_later(told: Word, at: datetime) -> Word:
    """Return `told` as said no later than it was recorded: a stray future would outlast all news."""
    return told if told.at <= at else told.model_copy(update={"at": at})


def _closed_bar(told: Candle) -> ClosedBar | None:
    """Return the bar of a final candle, if bets are decided by such."""
    if told.interval != "1h":
        return None
    moments = told.open_time, told.close_time
    return ClosedBar(told.coin, *moments, told.high, told.low, told.close)


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())


def _plain(price: Decimal | None) -> str:
    """Return the same text for 100 and 100.0."""
    return "" if price is None else format(price.normalize(), "f")


def _all_of(trader: Trader) -> list[Move]:
    """Return the moves from nothing to what `trader` holds."""
    return [Move(coin, 0, held.voice) for coin, held in trader.book.items()]


def _is_elsewhere(coin: str) -> bool:
    return coin.partition(":")[0] in _ELSEWHERE
