"""Reference labels: what was a bull and what a bear market, known only in hindsight."""

from collections.abc import Sequence


def swings(closes: Sequence[float], rise: float, fall: float) -> list[bool | None]:
    """Return for each bar whether it lay in a bull market, None where it has not shown yet.

    Lunde and Timmermann (JBES 2004): a bull market ends at its highest close once the price has
    fallen from it by `fall`, a bear market at its lowest once it has risen by `rise`. For judging
    alone: a label looks ahead until the next turn is confirmed.

    Examples
    --------
    >>> swings([100, 150, 200, 150, 110, 100, 120, 180, 170], rise=0.4, fall=0.4)
    [True, True, True, False, False, False, True, True, None]
    """
    labels: list[bool | None] = [None] * len(closes)
    rising, turn, extreme = _first_direction(closes, rise, fall), 0, 0
    if rising is None:
        return labels
    for bar, close in enumerate(closes):
        if (close > closes[extreme]) == rising and close != closes[extreme]:
            extreme = bar
        change = close / closes[extreme] - 1
        if (change <= -fall) if rising else (change >= rise):
            labels[turn : extreme + 1] = [rising] * (extreme + 1 - turn)
            turn, extreme, rising = extreme + 1, bar, not rising
    labels[turn : extreme + 1] = [rising] * (extreme + 1 - turn)
    return labels


def _first_direction(closes: Sequence[float], rise: float, fall: float) -> bool | None:
    highest = lowest = closes[0] if closes else 0.0
    for close in closes:
        highest, lowest = max(highest, close), min(lowest, close)
        if close >= lowest * (1 + rise):
            return True
        if close <= highest * (1 - fall):
            return False
    return None
