"""Whether a finding is told: once, again only when it got graver or became something else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from shared_events.payloads.decisions import Severity
from signal_system.whale_alerts.rule import Finding
from signal_system.whale_alerts.severity import rank, severity_of

_MOST = 20_000
_ID_DIGITS = 20
_OVER = 0.5
"""Of a threshold: what falls below it may be told anew."""


class Told(Struct, frozen=True):
    """The newest alert of a thread, or of a rule about one trader and coin."""

    alert_id: str
    rule: str
    severity: Severity
    at: datetime


class Verdict(Struct, frozen=True):
    """That a finding is to be told, under which name, and what it replaces."""

    alert_id: str
    severity: Severity
    supersedes: str | None


class Telling(Struct):
    """What was told, the oldest first.

    Attributes
    ----------
    threads
        By thread.
    subjects
        By rule, trader and coin: what a rule's cool-down is about.
    """

    threads: dict[str, Told] = {}
    subjects: dict[str, Told] = {}

    def judge(
        self, rule: str, finding: Finding, steps: Sequence[float], cool_down: timedelta
    ) -> Verdict | None:
        """Return how `finding` is to be told, and remember that it was; None if it is not."""
        if finding.magnitude < _OVER:
            self.threads.pop(finding.thread, None)
        if finding.magnitude < 1:
            return None
        severity = severity_of(finding.magnitude, steps)
        before, subject = self.threads.get(finding.thread), _subject(rule, finding)
        if before is None:
            recent = self.subjects.get(subject)
            if recent and finding.at - recent.at < cool_down and not _graver(severity, recent):
                return None
        elif before.rule == rule and not _graver(severity, before):
            return None
        told = Told(_id(rule, finding, severity), rule, severity, finding.at)
        _put(self.threads, finding.thread, told)
        _put(self.subjects, subject, told)
        return Verdict(told.alert_id, severity, before.alert_id if before else None)


def _graver(severity: Severity, than: Told) -> bool:
    return rank(severity) > rank(than.severity)


def _put(kept: dict[str, Told], key: str, told: Told) -> None:
    kept.pop(key, None)
    kept[key] = told
    if len(kept) > _MOST:
        del kept[next(iter(kept))]


def _subject(rule: str, finding: Finding) -> str:
    about = finding.case.episode if finding.case else finding
    return f"{rule}:{about.address}:{about.coin}:{about.side}"


def _id(rule: str, finding: Finding, severity: Severity) -> str:
    """Return the alert's name: the same fact has the same one after a restart and in a replay."""
    fact = f"{rule}|{finding.thread}|{severity}|{finding.at.isoformat()}"
    return sha256(fact.encode()).hexdigest()[:_ID_DIGITS]
