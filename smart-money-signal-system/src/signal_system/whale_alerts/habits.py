"""How large a trader's moves usually are, and in which coins: what makes one unusual.

Sizes of trades are spread over orders of magnitude, so the mean and the deviation are of logarithms,
the newer moves counting more (Roberts, Control chart tests based on geometric moving averages, 1959).
"""

from collections.abc import Set as AbstractSet
from decimal import Decimal
from math import log, sqrt

from msgspec import Struct, structs

from signal_system.whale_alerts.episodes import Episode

_SHARE = 0.04
"""Of the newest move: half of what is known is of the last 17 moves."""
_LEAST_DEVIATION = 0.25
_MOST_COINS = 100


class Habit(Struct, frozen=True):
    """What is known of one trader's moves.

    Attributes
    ----------
    moves
        How many were seen.
    mean, variance
        Of the natural logarithm of their USD.
    coins
        Where, at most a hundred of them.
    """

    moves: int = 0
    mean: float = 0.0
    variance: float = 0.0
    coins: frozenset[str] = frozenset()

    def after(self, episode: Episode) -> "Habit":
        """Return the habit, a move that is over being part of it."""
        coins = self.coins if len(self.coins) >= _MOST_COINS else self.coins | {episode.coin}
        if episode.notional <= 0:
            return structs.replace(self, coins=coins)
        size = log(episode.notional)
        share = max(_SHARE, 1 / (self.moves + 1))
        surprise = size - self.mean
        return Habit(
            moves=self.moves + 1,
            mean=self.mean + share * surprise,
            variance=(1 - share) * (self.variance + share * surprise * surprise),
            coins=coins,
        )

    def deviations(self, notional: Decimal) -> float:
        """Return by how many standard deviations a move of `notional` USD is larger than usual.

        The deviation is taken for at least a quarter: who always trades the same is not alarming
        at once.
        """
        deviation = max(sqrt(self.variance), _LEAST_DEVIATION)
        return (log(notional) - self.mean) / deviation if notional > 0 else 0.0


class Habits(Struct):
    """Of everybody, whoever moved longest ago being forgotten first.

    Attributes
    ----------
    most
        How many traders are remembered.
    """

    known: dict[str, Habit] = {}
    most: int = 50_000

    def of(self, address: str) -> Habit:
        """Return what is known of a trader."""
        return self.known.get(address, Habit())

    def learn(self, episode: Episode) -> None:
        """Take a move that is over."""
        self.known[episode.address] = self._leave(episode.address).after(episode)
        if len(self.known) > self.most:
            del self.known[next(iter(self.known))]

    def holds(self, address: str, coins: AbstractSet[str]) -> None:
        """Note that a trader holds `coins`: none of them will be its first position there."""
        habit = self.of(address)
        fresh = coins - habit.coins
        if fresh and len(habit.coins) < _MOST_COINS:
            self._leave(address)
            self.known[address] = structs.replace(habit, coins=habit.coins | fresh)

    def _leave(self, address: str) -> Habit:
        return self.known.pop(address, Habit())
