"""What a weight is made of. Adding a dimension: write a module, then one line in `DIMENSIONS`."""

from signal_system.weighting_engine.dimensions.performance import Performance
from signal_system.weighting_engine.dimensions.port import Dimension
from signal_system.weighting_engine.dimensions.recency import Recency
from signal_system.weighting_engine.dimensions.regime import Regime
from signal_system.weighting_engine.dimensions.size import Size

DIMENSIONS: tuple[Dimension, ...] = (Performance(), Size(), Recency(), Regime())

__all__ = ["DIMENSIONS", "Dimension", "Performance", "Recency", "Regime", "Size"]
