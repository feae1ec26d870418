"""One coin's exposure, as exact sums that any order of updates leads to.

An entity's stake is its weight (parts per million) times its signed size (hundred-millionths of
the coin): an integer. Subtracting the old stake and adding the new one therefore never drifts, and
takes the same time with five voters as with five thousand.
"""

from decimal import Context, Decimal
from typing import NamedTuple

SIZE_SCALE = 10**8
WEIGHT_SCALE = 10**6
STAKE_SCALE = SIZE_SCALE * WEIGHT_SCALE
MAX_SIZE = Decimal(10**15)

_EXACT = Context(prec=80)
_CENT = Decimal("0.01")


class Voice(NamedTuple):
    """What a trader's opinion counts, and what a unit of its size does: both in parts per million."""

    weight: int
    loudness: int


class Pooling(NamedTuple):
    """How the stakes in a coin become a tilt, in [-1, 1]: net / (gross + usual) - lean.

    Attributes
    ----------
    usual
        What is at stake in a coin on average, in USD: few stakes that agree are no consensus.
    lean
        What all coins' tilts have in common, which is told of none of them.
    """

    usual: float = 0.0
    lean: float = 0.0

    def usual_stake(self, mark: Decimal) -> int:
        """Return `usual` as a stake in a coin of that price."""
        return int(self.usual * STAKE_SCALE / float(mark)) if self.usual else 0


class Exposure:
    """The stakes of all entities in one coin.

    Attributes
    ----------
    long, short
        Sums of the positive stakes and of the absolute negative ones.
    squares
        Sum of the squared stakes: what tells ten equal voices from one loud one.
    long_squares
        Those of the positive stakes alone.
    stakes
        The stake of every entity that has one; their number is the number of voters.

    Examples
    --------
    >>> btc = Exposure()
    >>> btc.shift("a", 3), btc.shift("b", -1), btc.shift("a", -3), btc.shift("a", 2)
    (None, None, None, None)
    >>> btc.long, btc.short, btc.squares, btc.stakes
    (2, 1, 5, {'b': -1, 'a': 2})
    """

    __slots__ = ("long", "long_squares", "short", "squares", "stakes")

    def __init__(self) -> None:
        self.long = self.short = self.squares = self.long_squares = 0
        self.stakes: dict[str, int] = {}

    @property
    def gross(self) -> int:
        """All stakes without their sign."""
        return self.long + self.short

    @property
    def net(self) -> int:
        """Longs less shorts."""
        return self.long - self.short

    @property
    def voters(self) -> int:
        """How many entities have a stake."""
        return len(self.stakes)

    @property
    def voices(self) -> tuple[float, float]:
        """How many equal voices would weigh as much as the longs, and as the shorts (Kish, 1965)."""
        short_squares = self.squares - self.long_squares
        return (
            self.long**2 / self.long_squares if self.long_squares else 0.0,
            self.short**2 / short_squares if short_squares else 0.0,
        )

    def shift(self, entity: str, by: int) -> None:
        """Change the stake of `entity` by `by`."""
        before = self.stakes.get(entity, 0)
        after = before + by
        self.squares += after * after - before * before
        self._side(before, -1)
        self._side(after, 1)
        if after:
            self.stakes[entity] = after
        else:
            self.stakes.pop(entity, None)

    def _side(self, stake: int, sign: int) -> None:
        if stake > 0:
            self.long += sign * stake
            self.long_squares += sign * stake * stake
        else:
            self.short -= sign * stake


def size_units(size: Decimal) -> int | None:
    """Return `size` in hundred-millionths, or None if no market could have such a size.

    Examples
    --------
    >>> size_units(Decimal("-1.5")), size_units(Decimal("1E+30"))
    (-150000000, None)
    """
    if -MAX_SIZE < size < MAX_SIZE:
        return int(size * SIZE_SCALE)
    return None


def usd(amount: int, mark: Decimal, scale: int = STAKE_SCALE) -> Decimal:
    """Return what a stake, or a size if `scale` is `SIZE_SCALE`, is worth at `mark`, to the cent.

    Examples
    --------
    >>> usd(150_000_000 * 500_000, Decimal(100_000)), usd(150_000_000, Decimal(2), SIZE_SCALE)
    (Decimal('75000.00'), Decimal('3.00'))
    """
    coins = _EXACT.divide(Decimal(amount), Decimal(scale))
    return _EXACT.quantize(_EXACT.multiply(coins, mark), _CENT)
