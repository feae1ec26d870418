"""Every weighting scheme there is. Adding one: write the class, then one line in `SCHEMES`."""

from decimal import Decimal

from signal_system.domain.exposure import WEIGHT_SCALE
from signal_system.domain.trader import Trader
from signal_system.weighting_engine.port import Scheme, Weight

UNKNOWN_SCORE = Decimal(50)
"""What a trader without a score counts: half a voice, which neither praises nor condemns."""


class ScoreOver100:
    """The roster's score divided by 100: the baseline that every later scheme must beat.

    Examples
    --------
    >>> ScoreOver100().weigh(Trader(address="0xa", score=Decimal("83.5")))
    Weight(ppm=835000, dimensions={'score': 0.835})
    """

    name = "score-over-100-v1"

    def weigh(self, trader: Trader) -> Weight:
        """Return the score over 100, half a voice where it is not known."""
        score = UNKNOWN_SCORE if trader.score is None else trader.score
        ppm = int(score * WEIGHT_SCALE / 100)
        return Weight(ppm, {"score": ppm / WEIGHT_SCALE})


SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in (ScoreOver100(),)}
