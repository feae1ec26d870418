"""The ways an account can behave, what each is like, and how many of the population are of which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hyperliquid_simulator.errors import ConfigError


class Style(StrEnum):
    """How an account decides."""

    SKILLED = "skilled"
    NOISE = "noise"
    CONTRARIAN = "contrarian"
    PERMA_BULL = "perma_bull"
    GAMBLER = "gambler"
    DORMANT = "dormant"
    FARMER = "farmer"
    WASH = "wash"
    COPYCAT = "copycat"
    SUB_ACCOUNT = "sub_account"
    VAULT = "vault"
    MAKER = "maker"
    PROVIDER = "provider"
    CROWD = "crowd"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class Habit:
    """What the accounts of one style have in common.

    ``capital`` is the median in dollars and ``spread`` the standard deviation of its logarithm;
    ``pace`` multiplies the venue's decisions per day and coin; ``gross`` bounds the share of capital
    in all coins together at full conviction; ``coins`` is how many coins it trades, at least and at
    most; who ``churns`` also trades a little around its positions.
    """

    capital: float
    spread: float = 1.0
    pace: float = 1.0
    gross: tuple[float, float] = (0.6, 1.6)
    coins: tuple[int, int] = (2, 5)
    churns: bool = True


EVERYBODYS_CAPITAL: Final = 60_000.0
"""The skilled are no richer than others: size must not give them away."""

_EVERYTHING: Final = (1_000, 1_000)

HABITS: Final[Mapping[Style, Habit]] = {
    Style.SKILLED: Habit(EVERYBODYS_CAPITAL),
    Style.NOISE: Habit(EVERYBODYS_CAPITAL),
    Style.CONTRARIAN: Habit(EVERYBODYS_CAPITAL),
    Style.PERMA_BULL: Habit(EVERYBODYS_CAPITAL, pace=0.1),
    Style.GAMBLER: Habit(20_000.0, pace=0.5, gross=(5.0, 15.0), coins=(1, 1)),
    Style.DORMANT: Habit(3_000_000.0, 0.6, gross=(0.02, 0.1), churns=False),
    Style.FARMER: Habit(300_000.0, 0.8, pace=0.15, gross=(0.6, 0.9), coins=(1, 2), churns=False),
    Style.WASH: Habit(100_000.0, 0.6, pace=8.0, gross=(0.3, 0.8), coins=(1, 1), churns=False),
    Style.COPYCAT: Habit(EVERYBODYS_CAPITAL),
    Style.SUB_ACCOUNT: Habit(EVERYBODYS_CAPITAL),
    Style.VAULT: Habit(500_000.0, 0.8, gross=(0.5, 1.2)),
    Style.MAKER: Habit(10_000_000.0, 0.4, coins=_EVERYTHING, churns=False),
    Style.PROVIDER: Habit(40_000_000.0, 0.1, coins=_EVERYTHING, churns=False),
    Style.CROWD: Habit(600_000.0, 0.6, coins=_EVERYTHING, churns=False),
    Style.CHILD: Habit(10_000_000.0, 0.1, coins=_EVERYTHING, churns=False),
}

FOLLOWERS: Final = frozenset({Style.COPYCAT, Style.SUB_ACCOUNT, Style.VAULT})
"""Styles that hold what another account holds, scaled, some minutes later."""

LEADERS: Final = frozenset({Style.SKILLED, Style.NOISE, Style.CONTRARIAN, Style.PERMA_BULL})
"""Styles that others follow."""

OPINIONATED: Final = LEADERS | {Style.GAMBLER}
"""Styles that bet on prices by a judgement of their own, good or bad."""

RESTING: Final = frozenset({Style.MAKER, Style.PROVIDER, Style.CROWD, Style.CHILD})
"""Styles that only rest orders and take the other side."""

VAULTS: Final = frozenset({Style.PROVIDER, Style.VAULT, Style.CHILD})
"""Styles of accounts that trade for others."""

LEAST_MAKERS: Final = 2
CROWD_SHARE: Final = 0.1
CROWD_LEAST: Final = 8

Shares = Mapping[Style, float]

DEMO: Final[Shares] = {
    Style.SKILLED: 0.4,
    Style.CONTRARIAN: 0.06,
    Style.PERMA_BULL: 0.02,
    Style.GAMBLER: 0.03,
    Style.DORMANT: 0.02,
    Style.FARMER: 0.01,
    Style.WASH: 0.02,
    Style.COPYCAT: 0.05,
    Style.SUB_ACCOUNT: 0.03,
    Style.VAULT: 0.01,
    Style.MAKER: 0.03,
}
"""Much skill, so that somebody who watches for a minute sees it act."""

CONTEST: Final[Shares] = {
    Style.SKILLED: 0.05,
    Style.CONTRARIAN: 0.08,
    Style.PERMA_BULL: 0.05,
    Style.GAMBLER: 0.06,
    Style.DORMANT: 0.03,
    Style.FARMER: 0.04,
    Style.WASH: 0.02,
    Style.COPYCAT: 0.40,
    Style.SUB_ACCOUNT: 0.03,
    Style.VAULT: 0.02,
    Style.MAKER: 0.08,
}
"""Little skill among many imitators: what schemes that look for it have to cope with."""

CHOOSABLE: Final = tuple(DEMO)


def shares_of(given: Iterable[str], base: Shares) -> Shares:
    """Return ``base`` changed by options such as ``skilled=0.05``; noise is the rest.

    Raises
    ------
    ConfigError
        If one is malformed, names no style or is no share.

    Examples
    --------
    >>> shares_of(["skilled=0.1"], CONTEST)[Style.SKILLED]
    0.1
    """
    chosen = dict(base)
    for text in given:
        name, _, value = text.partition("=")
        if name not in CHOOSABLE:
            raise ConfigError(f"--share {text!r}: write STYLE=SHARE, STYLE one of {_names()}.")
        try:
            chosen[Style(name)] = float(value)
        except ValueError as e:
            raise ConfigError(
                f"--share {text!r}: {value!r} is no number; write {name}=0.05."
            ) from e
    check_shares(chosen)
    return chosen


def check_shares(shares: Shares) -> None:
    """Raise ConfigError unless ``shares`` can be those of one population."""
    for style, share in shares.items():
        if style not in CHOOSABLE or not 0 <= share <= 1:
            raise ConfigError(f"--share {style}={share:g}: choose 0 to 1 for one of {_names()}.")
    if sum(shares.values()) > 1:
        raise ConfigError(f"--share: together they are {sum(shares.values()):g}; at most 1 fits.")
    followed = any(shares.get(style, 0) > 0 for style in FOLLOWERS)
    leading = 1 - sum(share for style, share in shares.items() if style not in LEADERS)
    if followed and leading <= 0:
        raise ConfigError("--share: nobody is left whom the followers could follow.")


def counts_of(shares: Shares, count: int) -> dict[Style, int]:
    """Return how many of ``count`` ranked accounts are of each style; the crowd comes on top.

    A style with a share has at least one account if there is room for one; wash traders come in
    pairs, the makers are two at least, and one account provides the venue's own liquidity.
    """
    counts = {style: int(share * count) for style, share in shares.items()}
    counts[Style.WASH] = counts.get(Style.WASH, 0) // 2 * 2
    counts[Style.MAKER] = max(counts.get(Style.MAKER, 0), LEAST_MAKERS)
    counts[Style.PROVIDER] = 1
    rest = count - sum(counts.values())
    for style, share in shares.items():
        if share and not counts[style] and style is not Style.WASH and rest > 1:
            counts[style], rest = 1, rest - 1
    if rest < 0:
        raise ConfigError(f"--traders is {count}: too few for these shares and the makers.")
    counts[Style.NOISE] = rest
    counts[Style.CROWD] = max(CROWD_LEAST, round(CROWD_SHARE * count))
    return counts


def _names() -> str:
    return ", ".join(CHOOSABLE)
