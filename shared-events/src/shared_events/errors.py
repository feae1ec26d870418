"""What can go wrong, arranged by what the caller should do about it.

* `AppError`
    * `TransientError` -- wait, then try the same thing again
        * `BusUnavailableError`
    * `DataError` -- set this one input aside, carry on with the next
        * `DecodeError`
        * `UnknownEventError`
    * `ConfigError` -- stop with exit code 78; a person has to act

Anything else is a bug: nobody catches it, the process dies with a traceback and systemd starts a
new one.
"""

EXIT_CONFIG = 78
"""``EX_CONFIG`` of sysexits.h: systemd does not restart a service that ends with it."""


class AppError(Exception):
    """Base of every error raised on purpose."""


class TransientError(AppError):
    """The same call may well succeed later.

    Parameters
    ----------
    message
        What could not be done, naming the thing with ``!r``.
    retry_after
        Seconds the other side asked us to wait, when it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DataError(AppError):
    """One input is wrong and will stay wrong; the next one may be fine."""


class ConfigError(AppError):
    """The process cannot run as configured; the message says what to change."""


class BusUnavailableError(TransientError):
    """The event bus cannot be reached; whether it took the last batch is unknown."""


class DecodeError(DataError):
    """Bytes that claim to be an event are not one."""


class UnknownEventError(DataError):
    """An event names a type or version this build does not know; a newer build may."""
