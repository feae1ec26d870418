"""Long work on the event loop, in pieces."""

import asyncio
from time import perf_counter


class Pacer:
    """Lets others run whenever a few milliseconds of work were done.

    Parameters
    ----------
    work_seconds
        How long a piece of work may be.
    """

    def __init__(self, work_seconds: float = 0.002) -> None:
        self._work_seconds = work_seconds
        self._began = perf_counter()

    async def breathe(self) -> None:
        """Yield if it is time to."""
        if perf_counter() - self._began > self._work_seconds:
            await asyncio.sleep(0)
            self._began = perf_counter()
