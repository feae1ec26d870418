"""The scraper's score of a leaderboard row, for everybody at once.

The formula is version ``v1`` of ``docs/reference/scoring.md``; a test holds this to the scraper's own.
"""

from typing import Final

import numpy as np

from hyperliquid_simulator.coins.market import Floats
from shared_events.payloads import Window

VERSION: Final = "v1"
WINDOWS: Final[tuple[Window, ...]] = ("day", "week", "month", "allTime")
WEIGHTS: Final = np.array([0.1, 0.2, 0.3, 0.4])
RETURN_CAPS: Final = np.array([0.10, 0.25, 0.50, 2.0])
MARGIN_CAP: Final = 0.01
HALF_TRUST_VOLUME: Final = 1_000_000.0
HALF_TRUST_ACCOUNT: Final = 10_000.0


def scores(value: Floats, profit: Floats, roi: Floats, volume: Floats) -> Floats:
    """Return scores in [0, 100] to two decimals; 50 says nothing.

    Parameters
    ----------
    value
        What each account is worth, in dollars.
    profit, roi, volume
        By window (rows) and account (columns): dollars, a fraction, dollars.
    """
    opinion = np.clip(roi / RETURN_CAPS[:, None], -1, 1)
    traded = volume > 0
    margin = np.clip(profit / np.where(traded, volume, 1) / MARGIN_CAP, -1, 1)
    opinion = np.where(traded, (opinion + margin) / 2, opinion / 2)
    skill = WEIGHTS @ opinion
    balance = np.sign(profit).mean(axis=0)
    trust = _half_trust(volume.max(axis=0), HALF_TRUST_VOLUME)
    trust *= _half_trust(value, HALF_TRUST_ACCOUNT)
    found: Floats = np.round(50 + 50 * (0.7 * skill + 0.3 * balance) * trust, 2)
    return found


def _half_trust(amount: Floats, half: float) -> Floats:
    least: Floats = np.maximum(amount, 0)
    return np.asarray(least / (least + half))
