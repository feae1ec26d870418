"""What the environment tells every service: where its manager listens, and no misspelt setting."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
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


def refuse_misspelt(
    prefix: str, settings: Collection[str], environment: Mapping[str, str] = os.environ
) -> None:
    """Return if every variable that begins with `prefix` names one of `settings`.

    Parts of a nested setting follow two underscores and are not looked at.

    Raises
    ------
    ConfigError
        Naming the first variable that means nothing, and the setting it resembles.

    Examples
    --------
    >>> refuse_misspelt("X_", ["bus_url"], {"X_BUS_URL": "", "X_BUS_UR": ""})
    Traceback (most recent call last):
    shared_events.errors.ConfigError: X_BUS_UR is no setting; did you mean X_BUS_URL?
    """
    for variable in sorted(environment):
        name = variable.upper().removeprefix(prefix).partition("__")[0].lower()
        if variable.upper().startswith(prefix) and name not in settings:
            like = get_close_matches(name, settings, n=1)
            hint = f"did you mean {prefix}{like[0].upper()}?" if like else "remove it."
            raise ConfigError(f"{variable} is no setting; {hint}")


def _seconds(microseconds: str | None) -> float | None:
    if microseconds is None:
        return None
    if not (microseconds.isdecimal() and int(microseconds)):
        raise ConfigError(f"WATCHDOG_USEC is {microseconds!r}: set it to microseconds above 0")
    return int(microseconds) / 1e6
