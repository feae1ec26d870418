"""How much a leaderboard row speaks for a trader, from 0 to 100; 50 is "cannot tell".

The formula has a version, is pure, and is written down in ``docs/reference/scoring.md``. Change it and
the version together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from shared_events.payloads import Window

SCORE_VERSION = "v1"
UNKNOWN = Decimal(50)

WINDOW_WEIGHTS: Mapping[Window, Decimal] = {
    "day": Decimal("0.1"),
    "week": Decimal("0.2"),
    "month": Decimal("0.3"),
    "allTime": Decimal("0.4"),
}
ROI_CAPS: Mapping[Window, Decimal] = {
    "day": Decimal("0.10"),
    "week": Decimal("0.25"),
    "month": Decimal("0.50"),
    "allTime": Decimal(2),
}
DAYS: Mapping[Window, int] = {"day": 1, "week": 7, "month": 30}
MARGIN_CAP = Decimal("0.01")
HALF_TRUST_VOLUME = Decimal(1_000_000)
HALF_TRUST_ACCOUNT = Decimal(10_000)
MAKER_TURNOVER = Decimal(20)
MAKER_MARGIN = Decimal("0.001")

_ONE = Decimal(1)
_ZERO = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Result:
    """What a trader made in one window: USD, a fraction of its capital, USD traded."""

    pnl: Decimal
    roi: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """A trader as one generation of the leaderboard shows it."""

    address: str
    account_value: Decimal
    results: Mapping[Window, Result] = field(default_factory=dict)
    display_name: str | None = None


def score(standing: Standing | None) -> Decimal:
    """Return a score in [0, 100] with two decimals; 50 for a trader without a leaderboard row.

    Each window gives an opinion in [-1, 1]: the mean of its winsorised return and, where it traded,
    its winsorised profit per dollar traded. Their weighted mean (0.7) and the balance of winning and
    losing windows (0.3) are shrunk towards "cannot tell" where little was traded, the account is
    small or windows are missing.
    """
    if standing is None:
        return UNKNOWN
    windows = [name for name in WINDOW_WEIGHTS if name in standing.results]
    known = sum((WINDOW_WEIGHTS[name] for name in windows), _ZERO)
    if not known:
        return UNKNOWN
    opinions = {name: _opinion(name, standing.results[name]) for name in windows}
    skill = sum((WINDOW_WEIGHTS[name] * opinions[name] for name in windows), _ZERO) / known
    balance = sum((_sign(standing.results[name].pnl) for name in windows), _ZERO) / len(windows)
    opinion = Decimal("0.7") * skill + Decimal("0.3") * balance
    shrunk = opinion * known * _evidence(standing)
    return (UNKNOWN + UNKNOWN * shrunk).quantize(_CENT, ROUND_HALF_EVEN)


def unfit(standing: Standing, least_account_value: Decimal) -> str | None:
    """Say why `standing` has no place on the roster, or return None if it has.

    A market maker is known by much turnover for little profit: in a window it traded over
    `MAKER_TURNOVER` times its account a day, and made or lost less than `MAKER_MARGIN` a dollar.
    """
    if standing.account_value < least_account_value:
        return "small_account"
    if all(result.volume <= 0 for result in standing.results.values()):
        return "no_volume"
    if any(_makes_markets(standing, name, days) for name, days in DAYS.items()):
        return "market_maker"
    return None


def _opinion(name: Window, result: Result) -> Decimal:
    roi = _clamp(result.roi / ROI_CAPS[name])
    if result.volume <= 0:
        return roi / 2
    return (roi + _clamp(result.pnl / result.volume / MARGIN_CAP)) / 2


def _evidence(standing: Standing) -> Decimal:
    volume = max((result.volume for result in standing.results.values()), default=_ZERO)
    return _half_trust(volume, HALF_TRUST_VOLUME) * _half_trust(
        standing.account_value, HALF_TRUST_ACCOUNT
    )


def _makes_markets(standing: Standing, name: Window, days: int) -> bool:
    result = standing.results.get(name)
    if result is None or result.volume <= 0:
        return False
    busy = result.volume > MAKER_TURNOVER * days * max(standing.account_value, _ONE)
    return busy and abs(result.pnl) < MAKER_MARGIN * result.volume


def _half_trust(amount: Decimal, half: Decimal) -> Decimal:
    """Return a share in [0, 1) that is one half at `half`."""
    return max(amount, _ZERO) / (max(amount, _ZERO) + half)


def _clamp(value: Decimal) -> Decimal:
    return max(-_ONE, min(_ONE, value))


def _sign(value: Decimal) -> Decimal:
    return Decimal((value > 0) - (value < 0))
