"""What a weighting scheme promises."""

from typing import Protocol

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters


class Scheme(Protocol):
    """A pure rule from what is known of voters to how much each of them counts."""

    @property
    def name(self) -> str:
        """The name it is registered under, version included; every signal states it."""
        ...

    @property
    def learns(self) -> bool:
        """Whether it weighs by evidence, with caps; if not, the roster's word is enough."""
        ...

    @property
    def relative(self) -> bool:
        """Whether it counts stakes in units of their holder's usual risk, and coins against coins."""
        ...

    def weigh(self, voters: Voters) -> Floats:
        """Return how much each voter counts: nothing or more, and at most 1 unless it learns."""
        ...
