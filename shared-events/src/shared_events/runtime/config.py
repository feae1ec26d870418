"""What the service manager that started this process told it, if there is one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from shared_events.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Manager:
    """Where systemd listens and how often it wants to hear from us; None where it does not."""

    notify_socket: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, pid: int | None = None
    ) -> Self:
        """Read ``NOTIFY_SOCKET`` and, if they are meant for this process, the watchdog's two.

        Raises
        ------
        ConfigError
            If ``WATCHDOG_USEC`` is not a positive whole number.

        Examples
        --------
        >>> Manager.from_environment({"NOTIFY_SOCKET": "@bus", "WATCHDOG_USEC": "30000000"})
        Manager(notify_socket='@bus', watchdog_seconds=30.0)
        """
        meant_for = environment.get("WATCHDOG_PID")
        mine = meant_for in (None, str(os.getpid() if pid is None else pid))
        interval = environment.get("WATCHDOG_USEC") if mine else None
        return cls(environment.get("NOTIFY_SOCKET") or None, _seconds(interval))


def _seconds(microseconds: str | None) -> float | None:
    if microseconds is None:
        return None
    if not (microseconds.isdecimal() and int(microseconds)):
        raise ConfigError(f"WATCHDOG_USEC is {microseconds!r}: set it to microseconds above 0")
    return int(microseconds) / 1e6
