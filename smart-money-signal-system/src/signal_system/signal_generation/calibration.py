"""What the confidence is: today the base rate, until enough outcomes exist to calibrate on."""

from shared_events.types import Action
from signal_system.domain.moves import Count


def base_rate(action: Action, count: Count) -> float:
    """Return how often `action` would have been right after costs, over the windows counted.

    BUY is right if the price rose by more than a round trip costs, SELL if it fell by more, NEUTRAL
    if neither. Laplace's rule of succession over these three, (n + 1) / (m + 3), keeps it off 0 and
    1 and makes it one third while nothing is known.

    Examples
    --------
    >>> base_rate("BUY", Count(windows=97, rose=39, fell=40)), base_rate("NEUTRAL", Count())
    (0.4, 0.3333333333333333)
    """
    hits = {"BUY": count.rose, "SELL": count.fell}.get(
        action, count.windows - count.rose - count.fell
    )
    return (hits + 1) / (count.windows + 3)
