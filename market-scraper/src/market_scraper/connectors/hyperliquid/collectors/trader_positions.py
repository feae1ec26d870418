"""Follow what tracked traders hold, live: public trades on top of stated books."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import ClassVar

import structlog

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.following import Following
from market_scraper.connectors.hyperliquid.parse import parse_candle, parse_state
from market_scraper.connectors.hyperliquid.parse_history import OwnFills
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.connectors.hyperliquid.throttle import Urgency
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import milliseconds
from market_scraper.outlet import Outlet
from market_scraper.positions.anchors import Account, BookId
from market_scraper.positions.books import Books
from market_scraper.positions.information import worth
from market_scraper.positions.reconciliation import Verdict
from market_scraper.positions.roster import Member
from market_scraper.positions.rotation import Lane, Rotation
from market_scraper.storage.repository import Repository
from shared_events.errors import DataError, TransientError
from shared_events.payloads import TraderFill
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_POLLERS = {Lane.DOUBT: 2, Lane.ANCHOR: 4, Lane.AUDIT: 2}
"""How many ask at once; those that wait for budget leave the more urgent lanes to the others."""

_IDLE_SECONDS = 0.1
_AGAIN_SECONDS = 2.5
_TRUST_FEED_AFTER_SECONDS = 30.0
_SAVE_SECONDS = 1.0
_REPUBLISH_STEP_SECONDS = 1.0
_TOLD_AT_ONCE = 100
"""Traders whose events are made in one go: about 2 ms."""


class TraderPositionsCollector:
    """Anchors every tracked trader's book, carries it on by the trades, and audits it in turn.

    Parameters
    ----------
    info
        Asked for states.
    feed
        Brings the trades.
    outlet
        Where changes are told.
    repository
        Keeps the sequences.

    Attributes
    ----------
    value
        Says in which order books are learned, the highest first.
    """

    name: ClassVar[str] = "trader_ws"

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        info: InfoClient,
        feed: Feed,
        venue_time: VenueTime,
        outlet: Outlet,
        repository: Repository,
        clock: Clock,
        *,
        coalesce_seconds: float = 0.02,
        republish_seconds: float = 900.0,
        audit_seconds: float = 60.0,
    ) -> None:
        self.pulse = Pulse()
        self.following = Following()
        self.unknown_answers = 0
        self.on_state: list[Callable[[Sequence[Account]], None]] = []
        self.on_learned: list[Callable[[Account], None]] = []
        self.verified: Callable[[], frozenset[str]] = frozenset
        self.value: Callable[[Member], Decimal] = attrgetter("score")
        self._info = info
        self._feed = feed
        self._venue_time = venue_time
        self._outlet = outlet
        self._repository = repository
        self._clock = clock
        self._coalesce_seconds = coalesce_seconds
        self._republish_seconds = republish_seconds
        self._rotation = Rotation(audit_seconds)
        self._untold = asyncio.Event()
        feed.on_trades.append(self._on_trades)

    @property
    def books(self) -> Books:
        """What everybody who is followed holds."""
        return self.following.books

    @property
    def members(self) -> Mapping[str, Member]:
        """Who is followed."""
        return self.following.members

    def subscribe_traders(self, members: Iterable[Member]) -> None:
        """Track exactly `members`."""
        wanted = {member.address: member for member in members}
        for address in self.members.keys() - wanted.keys():
            self.remove_trader(address)
        for member in wanted.values():
            if self.members.get(member.address) != member:
                self.add_trader(member)

    def add_trader(self, member: Member) -> None:
        """Track `member`: its trades from now on, its book as soon as the venue has stated it."""
        if self.following.add(member, self._feed.tape.newest_ms):
            self._rotation.enter(BookId(member.address), self.value(member))

    def remove_trader(self, address: str) -> None:
        """Track `address` no more."""
        for account in list(self.books.of(address)):
            self._rotation.leave(account.id)
        self.following.remove(address)

    def take_fills(self, own: OwnFills) -> list[TraderFill]:
        """Let a trader's books rest on its own fills; return those that are news."""
        learned, news = self.following.told(own, milliseconds(self._venue_time.now()))
        for account, verdict in learned:
            if account.anchored:
                self._follow_up(account, verdict)
            else:
                self._rotation.enter(account.id, self.members[account.address].score)
        return news

    def take_candle(self, raw: bytes) -> None:
        """Hold the trades seen against a candle of the venue's; doubt whom missing ones can have touched."""
        now = self._venue_time.now()
        candle = parse_candle(raw, now, "websocket")
        for until_ms, doubted in self.following.candle(candle, milliseconds(now)):
            self._hurry(candle.coin, until_ms, doubted)

    def ended(self, coin: str, ms: int) -> None:
        """Ask for the books of whoever held `coin`, which was delisted by `ms`."""
        held = self.following.ended(coin, ms)
        for account in held:
            self._rotation.doubt(account.id, 0.0)
        log.info("coin_delisted", coin=coin, held_by=len(held))

    async def collect(self) -> None:
        """Keep every book right, until cancelled."""
        for address, sequence in (await self._repository.sequences()).items():
            used = self.books.sequences.get(address, sequence)
            self.books.sequences[address] = max(sequence, used)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._flush())
            tasks.create_task(self._republish())
            tasks.create_task(self._save())
            await self._feed_is_ready()
            for lane, pollers in _POLLERS.items():
                for _ in range(pollers):
                    tasks.create_task(self._poll(lane))

    async def settle(self) -> None:
        """Tell and save what is left; called once at the end."""
        await self._outlet.tell(self.books.drain())
        await self._repository.save_sequences(self.books.sequences)

    def _on_trades(self, seen: TradesSeen) -> None:
        now, doubted = self._now(), self.following.trades(seen)
        for account in doubted.by_trade:
            if account.anchored:
                self._rotation.doubt(account.id, now + _AGAIN_SECONDS)
            else:
                self._rotation.enter(account.id, self.value(self.members[account.address]))
        if doubted.gap:
            self._hurry(seen.coin, seen.taken.covered_from_ms, doubted.by_gap)
        if self.books.untold:
            self._untold.set()

    def _hurry(self, coin: str, until_ms: int | None, doubted: Sequence[Account]) -> None:
        """Ask for the books in doubt at once, and sooner for all others: they may have entered."""
        for account in doubted:
            self._rotation.doubt(account.id, 0.0)
        self._rotation.hasten(self._now())
        log.warning("trades_missed", coin=coin, until_ms=until_ms, doubted=len(doubted))
        if self.books.untold:
            self._untold.set()

    async def _feed_is_ready(self) -> None:
        """Wait for the trades: a state can only be carried on if they are seen."""
        waited = 0.0
        while not self._feed.ready and waited < _TRUST_FEED_AFTER_SECONDS:
            await self._clock.sleep(_IDLE_SECONDS)
            waited += _IDLE_SECONDS

    async def _poll(self, lane: Lane) -> None:
        while True:
            book = self._rotation.next(self._now(), lane)
            if book is None:
                await self._clock.sleep(_IDLE_SECONDS)
            else:
                await self._learn(book)

    async def _learn(self, book: BookId) -> None:
        account = self.books.account(book)
        if account is None:
            return
        try:
            raw = await self._info.clearinghouse_state(
                book.address, _urgency(account), dex=book.dex
            )
            verdict = self.following.state(book.address, parse_state(raw), book.dex)
        except (TransientError, DataError) as e:
            self.unknown_answers += 1
            log.info("state_unknown", address=book.address, dex=book.dex, reason=str(e))
            self._rotation.failed(book, _lane(account), self._now() + _AGAIN_SECONDS)
            return
        if verdict is None:
            return
        self.pulse.beat(self._clock.now())
        self._schedule(account, again=verdict.again)
        if self.books.accounts[book.address].anchored:
            for listen in self.on_state:
                listen(list(self.books.of(book.address)))
        self._follow_up(account, verdict)

    def _follow_up(self, account: Account, verdict: Verdict) -> None:
        """Do what follows from what a state or a fill led to."""
        for listen in self.on_learned:
            listen(account)
        if verdict.outcome == "repaired":
            coins = {move.coin: move.cause for move in verdict.moves}
            log.warning("positions_repaired", address=account.address, coins=coins)
        if verdict.again and account.anchored:
            self._rotation.doubt(account.id, self._now() + _AGAIN_SECONDS)
        if self.books.untold:
            self._untold.set()

    def _schedule(self, account: Account, *, again: bool) -> None:
        now = self._now()
        if again and not account.anchored:
            self._rotation.failed(account.id, Lane.ANCHOR, now + _AGAIN_SECONDS)
            return
        verified = account.address in self.verified()
        member = self.members[account.address]
        self._rotation.done(account.id, now, worth(account, member, verified=verified))

    async def _flush(self) -> None:
        while True:
            await self._untold.wait()
            await self._clock.sleep(self._coalesce_seconds)
            self._untold.clear()
            for _ in range(0, len(self.books.untold), _TOLD_AT_ONCE):
                await self._outlet.tell(self.books.drain(_TOLD_AT_ONCE))
                await asyncio.sleep(0)

    async def _republish(self) -> None:
        """Tell every whole book once in `republish_seconds`, a few each second."""
        waiting: deque[str] = deque()
        owed = 0.0
        while True:
            await self._clock.sleep(_REPUBLISH_STEP_SECONDS)
            as_of = milliseconds(self._venue_time.now()) if self._feed.ready else None
            owed += len(self.members) * _REPUBLISH_STEP_SECONDS / self._republish_seconds
            while owed >= 1 and self.members:
                owed -= 1
                if not waiting:
                    waiting.extend(self.members)
                self.books.retell(waiting.popleft(), as_of)
            if self.books.untold:
                self._untold.set()

    async def _save(self) -> None:
        while True:
            await self._clock.sleep(_SAVE_SECONDS)
            news, self.books.unsaved = self.books.unsaved, {}
            try:
                await self._repository.save_sequences(news)
            except TransientError as e:
                self.books.unsaved = news | self.books.unsaved
                log.warning("sequences_not_saved", reason=str(e))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _lane(account: Account) -> Lane:
    if account.doubts:
        return Lane.DOUBT
    return Lane.AUDIT if account.anchored else Lane.ANCHOR


def _urgency(account: Account) -> Urgency:
    if account.doubts:
        return Urgency.DOUBT
    return Urgency.AUDIT if account.anchored else Urgency.ANCHOR
