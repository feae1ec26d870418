"""How much each trader's opinion counts: schemes weigh, the engine picks one."""

from signal_system.weighting_engine.config import WeightingConfig
from signal_system.weighting_engine.engine import TraderWeightingEngine
from signal_system.weighting_engine.port import Scheme, Weight

__all__ = ["Scheme", "TraderWeightingEngine", "Weight", "WeightingConfig"]
