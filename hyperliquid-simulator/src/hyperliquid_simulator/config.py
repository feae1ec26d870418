"""What a venue is made of: one frozen value, checked when it is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from math import sqrt
from pathlib import Path
from time import time_ns
from typing import Final

from hyperliquid_simulator.accounts.styles import DEMO, Shares, check_shares
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.coins.dexes import BUILDER_COINS
from hyperliquid_simulator.coins.pairs import PAIRS, QUESTIONS
from hyperliquid_simulator.errors import ConfigError

BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "seed": (0, 2**63 - 1),
    "traders": (20, 30_000),
    "coins": (3, len(COINS)),
    "builder_coins": (0, len(BUILDER_COINS)),
    "spot_pairs": (0, len(PAIRS)),
    "outcomes": (0, len(QUESTIONS)),
    "speed": (0.01, 1_000),
    "history_days": (1, 1_000),
    "port": (0, 65_535),
    "orders_per_second": (0, 20_000),
    "flip_seconds": (0, 86_400),
    "skill_ic": (0, 0.5),
    "one_regime": (0, 1),
    "tempo": (0.01, 24),
    "self_trades": (0, 1),
    "movements_per_day": (0, 100_000),
    "nettings_per_hour": (0, 3_600),
    "thin_book": (0, 1),
    "socket_lifetime": (1, 604_800),
}

TOTAL_USERS: Final[Mapping[int, int]] = {10: 10, 14: 15}
"""Users that fit, as documented and as measured later, and the number the complaint names."""

YEARS: Final = range(2000, 2100)
"""When the venue may be, so that its history fits before it."""

CATCH_UP_MS: Final = 86_400_000
"""Wall time after which an accelerated venue that began in the past meets the present."""

USUAL_ORDER: Final = 4_500.0
"""Dollars in a typical order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that decides what the venue does; the same values give the same history.

    Parameters
    ----------
    coins
        Perpetuals of the venue's own dex.
    builder_coins
        Perpetuals of the dexes that builders run beside it.
    spot_pairs
        Pairs of tokens.
    outcomes
        Questions with a coin for either answer.
    start
        Venue time at which the live part begins, UTC; None is the present. An accelerated venue
        begins as far in the past as it gains in a day, so that clients who live in the present meet
        old data, never data of the future.
    stepped
        Whether venue time stands still until somebody steps it, instead of following the wall's.
    orders_per_second
        Orders per second of venue time; None is 30 at 300 traders and grows with their root.
    flip_seconds
        Mean venue time between two coordinated turns of planted traders; 0 is never.
    shares
        Part of the population of every style; noise is the rest.
    skill_ic
        Mean information coefficient of the skilled: the correlation of their exposure with the
        residual return of the next 24 hours.
    one_regime
        Part of the skilled that have it in one regime only.
    tempo
        Decisions a day and coin of the median trader.
    self_trades
        Share of the orders that meet their own account's resting order.
    movements_per_day
        How often an account moves money without a trade.
    nettings_per_hour
        How often the venue's vault nets a position with a child, which no public trade shows.
    thin_book
        Share of the liquidations that the book is too thin for: no public trade shows them.
    limits
        Whether the venue's rate limits hold.
    max_users
        Users an address may track: the documented 10, or 14 as measured later.
    faults
        A JSON file of timed faults.
    socket_lifetime
        Seconds of venue time after which a websocket expires; None is never.
    """

    seed: int = 7
    traders: int = 300
    coins: int = 12
    builder_coins: int = 4
    spot_pairs: int = 3
    outcomes: int = 1
    speed: float = 1.0
    stepped: bool = False
    history_days: int = 180
    start: datetime | None = None
    host: str = "127.0.0.1"
    port: int = 18777
    orders_per_second: float | None = None
    flip_seconds: float = 120.0
    shares: Shares = field(default_factory=lambda: DEMO)
    skill_ic: float = 0.1
    one_regime: float = 0.3
    tempo: float = 0.5
    self_trades: float = 0.0005
    movements_per_day: float = 0.25
    nettings_per_hour: float = 6.0
    thin_book: float = 0.2
    limits: bool = True
    max_users: int = min(TOTAL_USERS)
    faults: Path | None = None
    socket_lifetime: float | None = None

    def __post_init__(self) -> None:
        for name, bounds in BOUNDS.items():
            check_bounds(name.removesuffix("_days"), getattr(self, name), bounds)
        if self.stepped and self.speed != 1.0:
            raise ConfigError("--speed means nothing to a venue that is --stepped; leave one out.")
        if self.max_users not in TOTAL_USERS:
            known = " or ".join(map(str, TOTAL_USERS))
            raise ConfigError(f"--max-users is {self.max_users}; choose {known}.")
        check_shares(self.shares)
        if self.start is not None and self.start.tzinfo is None:
            raise ConfigError("--start needs a time zone; write it like 2026-11-01T00:00:00Z.")
        if self.start is not None and self.start.year not in YEARS:
            raise ConfigError(
                f"--start is in {self.start.year}; choose {YEARS.start} to {YEARS.stop - 1}."
            )

    @property
    def start_ms(self) -> int:
        """Venue time at the start in epoch milliseconds; reads the wall clock if none was set."""
        if self.start is None:
            return time_ns() // 1_000_000 - round(max(self.speed - 1.0, 0.0) * CATCH_UP_MS)
        return round(self.start.timestamp() * 1000)

    @property
    def order_rate(self) -> float:
        """Orders per second of venue time."""
        return self._usual_rate if self.orders_per_second is None else self.orders_per_second

    @property
    def twap_rate(self) -> float:
        """Slices of TWAP orders per second, if all were in one coin; a busy tape brings no more."""
        return 0.75 * min(self.order_rate, self._usual_rate)

    @property
    def _usual_rate(self) -> float:
        return 30.0 * sqrt(self.traders / 300)

    @property
    def usual_dollars_per_minute(self) -> float:
        """What the whole venue trades in a minute without a burst."""
        return self.order_rate * 60 * USUAL_ORDER


def check_bounds(name: str, value: float | None, bounds: tuple[float, float]) -> None:
    """Raise ConfigError if an option has a value beyond its bounds."""
    least, most = bounds
    if value is not None and not least <= value <= most:
        option = name.replace("_", "-")
        raise ConfigError(f"--{option} is {value}; choose {least:g} to {most:g}.")


def parse_start(text: str) -> datetime:
    """Read an ISO 8601 moment; raises ConfigError if it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as e:
        raise ConfigError(f"--start {text!r} is no moment; write 2026-11-01T00:00:00Z.") from e


def parse_day(text: str) -> datetime:
    """Read a date as its first moment in UTC; raises ConfigError if it is none."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as e:
        raise ConfigError(f"--since {text!r} is no date; write 2025-01-01.") from e
