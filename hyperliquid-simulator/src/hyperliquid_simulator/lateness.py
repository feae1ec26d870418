"""Whether the venue keeps up: how late its blocks are, and what they cost."""

from collections import deque
from time import process_time
from typing import Any, Final

KEPT: Final = 100_000
"""Blocks that count for the quantiles: the last two hours at real speed."""

QUANTILES: Final = {"p50": 0.5, "p99": 0.99, "max": 1.0}


class Lateness:
    """Notes every block when its last frame was handed over, and reports since the last report."""

    def __init__(self) -> None:
        self._late_ms: deque[float] = deque(maxlen=KEPT)
        self._trades = 0
        self._cpu = process_time()

    def note(self, late_ms: float, trades: int) -> None:
        """Count a block that went out that many milliseconds on the wall after it was due."""
        self._late_ms.append(late_ms)
        self._trades += trades

    def report(self) -> dict[str, Any]:
        """Return what was noted since the last time, and forget it."""
        late, cpu = sorted(self._late_ms), process_time()
        found = {
            "blocks": len(late),
            "trades": self._trades,
            "cpuSeconds": round(cpu - self._cpu, 3),
            "lateMs": {name: round(_quantile(late, q), 2) for name, q in QUANTILES.items()},
        }
        self._late_ms.clear()
        self._trades, self._cpu = 0, cpu
        return found


def _quantile(rising: list[float], share: float) -> float:
    return rising[min(int(share * len(rising)), len(rising) - 1)] if rising else 0.0
