"""Spot pairs and outcome coins: what a buyer receives as a token and holds as a balance."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, TypeVar

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.coins.catalogue import Coin, Perp
from hyperliquid_simulator.coins.market import MINUTE_MS
from hyperliquid_simulator.coins.tokens import HYPE, PURR, UBTC, UETH, USDC, USDH, USOL, Token

DAY_MS: Final = 86_400_000
OUTCOME_TOKENS: Final = 100_000_000
"""What an outcome's index is added to for that of its token."""

YEAR_MS: Final = 365 * DAY_MS
HALF_LOGISTIC: Final = 0.851
"""Scales the hyperbolic tangent to the normal distribution."""

LONGSHOT: Final = 0.01
"""The least that a side of an open question costs, in dollars."""

Number = TypeVar("Number", float, npt.NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Pair(Coin):
    """A spot pair: a buyer gives ``quote`` and receives ``base``, out of balances.

    ``follows`` names the perpetual at whose mark it trades, None if it goes its own way.
    """

    money_decimals: ClassVar[int] = 8

    base: Token
    index: int
    follows: str | None = field(default=None, kw_only=True)
    quote: Token = field(default=USDC, kw_only=True)

    @property
    def lot(self) -> int:
        """One lot in the smallest unit of the base token."""
        return int(10 ** (self.base.wei_decimals - self.size_decimals))

    def fee_token(self, *, buys: bool, fee: int) -> Token:
        """Return what a fee was paid in: the token received, but the one given for a rebate."""
        return self.base if buys == (fee >= 0) else self.quote

    def following(self, leader: Perp, mark: Number, time_ms: Number) -> Number:  # noqa: ARG002
        """Return the price in ticks at which it trades beside a mark of the leader's, in ticks."""
        return mark * 10.0 ** (self.price_decimals - leader.price_decimals)


@dataclass(frozen=True, slots=True)
class Outcome(Pair):
    """One side of a question about a perpetual, worth a dollar or nothing when the question ends.

    Its index is ten times the question's number plus its side: 0 wins if the mark is above the
    ``threshold`` then, 1 if it is not.
    """

    threshold: float
    ends_ms: int

    @property
    def question(self) -> int:
        """The number of the question."""
        return self.index // 10

    @property
    def says_above(self) -> bool:
        """Whether it wins above the threshold."""
        return self.index % 10 == 0

    def following(self, leader: Perp, mark: Number, time_ms: Number) -> Number:
        """Return the chance of winning as a price in ticks, were the leader's path lognormal."""
        years = np.maximum(self.ends_ms - time_ms, MINUTE_MS) / YEAR_MS
        distance = np.log(mark / 10**leader.price_decimals / self.threshold)
        above = 0.5 + 0.5 * np.tanh(HALF_LOGISTIC * distance / (leader.volatility * np.sqrt(years)))
        chance = np.clip(above if self.says_above else 1 - above, LONGSHOT, 1 - LONGSHOT)
        found: Number = chance * 10**self.price_decimals
        return found

    def worth(self, leader: Perp, mark: int) -> int:
        """Return what one lot is worth in ticks once the question ended at a mark of the leader."""
        above = mark > self.threshold * 10**leader.price_decimals
        return 10**self.price_decimals if above == self.says_above else 0


Listed = Perp | Pair
"""Every kind of coin."""

PAIRS: Final = (
    Pair("@107", 2, 92.93, 0.95, 3.0, HYPE, 107, follows="HYPE"),
    Pair("PURR/USDC", 0, 0.14988, 1.10, 1.0, PURR, 0),
    Pair("@142", 5, 85_811.0, 0.50, 2.0, UBTC, 142, follows="BTC"),
    Pair("@151", 4, 3_104.5, 0.65, 1.5, UETH, 151, follows="ETH"),
    Pair("@156", 3, 119.19, 0.80, 1.0, USOL, 156, follows="SOL"),
    Pair("@230", 2, 0.99985, 0.004, 0.5, USDH, 230),
)
"""The spot pairs that can be listed, most popular first."""

QUESTIONS: Final = ((1488, "BTC"), (1489, "ETH"), (1490, "SOL"), (1491, "HYPE"))
"""Numbers of questions and the perpetuals they are about."""


def spot_pairs(count: int, leaders: Collection[str]) -> list[Pair]:
    """Return so many spot pairs; a pair whose leader is not listed goes its own way."""
    return [
        pair if pair.follows in leaders else replace(pair, follows=None) for pair in PAIRS[:count]
    ]


def outcomes(count: int, prices: Mapping[str, float], start_ms: int) -> list[Outcome]:
    """Return both sides of so many questions: where prices in dollars will be in a day or two."""
    about = [(number, name) for number, name in QUESTIONS if name in prices][:count]
    return [side for number, name in about for side in asked(number, name, prices[name], start_ms)]


def asked(number: int, leader: str, price: float, time_ms: int) -> tuple[Outcome, Outcome]:
    """Return both sides of a question: will a perpetual be above about its price in a day or two."""
    ends_ms, threshold = (time_ms // DAY_MS + 2) * DAY_MS, float(f"{price:.2g}")
    yes, no = (_outcome(10 * number + side, leader, threshold, ends_ms) for side in (0, 1))
    return yes, no


def _outcome(index: int, leader: str, threshold: float, ends_ms: int) -> Outcome:
    token = Token(f"+{index}", OUTCOME_TOKENS + index, 0, 8)
    name = f"#{index}"
    return Outcome(name, 0, 0.5, 0.8, 0.5, token, index, threshold, ends_ms, follows=leader)
