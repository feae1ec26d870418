"""Weighs traders by the configured scheme."""

from signal_system.domain.trader import Trader
from signal_system.weighting_engine.config import WeightingConfig
from signal_system.weighting_engine.port import Weight
from signal_system.weighting_engine.schemes import SCHEMES

_SILENT = Weight(0)


class TraderWeightingEngine:
    """Gives every trader a weight; only tracked ones have a voice.

    Parameters
    ----------
    config
        Names the scheme.

    Examples
    --------
    >>> TraderWeightingEngine(WeightingConfig()).weigh(Trader(address="0xa", tracked=True)).ppm
    500000
    """

    def __init__(self, config: WeightingConfig) -> None:
        self._scheme = SCHEMES[config.scheme]

    @property
    def scheme(self) -> str:
        """The name of the scheme, version included."""
        return self._scheme.name

    def weigh(self, trader: Trader) -> Weight:
        """Return what the opinion of `trader` counts now."""
        return self._scheme.weigh(trader) if trader.tracked else _SILENT
