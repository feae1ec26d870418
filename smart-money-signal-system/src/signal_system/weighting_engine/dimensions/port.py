"""What a dimension of a weight promises."""

from typing import Protocol

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters


class Dimension(Protocol):
    """One side of what an opinion is worth, of all voters at once."""

    @property
    def name(self) -> str:
        """The name it is shown under."""
        ...

    def of(self, voters: Voters) -> Floats:
        """Return a number in [0, 1] for each voter; NaN where it cannot tell."""
        ...
