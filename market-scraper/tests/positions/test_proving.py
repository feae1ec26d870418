"""Trades, states and a trader's own fills, in any order: what is certain in the end is true."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from market_scraper.connectors.hyperliquid.following import Following
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.connectors.hyperliquid.tape import Taken, TradeTape
from market_scraper.moments import milliseconds, moment
from market_scraper.positions.anchors import WINDOW_MS, Account, State
from market_scraper.positions.coins import dex_of
from market_scraper.positions.ledger import Holding, Trade
from market_scraper.positions.roster import Member
from shared_events.payloads import TraderFill, TraderPositions
from shared_events.testing.factories import an_address

ALICE, STRANGER = an_address(1), an_address(2)
T0 = 1_000_000
COINS = ("BTC", "ETH", "xyz:GOLD")


def trade(ms: int, signed: int, coin: str = "BTC", tid: int | None = None) -> Trade:
    buyer, seller = (ALICE, STRANGER) if signed > 0 else (STRANGER, ALICE)
    key = ms if tid is None else tid
    return Trade(coin, Decimal(100), Decimal(abs(signed)), ms, key, buyer, seller, signed > 0)


def fill(ms: int, signed: int, start: int, coin: str = "BTC", tid: int | None = None) -> TraderFill:
    return TraderFill(
        address=ALICE,
        coin=coin,
        at=moment(ms),
        tid=ms if tid is None else tid,
        side="buy" if signed > 0 else "sell",
        price=Decimal(100),
        size=Decimal(abs(signed)),
        start_position=Decimal(start),
        crossed=True,
    )


def stated(ms: int, **sizes: int) -> State:
    held = {c: Holding(c, Decimal(s), mark=Decimal(100)) for c, s in sizes.items() if s}
    return State(ms, Decimal(1000), held)


def following(ms: int = T0, **sizes: int) -> Following:
    """Return a roster of Alice alone, whose book was stated and told."""
    follow = Following()
    follow.add(Member(ALICE, Decimal(50), "test"), 0)
    follow.state(ALICE, stated(ms, **sizes))
    follow.books.drain()
    return follow


def alice(follow: Following) -> Account:
    return follow.books.accounts[ALICE]


def see(follow: Following, tape: TradeTape, *trades: Trade) -> None:
    follow.trades(TradesSeen(trades[0].coin, tape.take(trades[0].coin, trades, replay=False)))


def only(events: list[TraderPositions]) -> TraderPositions:
    [event] = events
    return event


def test_a_fill_that_agrees_leaves_no_doubt_about_a_trade_close_to_the_state() -> None:
    follow, tape = following(BTC=10), TradeTape()
    see(follow, tape, trade(T0 + 500, 5))
    assert alice(follow).quality("BTC") == "suspect"

    [(_, verdict)] = follow.fills(ALICE, [fill(T0 + 500, 5, 10)])

    assert (verdict.outcome, verdict.moves) == ("settled", ())
    assert alice(follow).size("BTC") == 15
    assert alice(follow).quality("BTC") == "anchored"


def test_a_fill_shows_that_the_state_had_the_trade_already() -> None:
    follow, tape = following(BTC=15), TradeTape()
    see(follow, tape, trade(T0 + 500, 5))
    follow.books.drain()

    follow.fills(ALICE, [fill(T0 + 500, 5, 10)])

    [change] = only(follow.books.drain()).changes
    assert (change.cause, int(change.size_after)) == ("user", 15)
    assert follow.audit.wrong == 0, "it was in doubt already"


def test_a_fill_told_before_its_trade_counts_once_and_brings_its_price() -> None:
    follow, tape = following(BTC=10), TradeTape()

    [(_, verdict)] = follow.fills(ALICE, [fill(T0 + 5_000, 5, 10)])
    [change] = only(follow.books.drain()).changes
    see(follow, tape, trade(T0 + 5_000, 5))

    assert (verdict.outcome, change.cause, change.kind) == ("agreed", "user", "increase")
    assert (int(change.price or 0), change.trades, int(change.taker_share or 0)) == (100, 1, 1)
    assert alice(follow).size("BTC") == 15
    assert follow.books.drain() == []


def test_a_change_no_public_trade_shows_is_found_at_once_and_is_no_error_of_ours() -> None:
    follow = following(BTC=10)

    follow.fills(ALICE, [fill(T0 + 5_000, -10, 10)])

    event = only(follow.books.drain())
    assert [(held.coin, int(held.size)) for held in event.positions] == [("BTC", 0)]
    assert [(change.kind, change.cause) for change in event.changes] == [("close", "user")]
    assert follow.audit.wrong == 0


def test_a_size_that_nobody_doubted_and_a_fill_proves_wrong_counts_as_an_error() -> None:
    follow = following(BTC=10)

    [(_, verdict)] = follow.fills(ALICE, [fill(T0 + 5_000, 5, 20)])

    assert (verdict.outcome, verdict.again) == ("repaired", True)
    assert (follow.audit.sizes, follow.audit.wrong) == (1, 1)
    assert follow.repairs == 1


def test_a_fill_closes_a_gap_only_if_the_trades_after_it_are_known() -> None:
    follow = following(BTC=10)
    follow.missed("BTC", T0 + 60_000)

    [(_, before)] = follow.fills(ALICE, [fill(T0 + 50_000, 5, 10)])
    [(_, after)] = follow.fills(ALICE, [fill(T0 + 70_000, 1, 15)])

    assert (before.outcome, after.outcome) == ("unusable", "repaired")
    assert (int(alice(follow).size("BTC")), follow.gaps_closed) == (16, 1)


def test_a_state_from_before_the_last_fill_is_not_held_against_it() -> None:
    follow = following(BTC=10)
    follow.fills(ALICE, [fill(T0 + 60_000, 5, 10)])

    verdict = follow.state(ALICE, stated(T0 + 59_000, BTC=10))

    assert verdict is not None
    assert verdict.outcome == "agreed"
    assert alice(follow).size("BTC") == 15


@dataclass(frozen=True)
class Printed:
    """Public trades of one coin in one block."""

    trades: tuple[Trade, ...]


@dataclass(frozen=True)
class Filled:
    """Alice's own fills of one coin in one block, or all there were until some moment."""

    fills: tuple[TraderFill, ...]
    until_ms: int = 0


