"""How grave an alert is: by how many times its rule's threshold was reached."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from shared_events.payloads.decisions import Severity

SEVERITIES: Final[tuple[Severity, ...]] = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


def rank(severity: Severity) -> int:
    """Return the place of `severity` among all, the least grave first."""
    return SEVERITIES.index(severity)


def severity_of(magnitude: float, steps: Sequence[float]) -> Severity:
    """Return the severity of what reached its threshold `magnitude` times.

    Examples
    --------
    >>> [severity_of(times, (3, 10, 30)) for times in (1, 3, 29.9, 400)]
    ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL']
    """
    return SEVERITIES[bisect_right(steps, magnitude)]
