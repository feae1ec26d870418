"""How much each trader's opinion counts: schemes weigh, evidence teaches, the engine keeps it up."""

from signal_system.weighting_engine.config import WeightingConfig
from signal_system.weighting_engine.engine import EngineSnapshot, TraderWeightingEngine
from signal_system.weighting_engine.port import Scheme

__all__ = ["EngineSnapshot", "Scheme", "TraderWeightingEngine", "WeightingConfig"]
