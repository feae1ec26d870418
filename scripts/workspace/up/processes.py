"""A running part: started so that it cannot outlive us, watched, stopped within a limit."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Self

from shared_events.errors import EXIT_CONFIG
from workspace.up.lines import read
from workspace.up.logfile import LogFile
from workspace.up.plan import REDIS, Part

_PR_SET_PDEATHSIG = 1
_CHUNK = 64 * 1024
_REASON_LINES = 8

OnLine = Callable[[Part, str], None]


class Process:
    """One part while it runs; make it with `start`."""

    def __init__(self, part: Part, process: asyncio.subprocess.Process, log: LogFile) -> None:
        self.part = part
        self.pid = process.pid
        self._process = process
        self._log = log
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, part: Part, environment: Mapping[str, str], log: LogFile, on_line: OnLine
    ) -> Self:
        """Start `part` in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""
        process = await asyncio.create_subprocess_exec(
            *part.command,
            env={**environment, **part.settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_dies_with_us(part),
        )
        started = cls(part, process, log)
        started._reader = asyncio.create_task(started._keep_output(on_line))
        return started

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def ended(self) -> str:
        """Wait for the end and return what happened, with the part's own words."""
        code = await self._process.wait()
        if self._reader is not None:
            await self._reader
        return obituary(self.part.name, code, list(self._log.last))

    async def stop(self) -> str:
        """Ask it to end, kill it if it has not within its limit; return which of the two it took."""
        limit = self.part.stop_seconds
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), limit)
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return f"killed, as it had not stopped within {limit:g} s"
        return "stopped"

    def kill(self) -> None:
        """End it at once; what it has not written is lost."""
        if self.running:
            self._process.kill()

    async def _keep_output(self, on_line: OnLine) -> None:
        output = self._process.stdout
        if output is None:
            return
        with self._log as log:
            while chunk := await output.read(_CHUNK):
                for line in log.take(chunk):
                    on_line(self.part, line)


def obituary(name: str, code: int, last: list[str]) -> str:
    """Return what to tell about a part that ended: how, and its last words.

    Examples
    --------
    >>> obituary("signal-system", 78, ["starting", "API_PORT must be a number"])
    'signal-system cannot run as configured: API_PORT must be a number'
    >>> print(obituary("simulator", -9, []))
    simulator was killed by SIGKILL
    """
    if code == EXIT_CONFIG and last:
        sentence = next((line for line in reversed(last) if not line.startswith("{")), last[-1])
        return f"{name} cannot run as configured: {read(sentence).text}"
    how = (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )
    return "\n    ".join([f"{name} {how}", *(read(line).text for line in last[-_REASON_LINES:])])


def _dies_with_us(part: Part) -> Callable[[], None] | None:
    """Return what a child runs before it becomes `part`, so that the kernel ends it with its parent.

    Redis is asked to end, as its append-only file wants a last flush; the others are made to
    survive a kill at any moment.
    """
    if sys.platform != "linux":
        return None
    end = signal.SIGTERM if part.name == REDIS else signal.SIGKILL
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def arrange() -> None:
        if prctl(_PR_SET_PDEATHSIG, int(end)) or os.getppid() != parent:
            os._exit(70)

    return arrange
