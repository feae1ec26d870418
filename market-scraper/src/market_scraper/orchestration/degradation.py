"""What is given up when there is more to do than can be done, in which order, and when it comes back. Pure.

The public trades of the markets that matter are never given up: every position follows from them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

MOST_LATENESS_SECONDS: Final = 0.5
MOST_WAITING_SHARE: Final = 0.5
MOST_AGE_SECONDS: Final = 2.0
CALM: Final = 0.4
HOT_SECONDS: Final = 5.0
CALM_SECONDS: Final = 60.0


class Step(StrEnum):
    """What is given up, the most dispensable first."""

    CANDLES = "candles"
    AUDITS = "audits"
    BUILDER_DEXES = "builder dexes"
    QUIET_COINS = "quiet coins"
    ROSTER = "roster"


@dataclass(frozen=True, slots=True)
class Load:
    """How far behind we are.

    Parameters
    ----------
    lateness_seconds
        By how much the event loop wakes up too late, on average.
    waiting_share
        How full the queue before the bus is, in [0, 1].
    age_seconds
        How long the oldest event that is not published yet has been waiting.
    """

    lateness_seconds: float = 0.0
    waiting_share: float = 0.0
    age_seconds: float = 0.0

    @property
    def pressure(self) -> float:
        """The worst of the three as a multiple of what is borne: 1 and more is too much."""
        return max(
            self.lateness_seconds / MOST_LATENESS_SECONDS,
            self.waiting_share / MOST_WAITING_SHARE,
            self.age_seconds / MOST_AGE_SECONDS,
        )


@dataclass(slots=True)
class Degradation:
    """One step down after `hot_seconds` of too much, one step up after `calm_seconds` of little.

    Between the two thresholds nothing changes, so that giving something up, which lowers the load, does
    not at once bring it back.
    """

    hot_seconds: float = HOT_SECONDS
    calm_seconds: float = CALM_SECONDS
    taken: tuple[Step, ...] = ()
    _hot_since: float | None = None
    _calm_since: float | None = None

    def look(self, load: Load, now: float) -> Step | None:
        """Take `load` into account; return the step that was taken or undone because of it."""
        self._hot_since = _since(self._hot_since, now) if load.pressure >= 1 else None
        self._calm_since = _since(self._calm_since, now) if load.pressure <= CALM else None
        steps = list(Step)
        if self._lasted(self._hot_since, self.hot_seconds, now) and len(self.taken) < len(steps):
            self._hot_since = now
            self.taken = tuple(steps[: len(self.taken) + 1])
            return self.taken[-1]
        if self._lasted(self._calm_since, self.calm_seconds, now) and self.taken:
            self._calm_since, undone = now, self.taken[-1]
            self.taken = self.taken[:-1]
            return undone
        return None

    @staticmethod
    def _lasted(since: float | None, seconds: float, now: float) -> bool:
        return since is not None and now - since >= seconds


def kept_coins(
    coins: Iterable[str],
    taken: Collection[Step],
    volumes: Mapping[str, Decimal | None],
    always: Collection[str],
) -> list[str]:
    """Return the coins whose trades are followed, in their order.

    Parameters
    ----------
    volumes
        What was traded of each in a day, in USD: the lower half is quiet.
    always
        Kept whatever their volume.

    Examples
    --------
    >>> volumes = {"BTC": Decimal(9), "ETH": Decimal(8), "DOGE": Decimal(1), "xyz:GOLD": Decimal(2)}
    >>> kept_coins(volumes, [Step.CANDLES], volumes, ())
    ['BTC', 'ETH', 'DOGE', 'xyz:GOLD']
    >>> kept_coins(volumes, list(Step)[:3], volumes, ())
    ['BTC', 'ETH', 'DOGE']
    >>> kept_coins(volumes, list(Step)[:4], volumes, ())
    ['BTC', 'ETH']
    >>> kept_coins(volumes, list(Step)[:4], volumes, ["DOGE"])
    ['BTC', 'ETH', 'DOGE']
    """
    kept = list(coins)
    if Step.BUILDER_DEXES in taken:
        kept = [coin for coin in kept if ":" not in coin or coin in always]
    if Step.QUIET_COINS in taken:
        volume = _volume(volumes)
        loudest = sorted(kept, key=volume, reverse=True)[: (len(kept) + 1) // 2]
        kept = [coin for coin in kept if coin in {*loudest, *always}]
    return kept


def _volume(volumes: Mapping[str, Decimal | None]) -> Callable[[str], Decimal]:
    return lambda coin: volumes.get(coin) or Decimal(0)


def _since(before: float | None, now: float) -> float:
    return now if before is None else before
