"""What one run of a recorded scraper knows, and what each note makes of that."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from market_scraper.connectors.binance.collectors import funding_source
from market_scraper.connectors.binance.tapped import place_of
from market_scraper.connectors.context_metrics import Memory, news, remember
from market_scraper.connectors.hyperliquid.builders import CONTEXTS, BuilderMarkets
from market_scraper.connectors.hyperliquid.collectors.completeness import CANDLES
from market_scraper.connectors.hyperliquid.collectors.status import sight_of, status_of
from market_scraper.connectors.hyperliquid.following import Following
from market_scraper.connectors.hyperliquid.listing import Listing
from market_scraper.connectors.hyperliquid.parse import (
    parse_candle,
    parse_candles,
    parse_contexts,
    parse_metas,
    parse_role,
    parse_state,
    parse_sub_accounts,
    parse_vault,
)
from market_scraper.connectors.hyperliquid.parse_history import USER_FILLS, parse_user_fills
from market_scraper.connectors.hyperliquid.ranking import (
    WINDOWS,
    chunks,
    departures,
    introductions,
    profile,
    ranking,
)
from market_scraper.connectors.hyperliquid.rest import LEADERBOARD
from market_scraper.connectors.hyperliquid.session import (
    Data,
    Session,
    Subscription,
    TradesSeen,
)
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.connectors.registry import CONTEXT_SOURCES
from market_scraper.moments import milliseconds
from market_scraper.positions.books import Books
from market_scraper.positions.identity import Identity, Relations
from market_scraper.positions.roster import Member, Overrides, turnover
from market_scraper.positions.scoring import Standing
from market_scraper.processors.candles import BuiltCandles
from market_scraper.processors.contexts import ContextNews
from market_scraper.processors.trade_flow import FlowBars
from market_scraper.recording.binance_run import BinanceRun
from market_scraper.recording.notes import Note, Rules, decode_roster
from shared_events.payloads import SourceStatus
from shared_events.runtime.clock import Clock

_BINANCE = place_of("")
_SETTLE = timedelta(seconds=2)
_FUNDING = funding_source("", ())
_SOURCES = {source.name: source for source in (*CONTEXT_SOURCES, _FUNDING)}


class _Sent(msgspec.Struct):
    method: str
    subscription: Subscription | None = None


_sent = msgspec.json.Decoder(_Sent)
_request = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Kept:
    """What a scraper keeps from one run to the next."""

    sequences: dict[str, int] = field(default_factory=dict)
    roster: dict[str, Member] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    readings: Memory = field(default_factory=dict)


class Run:
    """Facts out of notes.

    Parameters
    ----------
    kept
        From the runs before; brought up to date.
    clock
        Stands where the notes are.
    """

    def __init__(self, kept: Kept, clock: Clock) -> None:
        self.following = Following(Books(sequences=kept.sequences))
        self._kept = kept
        self._binance = BinanceRun()
        self._clock = clock
        self._tape = TradeTape()
        self._venue_time = VenueTime(self._tape, clock)
        self._sessions: dict[str, Session] = {}
        self._open: set[str] = set()
        self._contexts = ContextNews()
        self._builders = BuilderMarkets()
        self._listing = Listing()
        self._bars = FlowBars()
        self._built = BuiltCandles()
        self._closes: dict[str, datetime] = {}
        self._generation: str | None = None
        self._standings: dict[str, Standing] = {}
        self._introduced = False
        self._retold: dict[str, float] = {}

    def facts(self, note: Note, rules: Rules) -> Iterator[Any]:
        """Yield what `note` tells.

        Raises
        ------
        DataError, TransientError
            If it tells nothing, as live.
        """
        handler = _HANDLERS.get(note.kind)
        if handler is not None:
            yield from handler(self, note, rules)

    def changes(self) -> list[Any]:
        """Return the books that changed since the last time."""
        return list(self.following.books.drain())

    def bars(self, *, rest: bool = False) -> list[Any]:
        """Return the seconds that are over; all of them if no more trades come."""
        return list(self._bars.rest() if rest else self._bars.over())

    def retell(self, rules: Rules) -> None:
        """Let every book be told whole again whose turn it is."""
        now = self._clock.now().timestamp()
        as_of = milliseconds(self._venue_time.now()) if self._open else None
        for address in self.following.members:
            if now - self._retold.setdefault(address, now) >= rules.republish_seconds:
                self._retold[address] = now
                self.following.books.retell(address, as_of)

    def introduce(self) -> Iterator[Any]:
        """Yield the whole roster."""
        at = self._venue_time.now()
        yield from introductions(list(self._kept.roster.values()), at, snapshot=True)

    def status(self) -> SourceStatus:
        """Return how well the venue was seen."""
        sight = sight_of(
            self.following,
            sockets_open=len(_lines(self._open)),
            sockets_needed=len(_lines(self._sessions)),
            subscribed=True,
            budget_used=None,
            quiet_seconds=self._venue_time.quiet_seconds(),
        )
        return status_of(sight, self._venue_time.now(), recording=True)

    def _on_open(self, note: Note, _: Rules) -> Iterator[Any]:
        session = self._sessions.setdefault(note.place, Session(self._tape))
        session.opened(self._seconds())
        self._open.add(note.place)
        return iter(())

    def _on_close(self, note: Note, _: Rules) -> Iterator[Any]:
        self._session(note).closed()
        self._open.discard(note.place)
        return iter(())

    def _on_sent(self, note: Note, _: Rules) -> Iterator[Any]:
        sent = _sent.decode(note.body)
        if sent.method == "subscribe" and sent.subscription is not None:
            self._session(note).asked(sent.subscription, self._seconds())
        return iter(())

    def _on_frame(self, note: Note, rules: Rules) -> Iterator[Any]:
        for effect in self._session(note).received(
            note.body.decode(errors="replace"), self._seconds()
        ):
            if isinstance(effect, TradesSeen):
                self.following.trades(effect)
                self._count(effect, rules)
            elif isinstance(effect, Data) and effect.channel in _CHANNELS:
                yield from _CHANNELS[effect.channel](self, effect.raw)

    def _on_answer(self, note: Note, rules: Rules) -> Iterator[Any]:
        if note.place == LEADERBOARD:
            return self._leaderboard(note.body, rules)
        request = _request.decode(note.place)
        handler = _ANSWERS.get(request.get("type", ""))
        return iter(()) if handler is None else handler(self, request, note.body)

    def _on_roster(self, note: Note, rules: Rules) -> Iterator[Any]:
        before, after = self._kept.roster, {m.address: m for m in decode_roster(note.body)}
        for address in self.following.members.keys() - after.keys():
            self.following.remove(address)
        for member in after.values():
            self.following.add(member, self._tape.newest_ms)
        self._kept.roster, at = after, self._venue_time.now()
        changed = turnover(before, after, self._standings, Overrides(), rules.least_account_value)
        yield from departures(changed.left, at)
        fresh = [m for m in after.values() if not self._introduced or m != before.get(m.address)]
        yield from introductions(fresh, at, snapshot=not self._introduced)
        self._introduced = self._introduced or bool(after)
        for member in fresh:
            yield self._profile(member.address, at)

    def _on_page(self, note: Note, rules: Rules) -> Iterator[Any]:
        source, now = _SOURCES.get(note.place), self._clock.now()
        if note.place.startswith(_BINANCE):
            yield from self._binance.facts(note.place.removeprefix(_BINANCE), note.body, now)
        if source is not None:
            since = now - timedelta(days=rules.context_days)
            fresh = news(self._kept.readings, source.parse(note.body), since, now)
            remember(self._kept.readings, fresh)
            yield from fresh

    def _leaderboard(self, body: bytes, rules: Rules) -> Iterator[Any]:
        generation, self._standings = ranking(body)
        if generation != self._generation:
            self._generation, at = generation, self._venue_time.now()
            standings = self._standings.values()
            for window in WINDOWS:
                yield from chunks(window, generation, at, standings, rules.leaderboard_rows)

    def _state(self, request: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        self.following.state(request["user"], parse_state(body), request.get("dex", ""))
        return iter(())

    def _own_fills(self, raw: bytes) -> Iterator[Any]:
        now_ms = milliseconds(self._venue_time.now())
        yield from self.following.told(parse_user_fills(raw), now_ms)[1]

    def _candle(self, raw: bytes) -> Iterator[Any]:
        now = self._venue_time.now()
        self.following.candle(parse_candle(raw, now, "websocket"), milliseconds(now))
        return iter(())

    def _builder_contexts(self, raw: bytes) -> Iterator[Any]:
        yield from self._contexts.take(self._builders.contexts(raw, self._venue_time.now()))

    def _markets(self, _: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        contexts = parse_contexts(body, self._venue_time.now())
        self._listed("venue", [context.coin for context in contexts if not context.delisted])
        yield from self._contexts.take(contexts)

    def _metas(self, _: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        self._listed("builders", self._builders.listed(parse_metas(body)))
        return iter(())

    def _listed(self, part: str, coins: Sequence[str]) -> None:
        for coin in self._listing.take(part, coins):
            self.following.ended(coin, milliseconds(self._venue_time.now()))

    def _candles(self, _: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        for candle in parse_candles(body, self._venue_time.now() - _SETTLE, "rest"):
            last = self._closes.get(candle.subject)
            if candle.closed and (last is None or candle.open_time >= last):
                self._closes[candle.subject] = candle.close_time
                yield self._built.checked(candle)

    def _role(self, request: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        self._kept.identities[request["user"]] = parse_role(body)
        yield self._profile(request["user"], self._venue_time.now())

    def _vault(self, request: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        yield from self._related(request["vaultAddress"], parse_vault(body))

    def _sub_accounts(self, request: Mapping[str, Any], body: bytes) -> Iterator[Any]:
        yield from self._related(request["user"], parse_sub_accounts(body))

    def _related(self, address: str, relations: Relations) -> Iterator[Any]:
        identity = self._kept.identities.get(address)
        if identity is not None and relations != Relations():
            self._kept.identities[address] = identity.related(relations)
            yield self._profile(address, self._venue_time.now())

    def _profile(self, address: str, at: datetime) -> Any:
        return profile(
            address, at, self._standings.get(address), self._kept.identities.get(address)
        )

    def _count(self, seen: TradesSeen, rules: Rules) -> None:
        if seen.coin in rules.coins:
            self._built.take(seen.taken.trades)
        if seen.coin in rules.coins and seen.taken.covered_from_ms is None:
            for trade in seen.taken.trades:
                self._bars.take(trade, self.following.members.keys())

    def _session(self, note: Note) -> Session:
        return self._sessions.setdefault(note.place, Session(self._tape))

    def _seconds(self) -> float:
        return self._clock.now().timestamp()


def _lines(places: Iterable[str]) -> set[str]:
    """Return the lines of some connections, of which one that hands over has two."""
    return {place.partition(".")[0] for place in places}


_HANDLERS: Mapping[str, Callable[[Run, Note, Rules], Iterator[Any]]] = {
    "open": Run._on_open,  # noqa: SLF001 -- its own table
    "close": Run._on_close,  # noqa: SLF001
    "sent": Run._on_sent,  # noqa: SLF001
    "frame": Run._on_frame,  # noqa: SLF001
    "answer": Run._on_answer,  # noqa: SLF001
    "roster": Run._on_roster,  # noqa: SLF001
    "page": Run._on_page,  # noqa: SLF001
}
_ANSWERS: Mapping[str, Callable[[Run, Mapping[str, Any], bytes], Iterator[Any]]] = {
    "clearinghouseState": Run._state,  # noqa: SLF001
    "metaAndAssetCtxs": Run._markets,  # noqa: SLF001
    "allPerpMetas": Run._metas,  # noqa: SLF001
    "candleSnapshot": Run._candles,  # noqa: SLF001
    "userRole": Run._role,  # noqa: SLF001
    "vaultDetails": Run._vault,  # noqa: SLF001
    "subAccounts": Run._sub_accounts,  # noqa: SLF001
}
_CHANNELS: Mapping[str, Callable[[Run, bytes], Iterator[Any]]] = {
    USER_FILLS: Run._own_fills,  # noqa: SLF001
    CANDLES: Run._candle,  # noqa: SLF001
    CONTEXTS: Run._builder_contexts,  # noqa: SLF001
}
