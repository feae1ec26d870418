"""Who wants to trade now: decisions, small churn, TWAP slices, and planted traders turning together."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import accumulate
from math import copysign, exp, sqrt
from random import Random
from typing import Final, NamedTuple

from hyperliquid_simulator.accounts.decisions import Views
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.population import Follow, Trader
from hyperliquid_simulator.accounts.styles import HABITS
from hyperliquid_simulator.accounts.trades import Cause
from hyperliquid_simulator.coins.catalogue import MAJORS, Coin, Perp
from hyperliquid_simulator.coins.market import DAY_MINUTES, DAY_MS, MINUTE_MS, Market, stream
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.draws import one_of

TYPICAL_ORDER: Final = 2_500.0
"""Dollars in the median order of an account with 100,000 dollars."""

LARGEST_PART: Final = 0.04
TURN_SPREAD_MS: Final = 2_000.0
OPENING_PACE: Final = 1.0
"""Planted positions that are taken in a millisecond of the opening turn: no block is long by it."""

TURNING: Final = 0.9
"""Part of the planted that take part in a coordinated turn."""

MOST_LEVERAGE: Final = 20
"""What nobody goes beyond, least of all who was ruined while the venue ran."""

CURIOUS: Final = 0.3
"""Part of those who could that trade a coin which was just listed."""

MAJORS_SHARE: Final = 0.85
TWAP_LOTS: Final = (6, 2279)
FIRST_TWAP: Final = 2_280_000


class Order(NamedTuple):
    """A wish to trade at once: signed lots, and the TWAP it is a slice of, if any.

    ``turning`` marks a change of mind, filled by the account's own others instead of any makers.
    What the venue orders has a ``cause`` and the ``hash`` of its transaction.
    """

    account: int
    coin: int
    lots: int
    twap: int | None = None
    turning: bool = False
    cause: Cause | None = None
    hash: str | None = None


class Flow:
    """Decides the orders of every block; the same seed and calls give the same orders.

    What accounts decide for themselves goes on as in the past. A coordinated turn overrides it for
    one coin until each account's own next decision; it tells nothing of prices. A venue that is
    ``turning`` begins with one of every coin, in its first block: that may be long after the past ended.
    """

    def __init__(self, past: Past, ledger: Ledger, seed: int, *, turning: bool) -> None:
        self.random = Random(seed)  # noqa: S311 - a simulation
        self._past = past
        self._coins = past.coins
        self._ledger = ledger
        self._population = past.population
        traders = [t for t in past.population.traders if t.index not in past.deaths]
        self._busy = [t for t in traders if HABITS[t.style].churns]
        self._popularity = {i: coin.popularity for i, coin in enumerate(self._coins)}
        self._delisted: set[int] = set()
        self._active: dict[int, list[Trader]] = {}
        self._weights: dict[int, list[float]] = {}
        for coin in range(len(self._coins)):
            self._share_out(coin, [t for t in self._busy if coin in t.coins])
        self._targets = {
            (t.index, coin): ledger.accounts[t.index].lots(coin)
            for t in traders
            for coin in t.coins
        }
        self._due: list[tuple[float, int, int, int, float, bool]] = []
        self._noted = 0
        self._following: defaultdict[int, list[tuple[int, Follow]]] = defaultdict(list)
        for trader in traders:
            if trader.follows:
                self._following[trader.follows.leader].append((trader.index, trader.follows))
        self.directions = _opening_directions(seed, past.coins)
        self._planned = past.minutes // DAY_MINUTES
        self._plan(past.pending)
        self._opening = turning

    @property
    def bitcoin_share(self) -> float:
        """Part of all orders that are in the first coin."""
        return self._share[0] / self._share[-1] if 0 in self._active else 0.0

    def list_coin(self, index: int, coin: Perp) -> None:
        """Let some of those who have money on a coin's dex trade it, who do not hold it yet."""
        accounts = self._ledger.accounts
        able = [t for t in self._busy if coin.dex in accounts[t.index].pockets]
        self._popularity[index] = coin.popularity
        self._share_out(index, [t for t in able if self.random.random() < CURIOUS] or able[:1])

    def delist(self, coin: int) -> None:
        """Let nobody trade a coin any more."""
        self._delisted.add(coin)
        self._share_out(coin, [])

    def churn(self, market: Market) -> Order | None:
        """Return one small order of somebody, None if it rounds to nothing."""
        if not self._traded:
            return None
        coin = one_of(self.random, self._traded, self._share)
        trader = one_of(self.random, self._active[coin], self._weights[coin])
        mark = market.mark(coin)
        budget = trader.capital * trader.exposure
        wanted = TYPICAL_ORDER * sqrt(trader.capital / 1e5) * exp(self.random.gauss(0, 1))
        lots = int(min(wanted, LARGEST_PART * budget) * MICRO / mark)
        sign = self._side(trader, coin, budget * MICRO / mark, lots)
        return Order(trader.index, coin, sign * lots) if lots else None

    def anybody(self, coin: int) -> int:
        """Return an account that trades a coin, some maker if nobody else does."""
        return self.random.choice(self._active.get(coin) or self._population.makers).index

    def slices(self, expected: float) -> list[Order]:
        """Return the TWAP slices of the first coin that fire on this second."""
        count = arrivals(self.random, expected)
        takers = self.random.choices(self._active[0], k=count) if count else []
        return [
            Order(
                account=t.index,
                coin=0,
                lots=self.random.randint(*TWAP_LOTS) * self._side(t, 0, 1e18, 0),
                twap=FIRST_TWAP + t.index,
            )
            for t in takers
        ]

    def next_turn(self) -> tuple[int, int] | None:
        """Choose a coin to turn and where to; the majors never come to agree all three."""
        directions = self.directions
        turning = [i for i in self._traded if i < len(directions)]
        majors = [i for i in turning if self._coins[i].name in MAJORS]
        minors = [i for i in turning if i not in majors]
        allowed = [
            i for i in majors if any(directions[j] == directions[i] for j in majors if j != i)
        ]
        pool = allowed if not minors or self.random.random() < MAJORS_SHARE else minors
        if not pool:
            return None
        coin = self.random.choice(pool)
        return coin, -directions[coin]

    def turn(
        self,
        coin: int,
        direction: int,
        now_ms: float,
        *,
        spread_ms: float = TURN_SPREAD_MS,
        part: float = TURNING,
    ) -> None:
        """Plan that the planted traders of a coin, or a part of them, turn within a while.

        Whoever follows one of them does so as late as ever.
        """
        self.directions[coin] = direction
        for trader in self._population.planted(coin):
            wait = self.random.uniform(0.0, spread_ms)
            exposure = direction * self.random.uniform(0.6, 1.0)
            if self.random.random() < part:
                self._note(now_ms + wait, trader.index, coin, exposure, turning=True)
                for follower, how in self._following.get(trader.index, ()):
                    later = now_ms + wait + how.lag_minutes * MINUTE_MS
                    self._note(later, follower, coin, exposure * how.scale)

    def decide(self, now_ms: float) -> None:
        """Draw what is decided up to and with the day of a moment.

        Has to be called before prices go there: decisions see a few days around them, and no more.
        """
        while now_ms >= self._past.origin_ms + self._planned * DAY_MS:
            self._plan(self._past.decisions.day(self._planned))

    def due(self, now_ms: float, market: Market) -> list[Order]:
        """Return the orders that carry out the decisions and turns whose time has come."""
        if self._opening:
            self._open(now_ms)
        wanted: dict[tuple[int, int], float] = {}
        while self._due and self._due[0][0] <= now_ms:
            _, _, account, coin, exposure, turning = heappop(self._due)
            if coin not in self._delisted:
                side = self.directions[coin] if turning else exposure
                wanted[account, coin] = copysign(exposure, side)
        orders, marks = [], [quote.mark for quote in market.quotes] if wanted else []
        for (index, coin), exposure in wanted.items():
            purse = self._ledger.accounts[index]
            target = self._lots(self._population.traders[index], coin, exposure, market)
            if abs(target) * marks[coin] > MOST_LEVERAGE * purse.equity(marks):
                continue  # nothing is left to bet with
            self._targets[index, coin] = target
            delta = target - purse.lots(coin)
            if delta:
                orders.append(Order(index, coin, delta, turning=True))
        return orders

    def _share_out(self, coin: int, traders: list[Trader]) -> None:
        """Let these and nobody else send orders of a coin."""
        self._active.pop(coin, None)
        if traders:
            self._active[coin] = traders
            self._weights[coin] = list(accumulate(t.tempo for t in traders))
        self._traded = list(self._active)
        self._share = list(accumulate(self._popularity[i] for i in self._traded))

    def _open(self, now_ms: float) -> None:
        """Plan that all planted traders of every coin take a side, in the time that so many need."""
        self._opening = False
        planted = sum(len(t.coins) for t in self._population.traders if t.planted)
        for coin, direction in enumerate(self.directions):
            self.turn(coin, direction, now_ms, spread_ms=planted / OPENING_PACE, part=1.0)

    def _plan(self, views: Views) -> None:
        """Note what will be decided on a day, by all but the dead."""
        time = self._past.origin_ms + (views.minute + views.fraction) * MINUTE_MS
        columns = (time, views.account, views.coin, views.exposure)
        for at, account, coin, exposure in zip(*(c.tolist() for c in columns), strict=True):
            if account not in self._past.deaths:
                self._note(at, account, coin, exposure)
        self._planned += 1

    def _note(
        self, at: float, account: int, coin: int, exposure: float, *, turning: bool = False
    ) -> None:
        """Keep what somebody will want; of two for one moment the one noted last holds.

        Who is late in a turn goes where the newest turn of the coin went.
        """
        self._noted += 1
        heappush(self._due, (at, self._noted, account, coin, exposure, turning))

    def _lots(self, trader: Trader, coin: int, exposure: float, market: Market) -> int:
        """Return the position that an exposure means; no conviction rounds to nothing."""
        lots = exposure * trader.capital * trader.exposure * MICRO / market.mark(coin)
        return round(lots) or (round(copysign(1, lots)) if exposure else 0)

    def _side(self, trader: Trader, coin: int, limit: float, lots: int) -> int:
        """Return +1 or -1: towards a planted target, else at random but away from extremes."""
        held = self._ledger.accounts[trader.index].lots(coin)
        target = self._targets.get((trader.index, coin))
        if target is not None and target and abs(held - target) > abs(target) // 10 + lots:
            return 1 if target > held else -1
        lean = 0.0 if target else 0.4 * held / max(limit, 1.0)
        return 1 if self.random.random() < min(max(0.5 - lean, 0.05), 0.95) else -1


def _opening_directions(seed: int, coins: Sequence[Coin]) -> list[int]:
    """Return where the planted turn to in each coin at the start; the majors never agree all three."""
    rng = stream(seed, "directions")
    drawn = [int(d) for d in rng.choice([-1, 1], len(coins))]
    majors = rng.permutation([i for i, coin in enumerate(coins) if coin.name in MAJORS])
    drawn[majors[1]] = -drawn[majors[0]]
    return drawn


def _poisson(random: Random, expected: float) -> int:
    """Draw how many of many rare things happen (Knuth); for small expectations."""
    limit, count, product = exp(-expected), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def arrivals(random: Random, expected: float) -> int:
    """Draw how many orders arrive where some are expected."""
    few = 30.0
    if expected < few:
        return _poisson(random, expected)
    return max(round(random.gauss(expected, sqrt(expected))), 0)
