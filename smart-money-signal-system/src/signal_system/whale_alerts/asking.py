"""Which alerts somebody asks for."""

from dataclasses import dataclass
from datetime import datetime

from shared_events.payloads import WhaleAlert
from shared_events.payloads.decisions import Severity
from signal_system.whale_alerts.severity import rank


@dataclass(frozen=True, slots=True)
class Asked:
    """What an alert must satisfy; None asks for nothing.

    Attributes
    ----------
    severity
        At least so grave.
    since
        Not before, in event time.
    """

    coin: str | None = None
    address: str | None = None
    rule: str | None = None
    severity: Severity | None = None
    since: datetime | None = None
    alert_id: str | None = None

    def wants(self, alert: WhaleAlert) -> bool:
        """Tell whether `alert` is asked for."""
        return (
            self.coin in {None, alert.coin}
            and self.address in {None, alert.address}
            and self.rule in {None, alert.rule}
            and self.alert_id in {None, alert.alert_id}
            and (self.severity is None or rank(alert.severity) >= rank(self.severity))
            and (self.since is None or alert.at >= self.since)
        )
