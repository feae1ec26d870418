"""What it takes to follow an opinion on one coin over one horizon, and what a move there is worth.

Fees for going in and out, the way across the book, funding for every hour that is held. A typical
move that does not pay for these makes the best forecast worthless.
"""

from dataclasses import dataclass

from signal_system.domain.market import Market
from signal_system.domain.moves import Count
from signal_system.domain.rules import Rules

_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Trip:
    """Following one side from now until the horizon; fractions of the price.

    Attributes
    ----------
    cost
        Funding included, which may be earned: then it is less than the round trip.
    typical
        Mean size of the coin's moves over such a horizon; None while no such window has closed.
    earned
        What following it brings on average: the typical move times `edge` once that is calibrated, till
        then the mean move on this side, less `cost`; None without a closed window, or if a part of
        the cost is unknown.
    edge
        By how much this side is likelier than the other; 1, as for a perfect forecast, until calibrated.
    unknown
        The parts of the cost that nobody said; the round trip is then the assumed one, funding none.
    """

    cost: float
    typical: float | None
    earned: float | None
    edge: float = 1.0
    unknown: tuple[str, ...] = ()

    @property
    def margin(self) -> float | None:
        """What `cost` may take; see `trip`."""
        return None if self.typical is None else self.typical * self.edge


def trip(
    side: int,
    horizon_seconds: int,
    market: Market | None,
    count: Count,
    rules: Rules,
    edge: float | None = None,
) -> Trip:
    """Return what going along with `side` (1 or -1) takes and brings.

    Parameters
    ----------
    edge
        See `Trip`; None if not calibrated.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> btc = Market(noon, None, False, spread=0.0003, funding_hourly=0.0001)
    >>> told = trip(1, 14_400, btc, Count(2, 1, 0, moved=2_000_000, drifted=1_000_000), Rules())
    >>> round(told.cost, 6), told.typical, round(told.earned, 6)
    (0.0016, 0.01, 0.0034)
    """
    spread = market.spread if market else None
    funding = market.funding_hourly if market else None
    names = {"spread": spread, "funding": funding}
    unknown = tuple(name for name, value in names.items() if value is None)
    round_trip = max(rules.round_trip_cost, 2 * rules.taker_fee + (spread or 0.0))
    cost = round_trip + side * (funding or 0.0) * horizon_seconds / _HOUR
    typical, drift, share = count.typical, count.drift, 1.0 if edge is None else edge
    if typical is None or drift is None:
        return Trip(cost, None, None, share, unknown)
    brought = side * drift if edge is None else edge * typical
    return Trip(cost, typical, None if unknown else brought - cost, share, unknown)
