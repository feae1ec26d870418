"""Whether everything a service needs answers, in the time one is willing to wait."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from shared_events.errors import AppError

Check = Callable[[], Awaitable[None]]
"""A ping: returns if its adapter works, raises an `AppError` saying why not."""


class Health:
    """Named checks, run side by side.

    Parameters
    ----------
    checks
        What to ask, by the name to report it under.
    limit_seconds
        How long each may take.
    """

    def __init__(self, checks: Mapping[str, Check], *, limit_seconds: float = 2.0) -> None:
        self._checks = dict(checks)
        self._limit_seconds = limit_seconds

    async def report(self) -> dict[str, str | None]:
        """Return, by name, None for what works and the reason for what does not.

        An error that is not an `AppError` is a bug in the check, and is raised.
        """
        reasons = await asyncio.gather(*map(self._reason, self._checks.values()))
        return dict(zip(self._checks, reasons, strict=True))

    async def _reason(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._limit_seconds):
                await check()
        except TimeoutError:
            return f"no answer within {self._limit_seconds:g} s"
        except AppError as e:
            return str(e) or type(e).__name__
        return None
