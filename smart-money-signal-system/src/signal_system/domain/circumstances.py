"""How well everything is seen at one moment: shared by the signals of all coins."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the freshness of every signal is judged by; ages are seconds, None is "never heard".

    Attributes
    ----------
    now
        Event time.
    data_age
        Since the newest word on any trader's book.
    freshness_limit
        How old a book may be: the setting, or twice the cadence that a recording declares.
    price_limit
        How old a reference price may be; in a recording as old as a book.
    heartbeat_age, heartbeat_limit
        Since a source of positions last said how it is, and how long it may be silent.
    source
        What the worst of those sources said.
    coverage
        The share of the tracked weight whose book is fresh.
    """

    now: datetime
    data_age: float | None
    freshness_limit: float
    price_limit: float
    heartbeat_age: float | None
    heartbeat_limit: float
    source: str | None
    coverage: float | None
