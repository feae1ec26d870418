"""Who makes a signal what it is, and by how much."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from heapq import nlargest
from typing import Protocol

from shared_events.payloads import Contribution
from signal_system.domain.exposure import SIZE_SCALE, WEIGHT_SCALE, Exposure, usd
from signal_system.signal_generation.aggregation import Pool

SHOWN = 5


class Speakers(Protocol):
    """What an explanation asks the state for."""

    def weight_of(self, entity: str) -> int:
        """Return the weight of the entity's head, or of its heaviest member, in ppm."""
        ...

    def dimensions_of(self, entity: str) -> Mapping[str, float]:
        """Return what that weight is made of."""
        ...

    def size_of(self, entity: str, coin: str) -> int | None:
        """Return what the entity holds of `coin`, in hundred-millionths; None if unknown."""
        ...


def contributions(
    coin: str,
    exposure: Exposure,
    mark: Decimal | None,
    of: Speakers,
    pool: Pool,
    log_odds_per_tilt: float,
) -> tuple[tuple[Contribution, ...], tuple[Contribution, ...]]:
    """Return the largest stakes on the side the pool leans to, and the largest against it."""

    def told(stakes: Iterable[tuple[str, int]]) -> tuple[Contribution, ...]:
        largest = nlargest(SHOWN, stakes, key=lambda each: (abs(each[1]), each[0]))
        return tuple(
            Contribution(
                address=entity,
                weight=of.weight_of(entity) / WEIGHT_SCALE,
                exposure=_worth(of.size_of(entity, coin), mark),
                effect=_effect(exposure, stake, pool.usual) * log_odds_per_tilt,
                dimensions=dict(of.dimensions_of(entity)),
            )
            for entity, stake in largest
        )

    long = [each for each in exposure.stakes.items() if each[1] > 0]
    short = [each for each in exposure.stakes.items() if each[1] < 0]
    sides = told(long), told(short)
    return sides if pool.tilt >= 0 else sides[::-1]


def _worth(size: int | None, mark: Decimal | None) -> Decimal | None:
    return None if size is None or mark is None else usd(size, mark, SIZE_SCALE)


def _effect(exposure: Exposure, stake: int, usual: int) -> float:
    """Return how much tilt would be missing without `stake`."""
    gross = exposure.gross + usual
    rest = gross - abs(stake)
    without = (exposure.net - stake) / rest if rest else 0.0
    return exposure.net / gross - without
