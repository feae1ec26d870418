"""What a coin's price changes are worth, in its own volatility and after funding: one number a coin.

The value of a coin is the running sum of ``(log return - funding) / sigma``, where sigma is the
standard deviation of a bar's log return, estimated from the bars before. Holding one unit of
exposure from one moment to another pays the difference of the values, so a change of 1 means the
same in a quiet coin and in a wild one. The part that a coin shares with the market is its beta
times the average change of all other coins; the rest is its own.

Values are integers (millionths), and so is everything that is later added up from them: sums are
exact, hence the same in whatever order they were made.
"""

from math import log, sqrt
from typing import NamedTuple

from msgspec import Struct

from signal_system.weighting_engine.rules import DAY, PaperRules

VALUE_UNIT = 10**6

_HOUR = 3_600
_PRIOR_BARS = 10.0
_PRIOR_BETA = 0.7
_WILDEST = 20.0  # a bar of more standard deviations than that counts as that many


class Standing(NamedTuple):
    """The value of a coin, in two parts: what is its own, and what it shares with the market."""

    own: int
    shared: int


class Yardstick(Struct):
    """One coin's value, volatility, beta and funding.

    Attributes
    ----------
    price, heard_at
        The newest price, and when it was, in seconds.
    opened, value, shared
        Price and both parts of the value when the bar began.
    moved
        By how much the value, both parts together, has changed since then.
    carried
        Funding paid by a long since then, as a fraction of the price.
    variance, bars
        Of a bar's log return, and how many bars tell of it.
    product, square
        Means of the bars' changes times the market's, and of the market's squared.
    """

    price: float
    heard_at: float
    opened: float
    value: int = 0
    shared: int = 0
    moved: int = 0
    carried: float = 0.0
    variance: float = 0.0
    bars: float = 0.0
    product: float = 0.0
    square: float = 0.0
    funding_hourly: float = 0.0
    was_heard: bool = False

    def hear(self, price: float, at: float, funding_hourly: float | None, sigma: float) -> int:
        """Take a price that is no older than the last; return by how much this moved the value."""
        self.carried += self.funding_hourly * (at - self.heard_at) / _HOUR
        self.price, self.heard_at, self.was_heard = price, at, True
        if funding_hourly is not None:
            self.funding_hourly = funding_hourly
        change = (log(price / self.opened) - self.carried) / sigma
        before, self.moved = self.moved, round(VALUE_UNIT * min(max(change, -_WILDEST), _WILDEST))
        return self.moved - before

    def sigma(self, rules: PaperRules) -> float:
        """Return the standard deviation of a bar's log return, from the bars that are over.

        Examples
        --------
        >>> rules = PaperRules(bar_seconds=86_400, volatility_prior_daily=0.01)
        >>> btc = Yardstick(price=100.0, heard_at=0.0, opened=100.0)
        >>> btc.sigma(rules), btc.hear(101.0, 60.0, None, sigma=btc.sigma(rules))
        (0.01, 995033)
        """
        prior = rules.volatility_prior_daily**2 * rules.bar_seconds / DAY
        known = self.bars + _PRIOR_BARS
        return sqrt((self.variance * self.bars + prior * _PRIOR_BARS) / known)

    def beta(self) -> float:
        """Return how far the coin usually moves with the market, from the bars that are over."""
        known = self.product * self.bars + _PRIOR_BETA * _PRIOR_BARS
        return known / (self.square * self.bars + _PRIOR_BARS)

    def standing(self, market: float) -> Standing:
        """Return where the coin stands, the market having moved that far since the bar began."""
        shared = round(self.beta() * market)
        return Standing(self.value + self.moved - shared, self.shared + shared)

    def close_bar(self, market: float, rules: PaperRules) -> None:
        """End the bar and learn from it; the next begins at the newest price."""
        self.value, self.shared = self.standing(market)
        if self.was_heard:
            kept = 0.5 ** (rules.bar_seconds / DAY / rules.volatility_half_life_days)
            moved, market = self.moved / VALUE_UNIT, market / VALUE_UNIT
            self.bars = kept * self.bars + 1
            self.variance += (log(self.price / self.opened) ** 2 - self.variance) / self.bars
            self.product += (moved * market - self.product) / self.bars
            self.square += (market**2 - self.square) / self.bars
        self.opened, self.carried, self.moved, self.was_heard = self.price, 0.0, 0, False
