"""A service's log line, as much of it as a person at a terminal wants to read."""

import json
from dataclasses import dataclass

_ALARMING = frozenset({"warning", "error", "critical"})
_UNSAID = frozenset({"event", "level", "timestamp", "exception", "stack", "logger", "service"})
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class LogLine:
    """What was said, and how loud."""

    level: str
    text: str

    @property
    def alarming(self) -> bool:
        """Whether a person should see it."""
        return self.level in _ALARMING


def read(line: str) -> LogLine:
    """Return what `line` says; a line that is no JSON object is taken as it is.

    Examples
    --------
    >>> read('{"event": "source_away", "level": "warning", "wait": 2}').text
    'source_away wait=2'
    >>> read("1:M * Ready to accept connections").alarming
    False
    """
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "event" not in said:
        return LogLine("info", line[:_LONGEST])
    rest = (f"{key}={value}" for key, value in said.items() if key not in _UNSAID)
    trace = str(said.get("exception") or "").strip().splitlines()[-1:]
    text = " ".join([str(said["event"]), *rest, *trace])
    return LogLine(str(said.get("level", "info")), text[:_LONGEST])
