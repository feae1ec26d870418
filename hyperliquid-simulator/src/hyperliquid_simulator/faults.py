"""Failures on command: what the venue gets wrong, when and for how long.

A faults file is a JSON list such as ``[{"kind": "refuse", "at": 30, "for": 10}]``, in seconds of
venue time since the start. A new kind of fault is a class here and a line in `FAULTS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import orjson

from hyperliquid_simulator.errors import ConfigError, RequestError

BAD_GATEWAY: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure: it begins at ``at`` and lasts ``lasts`` seconds. Kinds override what breaks."""

    at: float
    lasts: float
    channel: str | None = None

    refusal: ClassVar[tuple[int, bytes, str] | None] = None
    drops_sockets: ClassVar[bool] = False
    silences_sockets: ClassVar[bool] = False
    stalls_state: ClassVar[bool] = False

    def active(self, now: float) -> bool:
        """Tell whether the failure is going on."""
        return self.at <= now < self.at + self.lasts


class Refuse(Fault):
    """Every request is over the limit: 429 with the body ``null``."""

    refusal = (429, b"null", "application/json")


class BadGateway(Fault):
    """The gateway answers 502 with a page of HTML."""

    refusal = (502, BAD_GATEWAY, "text/html")


class DropSockets(Fault):
    """Every websocket breaks without a close frame, and new ones too while it lasts."""

    drops_sockets = True


class SilentSockets(Fault):
    """Websockets stay open and answer pings but carry no data, or none of one channel."""

    silences_sockets = True


class LaggingState(Fault):
    """The node that serves account states stands still while the trades go on."""

    stalls_state = True


FAULTS: Final[Mapping[str, type[Fault]]] = {
    "refuse": Refuse,
    "bad_gateway": BadGateway,
    "drop_sockets": DropSockets,
    "silent_sockets": SilentSockets,
    "lagging_state": LaggingState,
}


def parse_fault(row: Any, now: float = 0.0) -> Fault:
    """Read one fault; ``at`` defaults to now. Raises ConfigError saying what is wrong."""
    if not isinstance(row, dict) or row.get("kind") not in FAULTS:
        raise ConfigError(f"fault {row!r}: its kind must be one of {', '.join(FAULTS)}.")
    at, lasts = row.get("at", now), row.get("for", 0.5)
    channel = row.get("channel")
    if not all(isinstance(n, int | float) and n >= 0 for n in (at, lasts)):
        raise ConfigError(f"fault {row!r}: 'at' and 'for' must be seconds, 0 or more.")
    if channel is not None and not isinstance(channel, str):
        raise ConfigError(f"fault {row!r}: 'channel' must be the name of a websocket channel.")
    return FAULTS[row["kind"]](float(at), float(lasts), channel)


def read_faults(path: Path) -> list[Fault]:
    """Read a faults file; raises ConfigError saying what is wrong with it."""
    try:
        rows = orjson.loads(path.read_bytes())
    except OSError as e:
        raise ConfigError(f"--faults {path}: cannot be read ({e.strerror}).") from e
    except orjson.JSONDecodeError as e:
        raise ConfigError(f"--faults {path}: is not JSON ({e}).") from e
    if not isinstance(rows, list):
        raise ConfigError(f"--faults {path}: must hold a JSON list of faults.")
    return [parse_fault(row) for row in rows]


class Faults:
    """All planned failures, and which of them are going on."""

    def __init__(self, planned: list[Fault], now: Callable[[], float]) -> None:
        self._planned = list(planned)
        self._now = now

    def add(self, row: Any) -> Fault:
        """Plan one more failure, from now on if it does not say when; see `parse_fault`."""
        fault = parse_fault(row, self._now())
        self._planned.append(fault)
        return fault

    def refusal(self) -> RequestError | None:
        """Return what every request gets instead of an answer, if anything."""
        for fault in self._active():
            if fault.refusal is not None:
                return RequestError(*fault.refusal)
        return None

    def sockets_dropped(self) -> bool:
        """Tell whether no websocket may live now."""
        return any(fault.drops_sockets for fault in self._active())

    def silenced(self, channel: str) -> bool:
        """Tell whether a channel's data is withheld now."""
        return any(
            fault.silences_sockets and fault.channel in {None, channel} for fault in self._active()
        )

    def state_stalled(self) -> bool:
        """Tell whether account states stand still now."""
        return any(fault.stalls_state for fault in self._active())

    def _active(self) -> list[Fault]:
        now = self._now()
        self._planned = [f for f in self._planned if now < f.at + f.lasts]
        return [fault for fault in self._planned if fault.active(now)]
