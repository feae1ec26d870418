"""What decides the signals, beside the records themselves."""

from dataclasses import dataclass, field
from hashlib import sha256

from msgspec import json

from signal_system.domain.rules import Rules
from signal_system.ml.band import Band
from signal_system.weighting_engine import WeightingConfig
from signal_system.whale_alerts.config import AlertRules


@dataclass(frozen=True, slots=True)
class FoldConfig:
    """Everything that decides what a journal leads to; its models are in the journal."""

    rules: Rules = field(default_factory=Rules)
    weighting: WeightingConfig = field(default_factory=WeightingConfig)
    baseline: Band = field(default_factory=Band)
    alerts: AlertRules = field(default_factory=AlertRules)

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with any setting that could change a signal."""
        parts = [
            part.model_dump(mode="json") for part in (self.rules, self.weighting, self.baseline)
        ]
        return sha256(json.encode(parts, order="sorted")).hexdigest()[:16]
