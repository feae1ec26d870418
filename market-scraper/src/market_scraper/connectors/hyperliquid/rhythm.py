"""How often a subscription speaks, to notice when it stops although its connection lives. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PATIENCE: Final[Mapping[str, float]] = {
    "trades": 3.0,
    "candle": 15.0,
    "activeAssetCtx": 15.0,
    "allMids": 60.0,
    "allDexsAssetCtxs": 60.0,
    "fastAssetCtxs": 60.0,
}
"""Channels with a rhythm of their own, and for how long each may always be silent, in seconds.

A user's own channels have none: they are silent when the user is.
"""

_FRAMES = 20
_FACTOR = 30.0
_MEMORY = 50


@dataclass(slots=True)
class Rhythm:
    """The frames of one subscription."""

    least_seconds: float
    last: float
    frames: int = 0
    mean_seconds: float = 0.0
    renewed_at: float | None = None

    def beat(self, now: float) -> None:
        """Note a frame."""
        self.frames += 1
        self.mean_seconds += (now - self.last - self.mean_seconds) / min(self.frames, _MEMORY)
        self.last, self.renewed_at = now, None

    def stopped(self, now: float) -> bool:
        """Tell whether it is silent for far longer than it ever is."""
        patience = max(self.least_seconds, _FACTOR * self.mean_seconds)
        return self.frames >= _FRAMES and now - self.last > patience

    def renewed(self, now: float) -> None:
        """Note that it was subscribed to anew, to learn its rhythm afresh."""
        self.last, self.frames, self.mean_seconds, self.renewed_at = now, 0, 0.0, now

    def lost(self, now: float, patience_seconds: float) -> bool:
        """Tell whether subscribing anew brought nothing either."""
        renewed = self.renewed_at
        return renewed is not None and now - renewed > max(self.least_seconds, patience_seconds)
