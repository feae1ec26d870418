"""What a weighting scheme promises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from signal_system.domain.trader import Trader


@dataclass(frozen=True, slots=True)
class Weight:
    """What one trader's opinion counts, in parts per million of a full voice, and why."""

    ppm: int
    dimensions: Mapping[str, float] = field(default_factory=dict)


class Scheme(Protocol):
    """A pure rule from what is known of a trader to a weight between nothing and a full voice."""

    @property
    def name(self) -> str:
        """The name it is registered under, version included; every signal states it."""
        ...

    def weigh(self, trader: Trader) -> Weight:
        """Return the weight of a tracked `trader`."""
        ...
