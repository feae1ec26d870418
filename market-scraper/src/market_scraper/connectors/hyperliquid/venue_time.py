"""What time it is at the venue: the newest trade's, carried on by our own clock."""

from datetime import datetime, timedelta

from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.moments import moment
from shared_events.runtime.clock import Clock

_LONGEST_CARRY = timedelta(hours=1)


class VenueTime:
    """Tells the venue's time; ours until the first trade was seen.

    Parameters
    ----------
    tape
        Knows the newest trade.
    clock
        Ours.
    """

    def __init__(self, tape: TradeTape, clock: Clock) -> None:
        self._tape = tape
        self._clock = clock
        self._newest_ms = 0
        self._read_at = clock.now()

    def now(self) -> datetime:
        """Return the venue's time, within the delay of the last trade."""
        now = self._clock.now()
        if self._tape.newest_ms > self._newest_ms:
            self._newest_ms, self._read_at = self._tape.newest_ms, now
        if not self._newest_ms:
            return now
        carried = min(max(now - self._read_at, timedelta(0)), _LONGEST_CARRY)
        return moment(self._newest_ms) + carried

    def quiet_seconds(self) -> float | None:
        """Return for how long no trade was seen; None if none ever was."""
        self.now()
        if not self._newest_ms:
            return None
        return max(0.0, (self._clock.now() - self._read_at).total_seconds())
