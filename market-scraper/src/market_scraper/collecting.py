"""What collects: a loop of its own, and a pulse by which others see that it lives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(slots=True)
class Pulse:
    """When a collector last did what it is for, and when it looks again; None: not known."""

    succeeded_at: datetime | None = None
    due_at: datetime | None = None

    def beat(self, now: datetime, again_seconds: float | None = None) -> None:
        """Note a success at `now`, and in how many seconds the next is to be expected."""
        self.succeeded_at = now
        self.due_at = None if again_seconds is None else now + timedelta(seconds=again_seconds)


class Collector(Protocol):
    """Collects one kind of fact until cancelled."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def pulse(self) -> Pulse:
        """How it goes."""
        ...

    async def collect(self) -> None:
        """Collect.

        Raises
        ------
        TransientError
            If the source is away; `collect` is called again later.
        DataError
            If the source sent nonsense; it is reported and `collect` called again later.
        """
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to leave a source alone that fails.

    Waits double from `first_seconds` to `longest_seconds`, spread by `jitter`. After `most_failures`
    in a row without a success the circuit breaks: the source rests for `rest_seconds`, and for twice
    as long each time a single further attempt fails, up to `longest_rest_seconds`.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    most_failures: int | None = None
    rest_seconds: float = 300.0
    longest_rest_seconds: float = 3_600.0
    jitter: float = 0.25

    def broken(self, failures: int) -> bool:
        """Tell whether the circuit is broken after so many failures in a row."""
        return self.most_failures is not None and failures >= self.most_failures

    def seconds(self, failures: int, chance: float) -> float:
        """Return how long to wait after so many failures in a row.

        Parameters
        ----------
        chance
            In [0, 1): from where in the spread the wait is taken.

        Examples
        --------
        >>> patience = Patience(most_failures=4, jitter=0.0)
        >>> [patience.seconds(n, 0.5) for n in range(1, 7)]
        [1.0, 2.0, 4.0, 300.0, 600.0, 1200.0]
        """
        if self.most_failures is not None and failures >= self.most_failures:
            doublings, first, longest = (
                failures - self.most_failures,
                self.rest_seconds,
                self.longest_rest_seconds,
            )
        else:
            doublings, first, longest = failures - 1, self.first_seconds, self.longest_seconds
        wait = min(first * 2.0 ** min(doublings, 30), longest)
        return wait * (1 + self.jitter * (2 * chance - 1))


OURS = Patience()
"""For what must go on: no attempt is ever more than about a minute away."""

THEIRS = Patience(first_seconds=5.0, longest_seconds=300.0, most_failures=5)
"""For other people's free services, which are left alone when they fail."""