@dataclass(frozen=True)
class Stated:
    """What the venue stated of one exchange."""

    dex: str
    state: State


Message = Printed | Filled | Stated


@dataclass(frozen=True)
class History:
    """What happened in blocks, what was told of it, and what was held in the end."""

    messages: list[Message]
    truth: dict[str, int]
    end_ms: int


@st.composite
def snapshots(draw: st.DrawFn, blocks: list[Filled]) -> list[Filled]:
    """Draw what a new subscription repeats: all of Alice's fills until some moment."""
    own = [fill for block in blocks for fill in block.fills]
    moments = [T0 + time * 333 for time in draw(st.lists(st.integers(0, 93), max_size=2))]
    repeated = (
        Filled(tuple(fill for fill in own if milliseconds(fill.at) <= ms), ms) for ms in moments
    )
    return [snapshot for snapshot in repeated if snapshot.fills]


@st.composite
def histories(draw: st.DrawFn, *, hidden: bool) -> History:
    """Draw blocks of trades, some with oneself or seen by nobody else, and states off by some clock."""
    times = sorted(draw(st.sets(st.integers(1, 90), max_size=20)))
    held = dict.fromkeys(COINS, 0)
    books = [(0, dict(held))]
    messages: list[Message] = []
    for number, time in enumerate(times):
        ms, coin = T0 + time * 333, draw(st.sampled_from(COINS))
        public: list[Trade] = []
        own: list[TraderFill] = []
        for nth in range(draw(st.integers(1, 3))):
            signed, tid = draw(st.integers(-4, 4)), 10 * number + nth
            if signed == 0:
                own += [fill(ms, side, held[coin], coin, tid) for side in (2, -2)]
                public.append(replace(trade(ms, 2, coin, tid), seller=ALICE))
                continue
            own.append(fill(ms, signed, held[coin], coin, tid))
            held[coin] += signed
            if not (hidden and draw(st.booleans())):
                public.append(trade(ms, signed, coin, tid))
        books.append((ms, dict(held)))
        messages.append(Filled(tuple(own)))
        if public:
            messages.append(Printed(tuple(public)))
    messages += draw(snapshots([m for m in messages if isinstance(m, Filled)]))
    for time in draw(st.lists(st.integers(-3, 93), max_size=6)):
        ms, skew = T0 + time * 333, draw(st.integers(-WINDOW_MS, WINDOW_MS))
        book = [sizes for at, sizes in books if at <= ms + skew][-1]
        for dex in ("", "xyz"):
            here = {coin: size for coin, size in book.items() if dex_of(coin) == dex}
            messages.append(Stated(dex, stated(ms, **here)))
    return History(messages, held, T0 + 100 * 333)


def newly_following() -> Following:
    """Return a roster of Alice alone, whose book was stated, and every coin subscribed to."""
    follow = Following()
    follow.add(Member(ALICE, Decimal(50), "test"), 0)
    for coin in COINS:
        follow.trades(TradesSeen(coin, Taken((), covered_from_ms=0)))
    follow.state(ALICE, stated(T0 - 10_000))
    return follow


def told(follow: Following, tape: TradeTape, message: Message) -> None:
    match message:
        case Stated(dex, state):
            follow.state(ALICE, state, dex)
        case Filled(fills, until_ms):
            follow.fills(ALICE, fills, until_ms)
        case Printed(trades):
            see(follow, tape, *trades)


def believed(follow: Following) -> dict[str, int]:
    """Return the sizes nobody doubts."""
    return {
        coin: int(account.size(coin))
        for account in follow.books.of(ALICE)
        for coin in COINS
        if account.anchored and account.dex == dex_of(coin) and coin not in account.doubts
    }


@settings(max_examples=300)
@given(history=histories(hidden=True), random=st.randoms(use_true_random=False))
def test_whatever_comes_in_whatever_order_what_is_certain_is_true(
    history: History, random: Random
) -> None:
    follow, tape = newly_following(), TradeTape()
    messages = [*history.messages, *history.messages[::3]]
    for message in random.sample(messages, len(messages)):
        told(follow, tape, message)

    assert believed(follow).items() <= history.truth.items()


@given(history=histories(hidden=False), random=st.randoms(use_true_random=False))
def test_without_own_fills_states_of_quiet_times_make_everything_certain(
    history: History, random: Random
) -> None:
    follow, tape = newly_following(), TradeTape()
    seen = [message for message in history.messages if not isinstance(message, Filled)]
    for message in random.sample(seen, len(seen)):
        told(follow, tape, message)
    for ms in range(history.end_ms, history.end_ms + 30_000, 10_000):
        for dex in ("", "xyz"):
            here = {c: size for c, size in history.truth.items() if dex_of(c) == dex}
            follow.state(ALICE, stated(ms, **here), dex)

    known = [account.dex for account in follow.books.of(ALICE)]
    assert believed(follow) == {c: s for c, s in history.truth.items() if dex_of(c) in known}
